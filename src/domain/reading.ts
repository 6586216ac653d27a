// Readings: one at a time for people and programs, in columns for everything that must be fast.

import type { Quality, StatusCode } from './quality.ts'
import type { SensorNumber } from './sensor.ts'
import type { Value } from './value.ts'

/** One reading as an object: for the API, the CLI and tests; never on the hot path. */
export interface Reading {
  /** Full sensor id. */
  readonly sensor: string
  /** null exactly when the quality is bad. */
  readonly value: Value | null
  readonly status: StatusCode
  readonly quality: Quality
  /** The source's time if it gave one, else the receive time. Unix milliseconds, integer. */
  readonly time: number
  /** When the gateway received it. Unix milliseconds, integer. */
  readonly receivedAt: number
}

/** `sourceTime` for a source that gives no time of its own. */
export const NO_TIME = Number.NaN

/**
 * Where drivers put what they read, raw (before scaling). Synchronous and free of allocation; never throws.
 * `status` must not be bad except in `bad`. `sourceTime` is Unix milliseconds, or NO_TIME.
 * A value of another kind than the sensor's value type becomes `BadTypeMismatch`; NaN and infinities become `BadOutOfRange`.
 */
export interface ReadingSink {
  /** Sensors of type `number`; and `boolean` with 0 or 1. */
  number(sensor: SensorNumber, value: number, status: StatusCode, sourceTime: number): void
  /** Sensors of type `int64` and `uint64`. */
  integer(sensor: SensorNumber, value: bigint, status: StatusCode, sourceTime: number): void
  /** Sensors of type `string`. */
  text(sensor: SensorNumber, value: string, status: StatusCode, sourceTime: number): void
  /** No value: communication failed, the device refused, the data make no sense. */
  bad(sensor: SensorNumber, status: StatusCode, sourceTime: number): void
}

/** In `RecordBatch.sensor`: this record is an entry (alarm transition or event), its JSON stands in `texts`. */
export const ENTRY = 0xffff_ffff

/**
 * Consecutive journal records in columns. Record i has position (epoch, firstSeq + i).
 * value: the number; 0 or 1 for a boolean; the bit pattern of a BigInt64 for int64 and uint64 (read it through a
 * BigInt64Array on the same buffer: moving it as a double may change a NaN pattern); unused for text, bad and ENTRY.
 */
export interface RecordBatch {
  readonly epoch: number
  readonly firstSeq: number
  readonly length: number
  /** Sensor number, or ENTRY. */
  readonly sensor: Uint32Array
  readonly status: Uint32Array
  /** Unix milliseconds; NaN when the source gave none. For ENTRY: the entry's time. */
  readonly sourceTime: Float64Array
  /** Unix milliseconds. */
  readonly receivedAt: Float64Array
  readonly value: Float64Array
  /** By row: the value of a text reading, or the JSON of an entry. */
  readonly texts: ReadonlyMap<number, string>
}
