// What the journal holds and the history does not yet: blocks that wait for compaction, and records that wait for their
// commit. Kept decoded in memory as far as they fit, so that queries and compaction need not read them back.

import type { Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'

/** Consecutive records of one epoch. */
export interface Part {
  readonly epoch: number
  readonly firstSeq: number
  readonly count: number
  /** Earliest and latest time of its records, Unix milliseconds. */
  readonly firstTime: number
  readonly lastTime: number
  /** null: must be read from its block. */
  batch: RecordBatch | null
  /** Number of its block; null until committed. */
  block: number | null
  /** Its encoded block, kept while its commit fails. */
  frame: Uint8Array | null
}

/** Most records that wait decoded: 36 bytes each. */
export const MAX_DECODED_RECORDS = 131_072

export class Recent {
  #parts: Part[] = []
  #records = 0
  #decoded = 0

  /** In order of position. A query keeps a copy. */
  get parts(): readonly Part[] {
    return this.#parts
  }

  /** Records that wait for compaction or commit. */
  get records(): number {
    return this.#records
  }

  add(part: Part): void {
    this.#parts.push(part)
    this.#records += part.count
    if (part.batch) this.#decoded += part.count
    for (let i = 0; this.#decoded > MAX_DECODED_RECORDS && i < this.#parts.length; i++) {
      const old = this.#parts[i]!
      if (old.batch === null || old.block === null) continue
      old.batch = null
      this.#decoded -= old.count
    }
  }

  /** The first record of an epoch among what waits; null when there is none. */
  first(epoch: number): Position | null {
    const part = this.#parts.find((candidate) => candidate.epoch === epoch)
    return part ? { epoch, seq: part.firstSeq } : null
  }

  /** Puts one part in another's place: the same records with other stamps. */
  replace(old: Part, by: Part): void {
    this.#parts = this.#parts.map((part) => (part === old ? by : part))
    this.#decoded += (by.batch ? by.count : 0) - (old.batch ? old.count : 0)
  }

  /** True when records of another epoch wait. */
  hasOtherThan(epoch: number): boolean {
    return this.#parts.some((part) => part.epoch !== epoch)
  }

  /** Takes out the parts at the end that are not committed. */
  takePending(): Part[] {
    let from = this.#parts.length
    while (from > 0 && this.#parts[from - 1]!.block === null) from -= 1
    const pending = this.#parts.splice(from)
    for (const part of pending) {
      this.#records -= part.count
      this.#decoded -= part.count
    }
    return pending
  }

  /** Makes the committed parts that are still decoded pending again, and forgets the others; answers how many records. */
  requeue(): number {
    let count = 0
    const parts = this.#parts
    this.#parts = []
    this.#records = 0
    this.#decoded = 0
    for (const part of parts) {
      if (part.batch === null) continue
      if (part.block !== null) count += part.count
      part.block = null
      part.frame = null
      this.add(part)
    }
    return count
  }

  /** Forgets the parts whose blocks are before `block`. */
  forgetBefore(block: number): void {
    this.#parts = this.#parts.filter((part) => {
      if (part.block === null || part.block >= block) return true
      this.#records -= part.count
      if (part.batch) this.#decoded -= part.count
      return false
    })
  }
}

/** A part of a batch that is not committed yet. */
export function pendingPart(batch: RecordBatch): Part {
  let firstTime = Number.POSITIVE_INFINITY
  let lastTime = Number.NEGATIVE_INFINITY
  for (let row = 0; row < batch.length; row++) {
    const source = batch.sourceTime[row]!
    const time = source === source ? source : batch.receivedAt[row]!
    if (time < firstTime) firstTime = time
    if (time > lastTime) lastTime = time
  }
  return {
    epoch: batch.epoch,
    firstSeq: batch.firstSeq,
    count: batch.length,
    firstTime,
    lastTime,
    batch,
    block: null,
    frame: null,
  }
}

/** Joins neighbouring batches of consecutive records, as long as they fit into `maxRecords`. */
export function coalesce(batches: readonly RecordBatch[], maxRecords: number): RecordBatch[] {
  const joined: RecordBatch[] = []
  let group: RecordBatch[] = []
  let count = 0
  for (const batch of batches) {
    const last = group.at(-1)
    if (last && (last.firstSeq + last.length !== batch.firstSeq || count + batch.length > maxRecords)) {
      joined.push(concat(group, count))
      group = []
      count = 0
    }
    group.push(batch)
    count += batch.length
  }
  if (group.length > 0) joined.push(concat(group, count))
  return joined
}

function concat(batches: readonly RecordBatch[], count: number): RecordBatch {
  const first = batches[0]!
  if (batches.length === 1) return first
  const all = new MutableRecordBatch(first.epoch, first.firstSeq, count)
  for (const batch of batches) {
    const at = all.length
    all.sensor.set(batch.sensor, at)
    all.status.set(batch.status, at)
    all.sourceTime.set(batch.sourceTime, at)
    all.receivedAt.set(batch.receivedAt, at)
    all.bits.set(new BigInt64Array(batch.value.buffer, batch.value.byteOffset, batch.length), at)
    for (const [row, text] of batch.texts) all.texts.set(at + row, text)
    all.length += batch.length
  }
  return all
}
