// What the worker threads are asked to do, each by a pure function: whatever takes longer than a call should keep others waiting.

import type { ArimaFit } from './arima.ts'
import { fitArima } from './arima.ts'
import { robustSpread } from './arima-scorer.ts'
import { analyzeWindow, type WindowAsk, type WindowResult } from './analyze-window.ts'
import { detect, MAX_FIT_VALUES, type Detection, type TimedSeries } from './detect.ts'
import type { DetectorSpec, FittedSpec } from './detector-spec.ts'
import { columnMedians } from './forest-judge.ts'
import { IsolationForest, type ForestNodes } from './isolation-forest.ts'
import { featureRows } from './features.ts'

/** A fit to the newest readings of one sensor, for a stream. */
export type StreamFit =
  | { readonly kind: 'arima'; readonly fit: ArimaFit; readonly spread: number }
  | {
      readonly kind: 'isolationForest'
      readonly columns: number
      readonly sampleSize: number
      readonly nodes: ForestNodes
      readonly usual: Float64Array
    }

export interface Jobs {
  readonly detect: {
    readonly ask: { readonly spec: DetectorSpec; readonly series: readonly TimedSeries[]; readonly withScores: boolean }
    readonly answer: Detection
  }
  readonly analyze: { readonly ask: WindowAsk; readonly answer: readonly WindowResult[] }
  readonly fit: {
    readonly ask: { readonly spec: FittedSpec; readonly values: Float64Array }
    readonly answer: StreamFit
  }
}

export type JobName = keyof Jobs
export type JobTable<Table> = {
  readonly [J in keyof Table]: (
    ask: Table[J] extends { ask: infer A } ? A : never,
  ) => Table[J] extends { answer: infer R } ? R : never
}

export const ANALYSIS_JOBS: JobTable<Jobs> = {
  detect: ({ series, spec, withScores }) => detect(spec, series, withScores),
  analyze: analyzeWindow,
  fit: fitStream,
}

function fitStream({ spec, values }: Jobs['fit']['ask']): StreamFit {
  if (spec.method === 'arima') {
    const fitted = values.subarray(Math.max(0, values.length - MAX_FIT_VALUES))
    const fit = fitArima(fitted, spec)
    return { kind: 'arima', fit, spread: robustSpread(fit, fitted) }
  }
  const points =
    spec.features === null
      ? { rows: values.length, columns: 1, cells: values }
      : featureRows([values], spec.features.window, spec.features.step)
  const { columns, nodes, sampleSize } = IsolationForest.grow(points, spec)
  return { kind: 'isolationForest', columns, sampleSize, nodes, usual: columnMedians(points) }
}
