// DetectAnomalies: short work at once, long work in a thread.

import { create } from '@bufbuild/protobuf'
import {
  DetectAnomaliesResponseSchema,
  type DetectAnomaliesRequest,
  type DetectAnomaliesResponse,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { invalidArgument } from '../rpc/answers.ts'
import type { AnalyticsParts } from './parts.ts'
import { detect, type Detection, type FoundAnomaly, type TimedSeries } from './detect.ts'
import { isFitted, type DetectorSpec } from './detector-spec.ts'
import { readDetector, type ModelReference } from './read-detector.ts'
import { FieldReader } from './read-fields.ts'
import { readSeries } from './read-series.ts'

/** Values, and readings in a window, up to which a stream detector takes less time than handing it over: some 10 ms. */
const MAX_INLINE_POINTS = 10_000
const MAX_INLINE_WINDOW = 1000
const MAX_LISTED = 10_000

export async function detectAnomalies(
  parts: AnalyticsParts,
  tenant: string,
  request: DetectAnomaliesRequest,
  signal: AbortSignal,
): Promise<DetectAnomaliesResponse> {
  const reader = new FieldReader()
  const detector = readDetector(reader, 'detector', request.detector)
  const isTogether = detector?.method === 'isolationForest' || detector?.method === 'model'
  const series = readSeries(reader, request.series, { maxPoints: parts.maxPoints, isTogether })
  reader.done()
  if (detector === null) throw invalidArgument({ field: 'detector', description: 'has no method' })
  const { withScores } = request
  if (detector.method === 'model') {
    const { ordered, stored } = await byModel(parts, tenant, { reference: detector, series })
    const { body, record } = stored
    const detection = await parts.pool.run(
      'judge',
      { body, checksum: record.checksum, series: ordered, withScores },
      signal,
    )
    return response(detection, ordered)
  }
  const detection = isShort(detector, series)
    ? detect(detector, series, withScores)
    : await parts.pool.run('detect', { spec: detector, series, withScores }, signal)
  return response(detection, series)
}

function isShort(spec: DetectorSpec, series: readonly TimedSeries[]): boolean {
  const points = series.reduce((sum, { values }) => sum + values.length, 0)
  const window = 'window' in spec ? spec.window : 0
  return !isFitted(spec) && points <= MAX_INLINE_POINTS && window <= MAX_INLINE_WINDOW
}

/** The series in the order of the model's sensors. Throws INVALID_ARGUMENT when one is missing. */
async function byModel(
  { models }: AnalyticsParts,
  tenant: string,
  { reference, series }: { reference: ModelReference; series: readonly TimedSeries[] },
) {
  const stored = await models.load(tenant, reference.name, reference.version)
  const ordered = stored.model.sensors.map((sensor) => {
    const found = series.find((one) => one.sensor === sensor)
    if (found !== undefined) return found
    throw invalidArgument({ field: 'series', description: `has no ${sensor}, which the model ${reference.name} needs` })
  })
  return { stored, ordered }
}

function response({ anomalies, scores }: Detection, series: readonly TimedSeries[]): DetectAnomaliesResponse {
  return create(DetectAnomaliesResponseSchema, {
    found: BigInt(anomalies.length),
    anomalies: listed(anomalies).map(({ at, expected, message, score, series: number }) => {
      const { sensor, times, values } = series[number]!
      const known = Number.isNaN(expected) ? {} : { expected }
      return { sensor, timeMs: BigInt(Math.round(times[at]!)), value: values[at]!, score, message, ...known }
    }),
    scores: scores?.map((each, number) => ({ sensor: series[number]!.sensor, scores: [...each] })) ?? [],
  })
}

/** In the order of time, of too many those with the highest scores. */
function listed(anomalies: readonly FoundAnomaly[]): readonly FoundAnomaly[] {
  if (anomalies.length <= MAX_LISTED) return anomalies
  const order = new Map(anomalies.map((anomaly, place) => [anomaly, place]))
  const kept = anomalies.toSorted((a, b) => b.score - a.score).slice(0, MAX_LISTED)
  return kept.sort((a, b) => order.get(a)! - order.get(b)!)
}
