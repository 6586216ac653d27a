// A batch as a receiver works with it: records in columns, in the order of their positions.

import type { Entry } from '#domain/alarm.ts'
import type { Lane } from '#domain/uplink.ts'
import type { Value, ValueType } from '#domain/value.ts'
import { isBad } from '#domain/quality.ts'

export class ReceivedBatch {
  readonly epoch: number
  readonly lane: Lane
  readonly historical: boolean
  /** 0, or see Batch.first_seq in ingest.proto. */
  readonly firstSeq: number
  readonly lastSeq: number
  /** See Batch.open_seqs. */
  readonly openSeqs: readonly number[]
  length = 0
  readonly seq: Float64Array
  /** Sensor number; ENTRY for an alarm or event. */
  readonly sensor: Uint32Array
  readonly status: Uint32Array
  /** Unix milliseconds; NaN when the source gave none. */
  readonly sourceTime: Float64Array
  /** Unix milliseconds; for an alarm or event: its time. */
  readonly receivedAt: Float64Array
  /** As in RecordBatch. */
  readonly value: Float64Array
  /** The same cells as `value`. */
  readonly bits: BigInt64Array
  /** By row: values of text readings. */
  readonly texts = new Map<number, string>()
  /** By row: alarms and events. */
  readonly entries = new Map<number, Entry>()

  constructor(head: BatchHead, capacity: number) {
    this.epoch = head.epoch
    this.lane = head.lane
    this.historical = head.historical
    this.firstSeq = head.firstSeq
    this.lastSeq = head.lastSeq
    this.openSeqs = head.openSeqs
    this.seq = new Float64Array(capacity)
    this.sensor = new Uint32Array(capacity)
    this.status = new Uint32Array(capacity)
    this.sourceTime = new Float64Array(capacity)
    this.receivedAt = new Float64Array(capacity)
    this.value = new Float64Array(capacity)
    this.bits = new BigInt64Array(this.value.buffer)
  }

  /** Value of a reading; null when its status is bad. */
  valueOf(row: number, type: ValueType): Value | null {
    if (isBad(this.status[row]!)) return null
    switch (type) {
      case 'number':
        return this.value[row]!
      case 'boolean':
        return this.value[row] !== 0
      case 'int64':
        return this.bits[row]!
      case 'uint64':
        return BigInt.asUintN(64, this.bits[row]!)
      case 'string':
        return this.texts.get(row) ?? ''
    }
  }
}

export interface BatchHead {
  readonly epoch: number
  readonly lane: Lane
  readonly historical: boolean
  readonly firstSeq: number
  readonly lastSeq: number
  readonly openSeqs: readonly number[]
}
