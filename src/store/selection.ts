// Rows picked out of several series, in an order, in columns: merging and cutting pages without an object for each reading.

import type { Series } from './series.ts'

export class Selection {
  length = 0
  time = new Float64Array(16)
  /** Place of the row's source in the order of arrival. */
  rank = new Uint32Array(16)
  row = new Uint32Array(16)

  push(time: number, rank: number, row: number): void {
    if (this.length === this.time.length) this.reserve(this.length * 2)
    const at = this.length++
    this.time[at] = time
    this.rank[at] = rank
    this.row[at] = row
  }

  /** Adds `count` neighbouring rows of a series, upwards or downwards. */
  fill(
    series: Series,
    rank: number,
    rows: { readonly first: number; readonly step: 1 | -1; readonly count: number },
  ): void {
    const { first, step, count } = rows
    this.reserve(this.length + count)
    const { time, row, length } = this
    for (let n = 0; n < count; n++) {
      time[length + n] = series.timeAt(first + n * step)
      row[length + n] = first + n * step
    }
    this.rank.fill(rank, length, length + count)
    this.length += count
  }

  reserve(capacity: number): void {
    if (capacity <= this.time.length) return
    const { time, rank, row } = this
    this.time = new Float64Array(capacity)
    this.rank = new Uint32Array(capacity)
    this.row = new Uint32Array(capacity)
    this.time.set(time)
    this.rank.set(rank)
    this.row.set(row)
  }

  /** Adds places [from, to) of another selection. */
  append(other: Selection, from: number, to: number): void {
    const end = Math.max(from, Math.min(to, other.length))
    this.reserve(this.length + end - from)
    this.time.set(other.time.subarray(from, end), this.length)
    this.rank.set(other.rank.subarray(from, end), this.length)
    this.row.set(other.row.subarray(from, end), this.length)
    this.length += end - from
  }

  appendReversed(other: Selection, from: number, to: number): void {
    for (let place = Math.min(to, other.length) - 1; place >= from; place--) {
      this.push(other.time[place]!, other.rank[place]!, other.row[place]!)
    }
  }

  /** The first `count` places of both, which are ordered by (time, rank, row), or against it when `newest`. */
  mergedWith(other: Selection, newest: boolean, count: number): Selection {
    if (this.length === 0 && other.length <= count) return other
    const length = Math.min(count, this.length + other.length)
    const merged = new Selection()
    merged.reserve(length)
    if (this.length === 0 || other.length === 0 || this.#comesFirst(this.length - 1, other, 0, newest)) {
      merged.append(this, 0, length) // one lies behind the other: sources seldom overlap
      merged.append(other, 0, length - merged.length)
      return merged
    }
    let mine = 0
    let theirs = 0
    while (merged.length < length) {
      const isMine = theirs >= other.length || (mine < this.length && this.#comesFirst(mine, other, theirs, newest))
      if (isMine) {
        merged.push(this.time[mine]!, this.rank[mine]!, this.row[mine]!)
        mine += 1
      } else {
        merged.push(other.time[theirs]!, other.rank[theirs]!, other.row[theirs]!)
        theirs += 1
      }
    }
    return merged
  }

  #comesFirst(mine: number, other: Selection, theirs: number, newest: boolean): boolean {
    const order =
      this.time[mine]! - other.time[theirs]! ||
      this.rank[mine]! - other.rank[theirs]! ||
      this.row[mine]! - other.row[theirs]!
    return newest ? order > 0 : order < 0
  }
}
