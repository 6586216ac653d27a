import { describe, expect, it } from 'vitest'
import { nabScore, nabScoreAt, type ScoredSeries } from '../../../bench/nab/score.ts'

/** 100 rows with one window from row 50 to 59, and the given scores. */
function series(scores: Readonly<Record<number, number>>, windows = [{ first: 50, last: 59 }]): ScoredSeries {
  const all = new Float64Array(100)
  for (const [row, score] of Object.entries(scores)) all[Number(row)] = score
  return { scores: all, windows }
}

const sigmoid = (x: number): number => 2 / (1 + Math.exp(5 * x)) - 1
/** What one detection outside costs: the weight over the span from nothing to all. */
const COST = (100 * 0.11) / 2

describe('NAB score', () => {
  it('is 100 for a detection in the first row of each window and 0 for none at all', () => {
    expect(nabScore([series({ 50: 1 })])).toEqual({ score: 100, threshold: 1 })
    expect(nabScore([series({})])).toEqual({ score: 0, threshold: 1.1 })
  })

  it('weighs a detection by how early in the window it comes, and only the first', () => {
    const late = (100 * (1 + sigmoid(-5 / 10) / sigmoid(-1))) / 2
    expect(nabScore([series({ 55: 1, 57: 1, 59: 1 })]).score).toBeCloseTo(late)
  })

  it('charges each detection before the window in full and those after it by their distance', () => {
    expect(nabScoreAt([series({ 30: 1, 50: 1 })], 0.5)).toBeCloseTo(100 - COST)
    expect(nabScoreAt([series({ 50: 1, 60: 1 })], 0.5)).toBeCloseTo(100 + COST * sigmoid(1 / 9))
    expect(nabScoreAt([series({ 50: 1, 99: 1 })], 0.5)).toBeCloseTo(100 - COST)
  })

  it('does not judge the first 15 %', () => {
    expect(nabScoreAt([series({ 14: 1, 50: 1 })], 0.5)).toBe(100)
    expect(nabScoreAt([series({ 15: 1, 50: 1 })], 0.5)).toBeCloseTo(100 - COST)
  })

  it('takes the one threshold that is best for all series', () => {
    const quiet = series({ 20: 0.6, 50: 0.9 })
    const normal = series({}, [])
    expect(nabScore([quiet, normal])).toEqual({ score: 100, threshold: 0.9 })
    const split = nabScore([quiet, series({ 50: 0.3 })])
    expect(split.threshold).toBe(0.3)
    expect(split.score).toBeCloseTo(100 - COST / 2)
  })
})
