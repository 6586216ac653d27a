// Readings of one sensor in columns, in order of time (source time, else receive time), then of arrival.

import { ValueCells } from './value-codec.ts'

/** Columns that grow. Rows [0, length) count. */
export class Series {
  length = 0
  sourceTime: Float64Array<ArrayBuffer>
  receivedAt: Float64Array<ArrayBuffer>
  status: Uint32Array<ArrayBuffer>
  cells: ValueCells
  readonly texts = new Map<number, string>()

  /** @param room rows at the beginning, or the columns to use. */
  constructor(room: number | SeriesColumns = 256) {
    const columns = typeof room === 'number' ? allocateColumns(room) : room
    this.sourceTime = columns.sourceTime
    this.receivedAt = columns.receivedAt
    this.status = columns.status
    this.cells = columns.cells
  }

  /** The time by which readings are ordered and queried. */
  timeAt(row: number): number {
    const source = this.sourceTime[row]!
    return Number.isNaN(source) ? this.receivedAt[row]! : source
  }

  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.status.length) return
    const capacity = Math.max(needed, this.status.length * 2)
    const old = { sourceTime: this.sourceTime, receivedAt: this.receivedAt, status: this.status, cells: this.cells }
    Object.assign(this, allocateColumns(capacity))
    this.sourceTime.set(old.sourceTime)
    this.receivedAt.set(old.receivedAt)
    this.status.set(old.status)
    this.cells.words.set(old.cells.words)
  }

  /** Adds row `row` of another set of columns; `words` are its values as pairs of 32 bits. */
  push(columns: ReadingColumns, row: number, words: Uint32Array): void {
    if (this.length === this.status.length) this.reserve(1)
    const at = this.length
    this.sourceTime[at] = columns.sourceTime[row]!
    this.receivedAt[at] = columns.receivedAt[row]!
    this.status[at] = columns.status[row]!
    this.cells.words[at * 2] = words[row * 2]!
    this.cells.words[at * 2 + 1] = words[row * 2 + 1]!
    if (columns.texts.size > 0) {
      const text = columns.texts.get(row)
      if (text !== undefined) this.texts.set(at, text)
    }
    this.length = at + 1
  }

  /** Adds all rows of another series behind its own. */
  append(other: Series): void {
    this.reserve(other.length)
    const at = this.length
    this.sourceTime.set(other.sourceTime.subarray(0, other.length), at)
    this.receivedAt.set(other.receivedAt.subarray(0, other.length), at)
    this.status.set(other.status.subarray(0, other.length), at)
    this.cells.words.set(other.cells.words.subarray(0, other.length * 2), at * 2)
    for (const [row, text] of other.texts) if (row < other.length) this.texts.set(at + row, text)
    this.length += other.length
  }

  clear(): void {
    this.length = 0
    this.texts.clear()
  }

  isOrdered(): boolean {
    for (let row = 1; row < this.length; row++) if (this.timeAt(row) < this.timeAt(row - 1)) return false
    return true
  }

  /** The same readings in order of time; equal times keep their order. Answers itself when nothing is to do. */
  ordered(): Series {
    if (this.isOrdered()) return this
    const times = new Float64Array(this.length)
    for (let row = 0; row < this.length; row++) times[row] = this.timeAt(row)
    const order = Uint32Array.from({ length: this.length }, (_, row) => row).sort(
      (a, b) => times[a]! - times[b]! || a - b,
    )
    const sorted = new Series(this.length)
    for (const row of order) sorted.push(this, row, this.cells.words)
    return sorted
  }
}

/** Columns of equal length. */
export interface SeriesColumns {
  readonly sourceTime: Float64Array<ArrayBuffer>
  readonly receivedAt: Float64Array<ArrayBuffer>
  readonly status: Uint32Array<ArrayBuffer>
  readonly cells: ValueCells
}

export function allocateColumns(rows: number): SeriesColumns {
  return {
    sourceTime: new Float64Array(rows),
    receivedAt: new Float64Array(rows),
    status: new Uint32Array(rows),
    cells: new ValueCells(rows),
  }
}

/** What Series.push copies from: a batch or a series. */
export interface ReadingColumns {
  readonly sourceTime: Float64Array
  readonly receivedAt: Float64Array
  readonly status: Uint32Array
  readonly texts: ReadonlyMap<number, string>
}
