import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { averagePathLength, IsolationForest, type Matrix } from '#brain/analytics/isolation-forest.ts'
import { fixture } from './fixture.ts'

const { averaged, exact, points } = fixture('isolation-forest')

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0]!.length, cells: Float64Array.from(rows.flat()) }
}

/** The trees that scikit-learn grew, as our forest. */
function importedForest(): IsolationForest {
  const roots: number[] = []
  const nodes = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    size: [] as number[],
  }
  for (const tree of exact.trees) {
    const offset = nodes.size.length
    roots.push(offset)
    nodes.feature.push(...tree.feature)
    nodes.threshold.push(...tree.threshold)
    nodes.left.push(...tree.left.map((place) => place + offset))
    nodes.right.push(...tree.right.map((place) => place + offset))
    nodes.size.push(...tree.size)
  }
  return new IsolationForest(2, exact.sampleSize, {
    roots: Int32Array.from(roots),
    feature: Int32Array.from(nodes.feature),
    threshold: Float64Array.from(nodes.threshold),
    left: Int32Array.from(nodes.left),
    right: Int32Array.from(nodes.right),
    size: Int32Array.from(nodes.size),
  })
}

/** Ranks from 0; the scores are distinct enough that ties do not matter. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((value, at) => ({ value, at })).sort((a, b) => a.value - b.value)
  const result = Array.from({ length: values.length }, () => 0)
  order.forEach(({ at }, rank) => (result[at] = rank))
  return result
}

function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const squares = x.reduce((sum, rank, at) => sum + (rank - y[at]!) ** 2, 0)
  return 1 - (6 * squares) / (a.length * (a.length ** 2 - 1))
}

describe('The isolation forest', () => {
  it('knows the average path length of the paper: 0, 1, then 2 H(n − 1) − 2 (n − 1) / n', () => {
    expect([0, 1, 2].map(averagePathLength)).toEqual([0, 0, 1])
    let harmonic = 0
    for (let n = 2; n <= 5000; n++) {
      harmonic += 1 / (n - 1)
      // H(i) is ln i + γ to within 1 / 2i.
      if (n > 2)
        expect(Math.abs(averagePathLength(n) - (2 * harmonic - (2 * (n - 1)) / n))).toBeLessThan(1.01 / (n - 1))
    }
    expect(averagePathLength(256)).toBeCloseTo(10.244770920119, 10)
  })

  it('scores by the trees of scikit-learn exactly as scikit-learn does', () => {
    const forest = importedForest()
    const scores = points.map((point) => forest.score(Float64Array.from(point)))
    scores.forEach((score, at) => expect(score).toBeCloseTo(exact.scores[at]!, 12))
  })

  // Trees are random: one path length has a standard deviation of about 2.5, so a score of 1000 trees one of about
  // ln 2 / c(256) × 2.5 / √1000 × 0.6 = 0.0032; the 3000 of the other side add little. Five of them are 0.018.
  it('grown by us scores as scikit-learn does, as far as chance allows', () => {
    const { cells, columns } = matrix(points)
    const forest = IsolationForest.grow(matrix(points), { trees: 1000, sampleSize: averaged.sampleSize, seed: 11 })
    const scores = points.map((_, row) => forest.score(cells, row * columns))
    const differences = scores.map((score, at) => Math.abs(score - averaged.scores[at]!))
    expect(Math.max(...differences)).toBeLessThan(0.018)
    expect(differences.reduce((sum, each) => sum + each, 0) / differences.length).toBeLessThan(0.005)
    expect(spearman(scores, averaged.scores)).toBeGreaterThan(0.99)
    // The ten that were made unusual are the ten highest, or nearly.
    const highest = scores
      .map((score, at) => ({ score, at }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 12)
    expect(highest.filter(({ at }) => at >= 390).length).toBeGreaterThanOrEqual(8)
  })

  it('is the same for the same seed, another for another', () => {
    const grow = (seed: number) => IsolationForest.grow(matrix(points), { trees: 5, sampleSize: 64, seed }).nodes
    expect(grow(3)).toEqual(grow(3))
    expect(grow(3)).not.toEqual(grow(4))
  })

  it('divides every sample down to single points or the greatest depth, whatever the points', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, 1, 1e308, -1e308),
    )
    const rows = fc
      .integer({ min: 1, max: 3 })
      .chain((columns) =>
        fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: 2, maxLength: 40 }),
      )
    fc.assert(
      fc.property(rows, fc.integer(), (all, seed) => {
        const forest = IsolationForest.grow(matrix(all), { trees: 3, sampleSize: 32, seed })
        const { feature, left, right, roots, size } = forest.nodes
        const sample = Math.min(32, all.length)
        const deepest = Math.ceil(Math.log2(Math.max(2, sample)))
        const walk = (node: number, depth: number): number => {
          expect(depth).toBeLessThanOrEqual(deepest)
          if (feature[node]! < 0) return size[node]!
          const [a, b] = [walk(left[node]!, depth + 1), walk(right[node]!, depth + 1)]
          expect(Math.min(a, b)).toBeGreaterThan(0)
          expect(a + b).toBe(size[node])
          return a + b
        }
        for (const root of roots) expect(walk(root, 0)).toBe(sample)
        for (const row of all) {
          const score = forest.score(Float64Array.from(row))
          expect(score).toBeGreaterThan(0)
          expect(score).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 200 },
    )
  })
})
