// Isolation forest: points that few random cuts set apart from the others are anomalies. Typed arrays, seeded, no I/O.
// Source: Liu, Ting, Zhou: Isolation Forest, ICDM 2008, doi:10.1109/ICDM.2008.17.

import { TelemetryError } from '#domain/errors.ts'
import { seededRandom } from '#kit/random.ts'

/** Points in rows: `columns` numbers each, all finite. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  /** Row after row. */
  readonly cells: Float64Array
}

export interface ForestOptions {
  readonly trees: number
  /** Points that each tree is grown from, drawn without putting back; at most as many as there are. */
  readonly sampleSize: number
  readonly seed: number
}

/** All trees one behind the other; children are places in the same arrays. */
export interface ForestNodes {
  /** Where each tree begins. */
  readonly roots: Int32Array
  /** Column that is cut; −1: a leaf. */
  readonly feature: Int32Array
  /** Points up to here (≤) go left. */
  readonly threshold: Float64Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** Points of the sample that came here. */
  readonly size: Int32Array
}

const EULER = 0.577_215_664_901_532_9

/**
 * c(n): mean path length of a search that fails in a binary search tree of n points, 2 H(n − 1) − 2 (n − 1) / n with
 * H(i) ≈ ln i + γ; 0 for one point, 1 for two. Source: equation 1 of the paper.
 */
export function averagePathLength(points: number): number {
  if (points <= 1) return 0
  if (points === 2) return 1
  return 2 * (Math.log(points - 1) + EULER) - (2 * (points - 1)) / points
}

export class IsolationForest {
  readonly columns: number
  /** Points that each tree was grown from. */
  readonly sampleSize: number
  readonly nodes: ForestNodes
  /** Of each node: c(size), read at leaves. */
  readonly #leafPath: Float64Array

  constructor(columns: number, sampleSize: number, nodes: ForestNodes) {
    this.columns = columns
    this.sampleSize = sampleSize
    this.nodes = nodes
    this.#leafPath = Float64Array.from(nodes.size, averagePathLength)
  }

  get trees(): number {
    return this.nodes.roots.length
  }

  /** Grows a forest. Throws OUT_OF_RANGE without at least two points. */
  static grow(points: Matrix, options: ForestOptions): IsolationForest {
    if (points.rows < 2 || points.columns < 1)
      throw new TelemetryError('OUT_OF_RANGE', 'An isolation forest needs at least two points')
    const sampleSize = Math.min(options.sampleSize, points.rows)
    return new IsolationForest(points.columns, sampleSize, new Grower(points, { ...options, sampleSize }).grow())
  }

  /** Edges from the root to the leaf of a point, plus c(points in that leaf), averaged over the trees. */
  pathLength(cells: Float64Array, offset = 0): number {
    const { feature, left, right, roots, threshold } = this.nodes
    let sum = 0
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree]!
      let depth = 0
      while (feature[node]! >= 0) {
        node = cells[offset + feature[node]!]! <= threshold[node]! ? left[node]! : right[node]!
        depth += 1
      }
      sum += depth + this.#leafPath[node]!
    }
    return sum / roots.length
  }

  /** s = 2^(−E(h) / c(ψ)): near 1 an anomaly, well below 0.5 usual. The negative of scikit-learn's `score_samples`. */
  score(cells: Float64Array, offset = 0): number {
    return 2 ** (-this.pathLength(cells, offset) / averagePathLength(this.sampleSize))
  }
}

class Grower {
  readonly #points: Matrix
  readonly #options: ForestOptions
  readonly #random: () => number
  readonly #maxDepth: number
  readonly #nodes: { feature: number[]; threshold: number[]; left: number[]; right: number[]; size: number[] }
  /** Columns in the order in which a node tries them. */
  readonly #order: Int32Array

  constructor(points: Matrix, options: ForestOptions) {
    this.#points = points
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#maxDepth = Math.ceil(Math.log2(Math.max(2, options.sampleSize)))
    this.#nodes = { feature: [], threshold: [], left: [], right: [], size: [] }
    this.#order = Int32Array.from({ length: points.columns }, (_, column) => column)
  }

  grow(): ForestNodes {
    const all = Int32Array.from({ length: this.#points.rows }, (_, row) => row)
    const roots = new Int32Array(this.#options.trees)
    for (let tree = 0; tree < roots.length; tree++) {
      this.#draw(all, this.#options.sampleSize)
      roots[tree] = this.#node(all.slice(0, this.#options.sampleSize), 0)
    }
    const { feature, left, right, size, threshold } = this.#nodes
    return {
      roots,
      feature: Int32Array.from(feature),
      threshold: Float64Array.from(threshold),
      left: Int32Array.from(left),
      right: Int32Array.from(right),
      size: Int32Array.from(size),
    }
  }

  /** Brings `count` random rows to the front (Fisher and Yates). */
  #draw(rows: Int32Array, count: number): void {
    for (let at = 0; at < count; at++) {
      const other = at + Math.floor(this.#random() * (rows.length - at))
      const row = rows[at]!
      rows[at] = rows[other]!
      rows[other] = row
    }
  }

  /** Grows the part of a tree that divides `rows`; answers its place. */
  #node(rows: Int32Array, depth: number): number {
    const { feature, left, right, size, threshold } = this.#nodes
    const place = feature.length
    feature.push(-1)
    threshold.push(0)
    left.push(-1)
    right.push(-1)
    size.push(rows.length)
    const cut = rows.length <= 1 || depth >= this.#maxDepth ? null : this.#cut(rows)
    if (cut === null) return place
    const end = this.#divide(rows, cut)
    feature[place] = cut.column
    threshold[place] = cut.at
    left[place] = this.#node(rows.subarray(0, end), depth + 1)
    right[place] = this.#node(rows.subarray(end), depth + 1)
    return place
  }

  /** A random column in which the rows differ, and a random place between its extremes; null when all are alike. */
  #cut(rows: Int32Array): { column: number; at: number } | null {
    const { cells, columns } = this.#points
    this.#draw(this.#order, columns)
    for (const column of this.#order) {
      let min = Infinity
      let max = -Infinity
      for (const row of rows) {
        const value = cells[row * columns + column]!
        if (value < min) min = value
        if (value > max) max = value
      }
      // Halved, as the difference may be beyond the float64 range. At the maximum nothing would be left on the right.
      const at = min + 2 * (this.#random() * (max / 2 - min / 2))
      if (min < max) return { column, at: at < max ? at : min }
    }
    return null
  }

  /** Puts the rows that go left in front; answers their number. */
  #divide(rows: Int32Array, { at, column }: { column: number; at: number }): number {
    const { cells, columns } = this.#points
    let end = 0
    for (let place = 0; place < rows.length; place++) {
      const row = rows[place]!
      if (cells[row * columns + column]! > at) continue
      rows[place] = rows[end]!
      rows[end] = row
      end += 1
    }
    return end
  }
}
