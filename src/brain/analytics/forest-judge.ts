// Judges points by an isolation forest, and says which sensor made one unusual: the one whose usual value in its place would take
// most of the score away.

import type { IsolationForest, Matrix } from './isolation-forest.ts'

export class ForestJudge {
  readonly #forest: IsolationForest
  readonly #threshold: number
  /** Median of each column. */
  readonly #usual: Float64Array
  /** Columns of each sensor. */
  readonly #columnsEach: number

  /** @param columnsEach columns of a sensor: 1, or its features. */
  constructor(forest: IsolationForest, usual: Float64Array, options: { threshold: number; columnsEach: number }) {
    this.#forest = forest
    this.#usual = usual
    this.#threshold = options.threshold
    this.#columnsEach = options.columnsEach
  }

  score(cells: Float64Array, offset: number): number {
    return this.#forest.score(cells, offset)
  }

  isAnomaly(score: number): boolean {
    return score >= this.#threshold
  }

  /** Which sensor, by number, and what the score would be with its usual value. */
  culprit(cells: Float64Array, offset: number): { sensor: number; scoreWithout: number } {
    const point = cells.slice(offset, offset + this.#forest.columns)
    let best = { sensor: 0, scoreWithout: Infinity }
    for (let first = 0; first < point.length; first += this.#columnsEach) {
      const kept = point.slice(first, first + this.#columnsEach)
      point.set(this.#usual.subarray(first, first + this.#columnsEach), first)
      const scoreWithout = this.#forest.score(point)
      point.set(kept, first)
      if (scoreWithout < best.scoreWithout) best = { sensor: first / this.#columnsEach, scoreWithout }
    }
    return best
  }
}

export function columnMedians({ cells, columns, rows }: Matrix): Float64Array {
  return Float64Array.from({ length: columns }, (_, column) => {
    const values = Float64Array.from({ length: rows }, (__, row) => cells[row * columns + column]!).sort()
    return values[rows >> 1]!
  })
}
