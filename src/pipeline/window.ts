// A figure of the readings of a sensor in a span of time that slides on: cut into panes of `every`, each with sums that can
// be put together, so that a reading costs the same however long the window is.

import type { WindowFigure, WindowSpec } from '#domain/derivation.ts'
import { Status, type StatusCode } from '#domain/quality.ts'
import { QuantileSketch } from './quantile-sketch.ts'

/** Takes a result: NaN with a bad status. `endTime`: of the window, which it excludes; Unix milliseconds. */
export type WindowListener = (value: number, status: StatusCode, endTime: number) => void

/** Sums of the good readings in a span of time; `squares` are those of the deviations from the mean. */
class Pane {
  count = 0
  /** Readings that were not good. */
  notGood = 0
  sum = 0
  mean = 0
  squares = 0
  min = Infinity
  max = -Infinity
  last = 0
  lastTime = -Infinity
  readonly sketch: QuantileSketch | null

  constructor(figure: WindowFigure) {
    this.sketch = figure === 'percentile' ? new QuantileSketch() : null
  }

  take(value: number, time: number): void {
    this.count += 1
    this.sum += value
    const before = value - this.mean
    this.mean += before / this.count
    this.squares += before * (value - this.mean)
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    if (time >= this.lastTime) {
      this.last = value
      this.lastTime = time
    }
    this.sketch?.take(value)
  }

  /** Chan, Golub, LeVeque 1983. */
  merge(other: Pane): void {
    this.notGood += other.notGood
    if (other.count === 0) return
    const count = this.count + other.count
    const between = other.mean - this.mean
    this.squares += other.squares + (between * between * this.count * other.count) / count
    this.mean += (between * other.count) / count
    this.count = count
    this.sum += other.sum
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    if (other.lastTime >= this.lastTime) {
      this.last = other.last
      this.lastTime = other.lastTime
    }
    if (other.sketch) this.sketch?.merge(other.sketch)
  }
}

/**
 * Windows [end − size, end), with an end at each multiple of `every` since 1970. The watermark is the wall clock less the
 * lateness: a window is closed once it has passed its end, and a reading for a closed window is late and counted. Memory:
 * one pane for each `every` in size and lateness.
 */
export class SlidingWindow {
  readonly #spec: WindowSpec
  /** By number: start / everyMs. */
  readonly #panes = new Map<number, Pane>()
  /** End of the next window to close; null before the first reading. */
  #nextEnd: number | null = null
  /** Readings that came when a window that they belong to was closed. */
  late = 0

  constructor(spec: WindowSpec) {
    this.#spec = spec
  }

  /** `time`: of the reading, `now`: Unix milliseconds. A reading from the future counts as of now. NaN: it is not good. */
  take(value: number, time: number, now: number): void {
    const { everyMs, latenessMs } = this.#spec
    const at = Math.min(time, now)
    this.#followBack(now)
    this.#nextEnd ??= (Math.floor(Math.max(at, now - latenessMs) / everyMs) + 1) * everyMs
    const number = Math.floor(at / everyMs)
    if ((number + 1) * everyMs <= this.#nextEnd - everyMs) {
      this.late += 1
      return
    }
    let pane = this.#panes.get(number)
    if (pane === undefined) {
      pane = new Pane(this.#spec.figure)
      this.#panes.set(number, pane)
    }
    if (Number.isNaN(value)) pane.notGood += 1
    else pane.take(value, at)
  }

  /** Closes the windows that the watermark has passed, oldest first; a long silence gives one empty window and not thousands. */
  advance(now: number, listener: WindowListener): void {
    const { everyMs, sizeMs, latenessMs } = this.#spec
    this.#followBack(now)
    while (this.#nextEnd !== null && now - latenessMs >= this.#nextEnd) {
      const end = this.#nextEnd
      this.#close(end, listener)
      this.#panes.delete(Math.round((end - sizeMs) / everyMs))
      const following = Math.floor((now - latenessMs) / everyMs) * everyMs
      this.#nextEnd = this.#panes.size === 0 ? Math.max(end, following) + everyMs : end + everyMs
    }
  }

  /**
   * The clock was set back: what is to close next would neither close nor take anything until it has caught up. A step of less
   * than `every` is waited for.
   */
  #followBack(now: number): void {
    const { everyMs, latenessMs } = this.#spec
    if (this.#nextEnd === null || this.#nextEnd - now <= 2 * everyMs) return
    this.#nextEnd = (Math.floor((now - latenessMs) / everyMs) + 1) * everyMs
    for (const number of this.#panes.keys()) if (number * everyMs > now) this.#panes.delete(number)
  }

  #close(end: number, listener: WindowListener): void {
    const { everyMs, sizeMs } = this.#spec
    const whole = new Pane(this.#spec.figure)
    const last = Math.round(end / everyMs)
    for (let number = last - Math.round(sizeMs / everyMs); number < last; number++) {
      const pane = this.#panes.get(number)
      if (pane) whole.merge(pane)
    }
    const value = this.#figureOf(whole)
    if (!Number.isFinite(value)) listener(Number.NaN, Status.BadNoData, end)
    else listener(value, whole.notGood > 0 ? Status.UncertainSubNormal : Status.Good, end)
  }

  /** NaN when the window does not tell. */
  #figureOf(pane: Pane): number {
    const { figure, percentile } = this.#spec
    if (figure === 'count') return pane.count
    if (pane.count === 0) return Number.NaN
    switch (figure) {
      case 'sum':
      case 'mean':
      case 'min':
      case 'max':
      case 'last':
        return pane[figure]
      case 'standardDeviation':
        return pane.count < 2 ? Number.NaN : Math.sqrt(pane.squares / (pane.count - 1))
      case 'percentile':
        return Math.min(pane.max, Math.max(pane.min, pane.sketch?.quantile(percentile / 100) ?? Number.NaN))
    }
  }
}
