// A reading's row, and what it says.

import type { StoredReading } from '#domain/history.ts'
import { isBad } from '#domain/quality.ts'
import type { Value, ValueType } from '#domain/value.ts'

export interface ReadingRow {
  readonly [name: string]: unknown
  readonly time: number
  readonly received_at: number
  readonly epoch: number
  readonly seq: number
  readonly sensor: number
  readonly status: number
  readonly value: number | null
  readonly bits: number | bigint | null
  readonly text: string | null
}

/** Columns of a ReadingRow, of the alias r. */
export const READING = 'r.time, r.received_at, r.epoch, r.seq, r.sensor, r.status, r.value, r.bits, r.text'

export function storedReading(row: ReadingRow, type: ValueType): StoredReading {
  const status = row.status >>> 0
  return { time: row.time, receivedAt: row.received_at, value: isBad(status) ? null : valueOf(row, type), status }
}

function valueOf({ bits, text, value }: ReadingRow, type: ValueType): Value | null {
  switch (type) {
    case 'number':
      return value
    case 'boolean':
      return value === null ? null : value !== 0
    case 'int64':
      return bits === null ? null : BigInt(bits)
    case 'uint64':
      return bits === null ? null : BigInt.asUintN(64, BigInt(bits))
    case 'string':
      return text
  }
}
