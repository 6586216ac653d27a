// How good a model is on points that it has not seen.

import { difference } from '../analytics/arima.ts'
import { ArmaFilter } from '../analytics/arma-filter.ts'
import type { Matrix } from '../analytics/isolation-forest.ts'
import { seededRandom } from '#kit/random.ts'
import type { ArimaModel, ForestModel } from './model.ts'

export interface Evaluation {
  readonly points: number
  /** In [0, 1], greater is better. */
  readonly score: number
  /** Of the held-out points. */
  readonly anomalyShare: number
}

/** Scattered points lie so much of the range beyond it, on each side. */
const MARGIN = 0.1
const SCATTER_SEED = 1

/** As many points as there are, scattered evenly over the range of `known`: what anomalies may be, when nobody has named any. */
export function scattered(known: Matrix, rows: number): Matrix {
  const { cells, columns } = known
  const random = seededRandom(SCATTER_SEED)
  const low = new Float64Array(columns).fill(Infinity)
  const high = new Float64Array(columns).fill(-Infinity)
  cells.forEach((value, at) => {
    low[at % columns] = Math.min(low[at % columns]!, value)
    high[at % columns] = Math.max(high[at % columns]!, value)
  })
  const scatter = Float64Array.from({ length: rows * columns }, (_, at) => {
    const column = at % columns
    const margin = MARGIN * (high[column]! - low[column]!)
    return low[column]! - margin + random() * (high[column]! - low[column]! + 2 * margin)
  })
  return { rows, columns, cells: scatter }
}

/** Area under the ROC curve: the chance that a scattered point scores higher than a held-out one. */
export function evaluateForest({ forest, spec }: ForestModel, heldOut: Matrix, scatter: Matrix): Evaluation {
  const usual = scoresOf(forest, heldOut)
  const score = areaUnderCurve(usual, scoresOf(forest, scatter))
  const anomalies = usual.filter((each) => each >= spec.threshold).length
  return { points: heldOut.rows, score, anomalyShare: anomalies / heldOut.rows }
}

function scoresOf(forest: ForestModel['forest'], { cells, columns, rows }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => forest.score(cells, row * columns))
}

/** Of two samples: P(positive > negative) + P(equal) / 2 (Mann and Whitney). */
export function areaUnderCurve(negatives: Float64Array, positives: Float64Array): number {
  const low = negatives.toSorted()
  let sum = 0
  for (const value of positives) sum += (place(low, value, false) + place(low, value, true)) / 2
  return sum / (negatives.length * positives.length)
}

/** How many of the sorted numbers are below `value`, or not above it. */
function place(sorted: Float64Array, value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (orEqual ? sorted[middle]! <= value : sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** 1 − mean absolute error / that of the last value as a forecast, not below 0; over the values from `start` on. */
export function evaluateArima({ fit, spec, spread }: ArimaModel, values: Float64Array, start: number): Evaluation {
  const { d } = fit.order
  const filter = new ArmaFilter(fit.parameters)
  let [points, errors, changes, anomalies] = [0, 0, 0, 0]
  difference(values, d).forEach((value, at) => {
    const limit = spec.sigma * spread * Math.sqrt(filter.variance)
    const error = Math.abs(filter.take(value))
    const change = Math.abs(values[at + d]! - values[at + d - 1]!)
    if (at + d < start || Number.isNaN(error) || Number.isNaN(change)) return
    points += 1
    errors += error
    changes += change
    if (error >= limit && error > 0) anomalies += 1
  })
  const score = changes === 0 ? (errors === 0 ? 1 : 0) : Math.max(0, 1 - errors / changes)
  return { points, score, anomalyShare: points === 0 ? 0 : anomalies / points }
}
