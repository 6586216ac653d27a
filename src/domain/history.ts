// The history port: queries over what is stored. All times are Unix milliseconds; ranges are [from, to).

import type { AlarmEntry, Entry } from './alarm.ts'
import type { Position } from './journal.ts'
import type { StatusCode } from './quality.ts'
import type { Value } from './value.ts'

/** A page of results; `next` is given back as `cursor` for the following page, null at the end. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export interface RangeQuery {
  /** Full sensor id. */
  readonly sensor: string
  readonly from: number
  readonly to: number
  /** 1 … 10,000. */
  readonly limit: number
  readonly cursor: string | null
  /** Default `oldestFirst`. */
  readonly order?: 'oldestFirst' | 'newestFirst'
}

export interface StoredReading {
  readonly time: number
  readonly receivedAt: number
  readonly value: Value | null
  readonly status: StatusCode
}

/** Aggregate of the good and uncertain readings with time in [time, time + everyMs). */
export interface Bucket {
  readonly time: number
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly last: number
}

/** Over good and uncertain readings with a numeric value; null values when count is 0. standardDeviation is the sample one (n − 1), null below 2. */
export interface Statistics {
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  readonly standardDeviation: number | null
  readonly first: StoredReading | null
  readonly last: StoredReading | null
}

export interface EntryQuery {
  readonly kind: 'alarm' | 'event'
  /** Full sensor id; null: all. */
  readonly sensor: string | null
  /** Alarm check types to keep; null: all. */
  readonly checkTypes: readonly string[] | null
  readonly from: number
  readonly to: number
  readonly limit: number
  readonly cursor: string | null
}

export interface StoredEntry {
  readonly position: Position
  readonly entry: Entry
}

export interface StoreStatus {
  readonly state: 'ok' | 'failing'
  /** Bytes of the database files. */
  readonly bytes: number
  /** Bytes handed to SQLite for writing since the start. */
  readonly writtenBytes: number
  readonly durableRecords: number
  /** Last failure, when failing. */
  readonly reason: string | null
  /** Name of the file that was set aside at this start because it was corrupt. */
  readonly quarantined: string | null
}

export interface History {
  readings(query: RangeQuery, signal?: AbortSignal): Promise<Page<StoredReading>>
  /** Numeric and boolean sensors only. `everyMs` ≥ 1000. */
  buckets(query: RangeQuery & { readonly everyMs: number }, signal?: AbortSignal): Promise<Page<Bucket>>
  statistics(sensor: string, from: number, to: number, signal?: AbortSignal): Promise<Statistics>
  /** Newest first. */
  entries(query: EntryQuery, signal?: AbortSignal): Promise<Page<StoredEntry>>
  /** Last transition of each alarm that was open at the last stop (domain/alarm.ts `isOpen`): the register's start state. */
  openAlarms(): Promise<readonly AlarmEntry[]>
  status(): StoreStatus
}
