// A Detector of the wire with all of its parameters, checked.

import { create } from '@bufbuild/protobuf'
import { DetectorSchema, type Detector, type FeatureExtraction } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import {
  DETECTOR_DEFAULTS as DEFAULTS,
  DETECTOR_LIMITS as LIMITS,
  type DetectorSpec,
  type FeatureSpec,
} from './detector-spec.ts'
import { MAX_FEATURE_WINDOW, MIN_FEATURE_WINDOW } from './features.ts'
import type { FieldReader } from './read-fields.ts'

/** A model of the registry; `version` null: the one in use. */
export interface ModelReference {
  readonly method: 'model'
  readonly name: string
  readonly version: number | null
}

export type AnyDetector = DetectorSpec | ModelReference

const FEATURE_WINDOW = 32
const SEED_MASK = 0xffff_ffffn

/** null, and a violation, when there is none. */
export function readDetector(reader: FieldReader, field: string, detector: Detector | undefined): AnyDetector | null {
  const method = detector?.method
  switch (method?.case) {
    case undefined:
      reader.refuse(field, 'has no method')
      return null
    case 'zscore':
      return { method: 'zscore', ...readWindow(reader, `${field}.zscore`, method.value, DEFAULTS.window) }
    case 'robustZscore':
      return { method: 'robustZscore', ...readWindow(reader, `${field}.robust_zscore`, method.value, DEFAULTS.window) }
    case 'movingAverage': {
      const window = readWindow(reader, `${field}.moving_average`, method.value, DEFAULTS.averageWindow)
      return { method: 'movingAverage', ...window }
    }
    case 'ewma':
      return {
        method: 'ewma',
        alpha: reader.positive(`${field}.ewma.alpha`, method.value.alpha, {
          byDefault: DEFAULTS.alpha,
          most: LIMITS.alpha.most,
        }),
        sigma: reader.positive(`${field}.ewma.sigma`, method.value.sigma, { byDefault: DEFAULTS.sigma }),
      }
    case 'isolationForest':
      return readForest(reader, `${field}.isolation_forest`, method.value)
    case 'arima':
      return readArima(reader, `${field}.arima`, method.value)
    case 'adaptive':
      return { method: 'adaptive' }
    case 'model': {
      const { name, version } = method.value
      if (name === '') reader.refuse(`${field}.model.name`, 'is missing')
      return { method: 'model', name, version: version === 0 ? null : version }
    }
  }
}

function readWindow(
  reader: FieldReader,
  field: string,
  { sigma, window }: { readonly window: number; readonly sigma: number },
  byDefault: number,
): { window: number; sigma: number } {
  return {
    window: reader.whole(`${field}.window`, window, { ...LIMITS.window, byDefault }),
    sigma: reader.positive(`${field}.sigma`, sigma, { byDefault: DEFAULTS.sigma }),
  }
}

type Wire<C> = Extract<Detector['method'], { case: C }> extends { value: infer V } ? V : never

function readForest(reader: FieldReader, field: string, wire: Wire<'isolationForest'>): DetectorSpec {
  const threshold = wire.threshold === 0 ? DEFAULTS.threshold : wire.threshold
  if (!(threshold > 0 && threshold < 1)) reader.refuse(`${field}.threshold`, 'must be in (0, 1)')
  return {
    method: 'isolationForest',
    trees: reader.whole(`${field}.trees`, wire.trees, { ...LIMITS.trees, byDefault: DEFAULTS.trees }),
    sampleSize: reader.whole(`${field}.sample_size`, wire.sampleSize, {
      ...LIMITS.sampleSize,
      byDefault: DEFAULTS.sampleSize,
    }),
    threshold,
    seed: Number((wire.seed ^ (wire.seed >> 32n)) & SEED_MASK),
    features: wire.features === undefined ? null : readFeatures(reader, `${field}.features`, wire.features),
  }
}

export function readFeatures(reader: FieldReader, field: string, wire: FeatureExtraction): FeatureSpec {
  const window = reader.whole(`${field}.window`, wire.window, {
    least: MIN_FEATURE_WINDOW,
    most: MAX_FEATURE_WINDOW,
    byDefault: FEATURE_WINDOW,
  })
  const byDefault = Math.max(1, Math.floor(window / 4))
  const step = reader.whole(`${field}.step`, wire.step, { least: 1, most: MAX_FEATURE_WINDOW, byDefault })
  return { window, step }
}

function readArima(reader: FieldReader, field: string, wire: Wire<'arima'>): DetectorSpec {
  const isDefault = wire.p === 0 && wire.d === 0 && wire.q === 0
  const { d, p, q } = isDefault ? DEFAULTS.arima : wire
  for (const [name, value] of [['p', p] as const, ['q', q] as const])
    if (value > LIMITS.order.most) reader.refuse(`${field}.${name}`, `must be at most ${LIMITS.order.most}`)
  if (d > LIMITS.differences.most) reader.refuse(`${field}.d`, `must be at most ${LIMITS.differences.most}`)
  const sigma = reader.positive(`${field}.sigma`, wire.sigma, { byDefault: DEFAULTS.sigma })
  return { method: 'arima', p, d, q, sigma }
}

/** With every parameter written out. */
export function wireDetector(spec: DetectorSpec): Detector {
  switch (spec.method) {
    case 'adaptive':
      return create(DetectorSchema, { method: { case: 'adaptive', value: {} } })
    case 'arima': {
      const { method: _, ...value } = spec
      return create(DetectorSchema, { method: { case: 'arima', value } })
    }
    case 'isolationForest': {
      const { features, method: _, seed, ...value } = spec
      const more = features === null ? {} : { features }
      return create(DetectorSchema, {
        method: { case: 'isolationForest', value: { ...value, seed: BigInt(seed), ...more } },
      })
    }
    case 'ewma': {
      const { method: _, ...value } = spec
      return create(DetectorSchema, { method: { case: 'ewma', value } })
    }
    case 'zscore':
    case 'robustZscore':
    case 'movingAverage': {
      const { method, ...value } = spec
      return create(DetectorSchema, { method: { case: method, value } })
    }
  }
}
