// Building and reading record batches: the columns of #domain/reading.ts made from single records, and values back out.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { isBad } from '#domain/quality.ts'
import type { Value, ValueType } from '#domain/value.ts'

/** Columns of a batch that can still be written. */
export class MutableRecordBatch implements RecordBatch {
  epoch: number
  firstSeq: number
  length = 0
  readonly sensor: Uint32Array
  readonly status: Uint32Array
  readonly sourceTime: Float64Array
  readonly receivedAt: Float64Array
  readonly value: Float64Array
  /** The same cells as `value`, for 64-bit integers. */
  readonly bits: BigInt64Array
  readonly texts = new Map<number, string>()

  /** @param capacity rows that fit. */
  constructor(epoch: number, firstSeq: number, capacity: number) {
    this.epoch = epoch
    this.firstSeq = firstSeq
    this.sensor = new Uint32Array(capacity)
    this.status = new Uint32Array(capacity)
    this.sourceTime = new Float64Array(capacity)
    this.receivedAt = new Float64Array(capacity)
    this.value = new Float64Array(capacity)
    this.bits = new BigInt64Array(this.value.buffer)
  }
}

/**
 * Value of row `row`, for a sensor of type `valueType`; null when its status is bad or it is an entry.
 * int64 and uint64 keep every bit.
 */
export function valueAt(batch: RecordBatch, row: number, valueType: ValueType): Value | null {
  if (batch.sensor[row] === ENTRY || isBad(batch.status[row]!)) return null
  switch (valueType) {
    case 'number':
      return batch.value[row]!
    case 'boolean':
      return batch.value[row] !== 0
    case 'int64':
      return bitsOf(batch, row)
    case 'uint64':
      return BigInt.asUintN(64, bitsOf(batch, row))
    case 'string':
      return batch.texts.get(row) ?? ''
  }
}

function bitsOf(batch: RecordBatch, row: number): bigint {
  return new BigInt64Array(batch.value.buffer, batch.value.byteOffset + row * 8, 1)[0]!
}
