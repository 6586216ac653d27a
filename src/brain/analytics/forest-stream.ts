// Points for a forest as readings come: the values of its sensors together, or the features of their last window.

import { FeatureExtractor, FEATURES } from './features.ts'
import type { FeatureSpec } from './detector-spec.ts'

export class ForestStream {
  /** The last point; valid after a push that answered true. */
  readonly point: Float64Array
  readonly #columns: number
  readonly #features: FeatureSpec | null
  readonly #extractor: FeatureExtractor | null
  /** By column: the last window of values, oldest first. */
  readonly #windows: Float64Array[]
  #count = 0

  constructor(columns: number, features: FeatureSpec | null) {
    this.#columns = columns
    this.#features = features
    this.#extractor = features === null ? null : new FeatureExtractor(features.window)
    this.#windows = features === null ? [] : Array.from({ length: columns }, () => new Float64Array(features.window))
    this.point = new Float64Array(columns * (features === null ? 1 : FEATURES.length))
  }

  /** Takes one row. True: there is a point. */
  push(row: Float64Array): boolean {
    const [features, extractor] = [this.#features, this.#extractor]
    if (features === null || extractor === null) {
      this.point.set(row)
      return true
    }
    for (let column = 0; column < this.#columns; column++) {
      const window = this.#windows[column]!
      window.copyWithin(0, 1)
      window[window.length - 1] = row[column]!
    }
    this.#count += 1
    if (this.#count < features.window || (this.#count - features.window) % features.step !== 0) return false
    this.#windows.forEach((window, column) => extractor.extract(window, 0, this.point, column * FEATURES.length))
    return true
  }

  /** A gap: a window that reaches over it is none. */
  reset(): void {
    this.#count = 0
  }
}
