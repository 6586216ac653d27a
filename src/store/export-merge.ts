// Several ordered series of one sensor as one, in order of (time, arrival), in batches of bounded size. A series is loaded
// when the first time that it may hold is reached and let go at its end: usually one or two are in memory.

import { Series } from './series.ts'

const BATCH_ROWS = 16_384 // 450 kB in columns, about a megabyte of CSV

/** Readings that may lie between two times (Unix milliseconds, inclusive). */
export interface MergeSource {
  readonly firstTime: number
  readonly lastTime: number
  /** Ordered by time; null when there is none. */
  readonly load: () => Series | null
}

export interface MergeRange {
  readonly start: number
  /** Readings at exactly `start` are left out. */
  readonly isAfter: boolean
  /** Readings at `to` and later are left out. */
  readonly to: number
}

interface Head {
  readonly series: Series
  readonly rank: number
  readonly end: number
  row: number
}

export class MergedSources {
  readonly #range: MergeRange
  /** Not loaded yet, the one that begins last first. */
  readonly #waiting: { readonly source: MergeSource; readonly rank: number }[]
  readonly #batch: Series
  readonly #batchRows: number
  #heads: Head[] = []

  /** `sources` in order of arrival. */
  constructor(sources: readonly MergeSource[], range: MergeRange, batchRows = BATCH_ROWS) {
    this.#range = range
    this.#batchRows = batchRows
    this.#batch = new Series(batchRows)
    this.#waiting = sources
      .map((source, rank) => ({ source, rank }))
      .filter(({ source }) => source.lastTime >= range.start && source.firstTime < range.to)
      .sort((a, b) => b.source.firstTime - a.source.firstTime || b.rank - a.rank)
  }

  /**
   * The next readings, at least one; null at the end. Readings of the same time are never parted by the end of a batch.
   * The batch is reused: valid until the next call.
   */
  next(): Series | null {
    const batch = this.#batch
    batch.clear()
    for (;;) {
      this.#loadDue()
      const head = this.#earliest()
      if (!head) break
      const full = batch.length >= this.#batchRows
      if (full && head.series.timeAt(head.row) !== batch.timeAt(batch.length - 1)) break
      this.#take(head)
    }
    return batch.length > 0 ? batch : null
  }

  /** Takes the head's row, and those that follow it before any other source has its turn. */
  #take(head: Head): void {
    const batch = this.#batch
    const { series, end } = head
    const { words } = series.cells
    const limit = this.#heads.length === 1 ? (this.#waiting.at(-1)?.source.firstTime ?? Number.POSITIVE_INFINITY) : null
    do batch.push(series, head.row++, words)
    while (limit !== null && head.row < end && batch.length < this.#batchRows && series.timeAt(head.row) < limit)
    if (head.row >= end) this.#heads = this.#heads.filter((other) => other !== head)
  }

  #earliest(): Head | null {
    let earliest: Head | null = null
    for (const head of this.#heads) {
      if (!earliest) {
        earliest = head
        continue
      }
      const order = head.series.timeAt(head.row) - earliest.series.timeAt(earliest.row) || head.rank - earliest.rank
      if (order < 0) earliest = head
    }
    return earliest
  }

  #loadDue(): void {
    for (let next = this.#waiting.at(-1); next; next = this.#waiting.at(-1)) {
      const head = this.#earliest()
      if (head && next.source.firstTime > head.series.timeAt(head.row)) return
      this.#waiting.pop()
      this.#load(next.source, next.rank)
    }
  }

  #load(source: MergeSource, rank: number): void {
    const series = source.load()
    if (!series) return
    const { start, isAfter, to } = this.#range
    const row = firstRow(series, (time) => (isAfter ? time > start : time >= start))
    const end = firstRow(series, (time) => time >= to)
    if (row < end) this.#heads.push({ series, rank, row, end })
  }
}

/** First row of an ordered series whose time answers yes; from there on all do. */
function firstRow(series: Series, isReached: (time: number) => boolean): number {
  let low = 0
  let high = series.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isReached(series.timeAt(middle))) high = middle
    else low = middle + 1
  }
  return low
}
