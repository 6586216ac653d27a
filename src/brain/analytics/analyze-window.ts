// What Analyze works out for one window, as a pure function.

import type { Columns } from './history-blocks.ts'
import type { SensorKey } from './accepted-numbers.ts'
import { aggregate, correlation, histogram, onGrid, percentiles, type Aggregate, type Histogram } from './describe.ts'
import { chooseEts, forecastEts, leastEtsValues, type EtsTrend } from './ets.ts'
import { featureRows, FEATURES } from './features.ts'

export type Analysis =
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'percentiles'; readonly percentiles: readonly number[] }
  | { readonly kind: 'histogram'; readonly bins: number }
  | { readonly kind: 'correlation'; readonly everyMs: number }
  | { readonly kind: 'forecast'; readonly steps: number; readonly everyMs: number; readonly season: number }
  | { readonly kind: 'features'; readonly window: number; readonly step: number }

export type KeyedColumns = Columns & Pick<SensorKey, 'gateway' | 'sensor'>

/** Readings within [from, to) of each sensor, and what to work out. */
export interface WindowAsk {
  readonly from: number
  readonly to: number
  readonly series: readonly KeyedColumns[]
  readonly analyses: readonly Analysis[]
}

export interface ForecastPoint {
  readonly time: number
  readonly value: number
  readonly low: number
  readonly high: number
}

type OfSensor = Pick<SensorKey, 'gateway' | 'sensor'>

export type WindowResult =
  | (OfSensor & { readonly kind: 'aggregate'; readonly aggregate: Aggregate })
  | (OfSensor & { readonly kind: 'percentiles'; readonly values: readonly number[] })
  | (OfSensor & { readonly kind: 'histogram'; readonly histogram: Histogram })
  | (OfSensor & {
      readonly kind: 'forecast'
      readonly points: readonly ForecastPoint[]
      readonly trend: EtsTrend | null
    })
  | (OfSensor & { readonly kind: 'features'; readonly values: Float64Array; readonly times: Float64Array })
  | {
      readonly kind: 'correlation'
      readonly first: OfSensor
      readonly second: OfSensor
      readonly coefficient: number
      readonly pairs: number
    }

/** The 97.5 % quantile of the normal distribution. */
const HALF_WIDTH = 1.959963984540054
/** Newest slots that a forecast is fitted to. */
const MAX_FORECAST_SLOTS = 5000

/** Sensors without a reading in the window are passed over. */
export function analyzeWindow(ask: WindowAsk): WindowResult[] {
  const series = ask.series.filter(({ times }) => times.length > 0)
  return ask.analyses.flatMap((analysis): WindowResult[] =>
    analysis.kind === 'correlation'
      ? correlations(ask, series, analysis.everyMs)
      : series.map((one) => analyzeSensor(ask, one, analysis)),
  )
}

function analyzeSensor(
  { from, to }: WindowAsk,
  { gateway, sensor, times, values }: KeyedColumns,
  analysis: Exclude<Analysis, { kind: 'correlation' }>,
): WindowResult {
  const of = { gateway, sensor }
  switch (analysis.kind) {
    case 'aggregate':
      return { ...of, kind: 'aggregate', aggregate: aggregate(values)! }
    case 'percentiles':
      return { ...of, kind: 'percentiles', values: percentiles(values, analysis.percentiles) }
    case 'histogram':
      return { ...of, kind: 'histogram', histogram: histogram(values, analysis.bins)! }
    case 'forecast':
      return { ...of, kind: 'forecast', ...forecast({ times, values }, { from, to, ...analysis }) }
    case 'features': {
      const rows = featureRows([values], analysis.window, analysis.step)
      return { ...of, kind: 'features', values: rows.cells, times: Float64Array.from(rows.ends, (at) => times[at]!) }
    }
  }
}

export const FEATURE_NAMES: readonly string[] = FEATURES

interface ForecastAsk {
  readonly from: number
  readonly to: number
  readonly everyMs: number
  readonly steps: number
  readonly season: number
}

/** From the slots with the first and the last reading; slots without one between them are missing values. */
function forecast(
  { times, values }: Columns,
  { everyMs, from, season, steps, to }: ForecastAsk,
): { points: ForecastPoint[]; trend: EtsTrend | null } {
  const end = Math.floor((Math.min(times.at(-1)!, to) - from) / everyMs) + 1
  const first = Math.max(Math.floor((times[0]! - from) / everyMs), end - MAX_FORECAST_SLOTS)
  const start = from + first * everyMs
  const grid = onGrid(times, values, { from: start, everyMs, slots: end - first })
  if (grid.filter((value) => !Number.isNaN(value)).length < leastEtsValues(season)) return { points: [], trend: null }
  const fit = chooseEts(grid, season)
  const { deviations, values: ahead } = forecastEts(fit, grid, steps)
  const points = Array.from(ahead, (value, step) => ({
    time: from + (end + step) * everyMs,
    value,
    low: value - HALF_WIDTH * deviations[step]!,
    high: value + HALF_WIDTH * deviations[step]!,
  }))
  return { points, trend: fit.form.trend }
}

function correlations({ from, to }: WindowAsk, series: readonly KeyedColumns[], everyMs: number): WindowResult[] {
  const slots = Math.ceil((to - from) / everyMs)
  const grids = series.map(({ times, values }) => onGrid(times, values, { from, everyMs, slots }))
  return series.flatMap((first, a) =>
    series.slice(a + 1).map((second, offset): WindowResult => ({
      kind: 'correlation',
      first: { gateway: first.gateway, sensor: first.sensor },
      second: { gateway: second.gateway, sensor: second.sensor },
      ...correlation(grids[a]!, grids[a + 1 + offset]!),
    })),
  )
}
