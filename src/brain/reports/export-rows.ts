// Rows of an export, and what takes them.

import type { SensorKey } from '../analytics/accepted-numbers.ts'
import { aggregate } from '../analytics/describe.ts'
import type { Columns } from '../analytics/history-blocks.ts'

export interface ExportSink {
  /** Resolves when it can take more. */
  write(bytes: Uint8Array): Promise<void>
}

export interface ReadingRow {
  readonly time: number
  readonly gateway: string
  readonly sensor: string
  readonly value: number
}

export interface BucketRow {
  readonly time: number
  readonly gateway: string
  readonly sensor: string
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly last: number
}

export type Row = ReadingRow | BucketRow
export type RowKind = 'readings' | 'buckets'

export interface ExportWriter {
  row(row: Row): Promise<void>
  end(): Promise<void>
}

export const READING_COLUMNS = ['time', 'gateway', 'sensor', 'value'] as const
export const BUCKET_COLUMNS = ['time', 'gateway', 'sensor', 'count', 'min', 'max', 'mean', 'last'] as const

export function* readingRows({ gateway, sensor }: SensorKey, { times, values }: Columns): Generator<ReadingRow> {
  for (let at = 0; at < times.length; at++) yield { time: times[at]!, gateway, sensor, value: values[at]! }
}

/** Aggregates of buckets that have a reading; `time` is a bucket's start, counted from `from`. */
export function* bucketRows(
  { gateway, sensor }: SensorKey,
  { times, values }: Columns,
  { everyMs, from }: { from: number; everyMs: number },
): Generator<BucketRow> {
  for (let start = 0; start < times.length;) {
    const bucket = Math.floor((times[start]! - from) / everyMs)
    let end = start + 1
    while (end < times.length && Math.floor((times[end]! - from) / everyMs) === bucket) end += 1
    const { count, last, max, mean, min } = aggregate(values.subarray(start, end))!
    yield { time: from + bucket * everyMs, gateway, sensor, count, min, max, mean, last }
    start = end
  }
}
