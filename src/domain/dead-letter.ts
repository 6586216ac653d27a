// Dead letters: records that a receiver refused for good, kept durably beside the journal until somebody looks, sends them
// again or throws them away.

import type { Position } from './journal.ts'
import type { RecordBatch } from './reading.ts'

/** A refused record, whole, so that it can be sent again when the journal has long given it up. */
export interface DeadLetter extends Position {
  /** Sensor number, or ENTRY. */
  readonly sensor: number
  readonly status: number
  /** Unix milliseconds; null when the source gave none. */
  readonly sourceTime: number | null
  readonly receivedAt: number
  /** The 64 bits of the value column. */
  readonly bits: bigint
  /** Text value, or an entry's JSON. */
  readonly text: string | null
  /** The receiver's words. */
  readonly reason: string
  /** When it was refused, Unix milliseconds; the last time when it was tried again. */
  readonly rejectedAt: number
}

export interface KeptLetter extends DeadLetter {
  /** Grows with each letter. */
  readonly id: number
  /** How often it was refused. */
  readonly attempts: number
}

/** The durable table. What is added is durable no later than a cursor that is settled after it. */
export interface DeadLetterBox {
  /**
   * Keeps letters of an uplink; the same position again counts as one more attempt. Of more than `max` the oldest are
   * given up. Answers how many it now holds, and how many were given up.
   */
  add(
    uplink: string,
    letters: readonly DeadLetter[],
    max: number,
  ): Promise<{ readonly held: number; readonly evicted: number }>
  /** Oldest first, those with an id beyond `after`. */
  list(uplink: string, options: { readonly after: number; readonly limit: number }): Promise<readonly KeptLetter[]>
  get(uplink: string, id: number): Promise<KeptLetter | null>
  /** Takes letters out; answers how many there were. */
  remove(uplink: string, ids: readonly number[]): Promise<number>
  count(uplink: string): Promise<number>
}

/** The letter of one row of a batch. */
export function deadLetter(batch: RecordBatch, row: number, reason: string, rejectedAt: number): DeadLetter {
  const sourceTime = batch.sourceTime[row]!
  return {
    epoch: batch.epoch,
    seq: batch.firstSeq + row,
    sensor: batch.sensor[row]!,
    status: batch.status[row]!,
    sourceTime: Number.isNaN(sourceTime) ? null : sourceTime,
    receivedAt: batch.receivedAt[row]!,
    bits: new BigInt64Array(batch.value.buffer, batch.value.byteOffset + row * 8, 1)[0]!,
    text: batch.texts.get(row) ?? null,
    reason,
    rejectedAt,
  }
}
