// What the main thread and its two threads, of the store and of the queries, say to each other.

import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import type { ErrorCode } from '#domain/errors.ts'
import type { EntryQuery, Page, RangeQuery, StoredEntry } from '#domain/history.ts'
import type { DeadLetter, KeptLetter } from '#domain/dead-letter.ts'
import type { Bookmark, Position } from '#domain/journal.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { RingMemory } from '#kit/ring-memory.ts'
import type { BucketPage } from './query-buckets.ts'
import type { ReadingColumnsPage } from './query-readings.ts'
import type { Sight } from './sight.ts'
import type { SensorIdentity } from './small-tables.ts'

/** What the thread needs at its start. */
export interface StoreSettings {
  readonly dataDir: string
  readonly flushIntervalMs: number
  readonly sync: 'normal' | 'full'
  readonly retention: { readonly rawMs: number; readonly minuteMs: number; readonly hourMs: number }
  readonly maxBytes: number
  readonly ring: RingMemory
  /** Wall clock at the start, Unix milliseconds. */
  readonly now: number
}

/** Records of a batch, in columns without a class, as they travel. */
export interface BatchColumns {
  readonly epoch: number
  readonly firstSeq: number
  readonly length: number
  readonly sensor: Uint32Array
  readonly status: Uint32Array
  readonly sourceTime: Float64Array
  readonly receivedAt: Float64Array
  readonly value: Float64Array
  readonly texts: ReadonlyMap<number, string>
}

export interface StatisticsColumns {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Sum of squared deviations from the mean. */
  readonly squares: number
  readonly first: ReadingColumnsPage
  readonly last: ReadingColumnsPage
}

/** Why the store gave up readings or records; label of telemetryx_dropped_total. */
export type DropReason = 'age' | 'size' | 'thinned' | 'journal'

/** Records of this epoch whose stamps came from a wall clock that has now been set. */
export interface Restamp {
  /** First and last seq. */
  readonly from: number
  readonly to: number
  /** Up to this seq all stamps are of the old time; those of later records are told apart by what they are nearer to. */
  readonly sure: number
  /** New time less old time. */
  readonly offsetMs: number
  /** Wall clock after the step, Unix milliseconds. */
  readonly now: number
}

/** Requests by name: what is asked, what is answered. */
export interface StoreCalls {
  register: { ask: { sensors: readonly SensorIdentity[] }; answer: readonly SensorNumber[] }
  flush: { ask: Record<never, never>; answer: null }
  /** Answered whatever the disk does: the thread is alive. */
  beat: { ask: Record<never, never>; answer: StoreFigures }
  close: { ask: Record<never, never>; answer: null }
  read: { ask: { after: Position; limit: number }; answer: BatchColumns | null }
  /** `upTo`: the last position that the count covers; later records are still in the ring. */
  count: { ask: { from: Position; to: Position }; answer: { count: number; upTo: Position } }
  cursor: { ask: { reader: string }; answer: Bookmark | null }
  /** What a query about a sensor sees; null: about entries, which are committed first. It must be given back by `release`. */
  see: { ask: { sensor: string | null }; answer: Sight }
  openAlarms: { ask: Record<never, never>; answer: readonly AlarmEntry[] }
  addLetters: {
    ask: { uplink: string; letters: readonly DeadLetter[]; max: number }
    answer: { held: number; evicted: number }
  }
  listLetters: { ask: { uplink: string; after: number; limit: number }; answer: readonly KeptLetter[] }
  getLetter: { ask: { uplink: string; id: number }; answer: KeptLetter | null }
  removeLetters: { ask: { uplink: string; ids: readonly number[] }; answer: number }
  countLetters: { ask: { uplink: string }; answer: number }
  /** Compacts everything durable and merges what is full: for measuring, tests and maintenance. */
  compact: { ask: Record<never, never>; answer: null }
  /** Answers how many records were stamped anew. */
  restamp: { ask: Restamp; answer: number }
}

/** Requests to the query thread. */
export interface QueryCalls {
  readings: { ask: { sight: Sight; query: RangeQuery }; answer: ReadingColumnsPage }
  buckets: { ask: { sight: Sight; query: RangeQuery & { everyMs: number } }; answer: BucketPage }
  statistics: { ask: { sight: Sight; query: AggregateQuery }; answer: StatisticsColumns }
  entries: { ask: { sight: Sight; query: EntryQuery }; answer: Page<StoredEntry> }
  close: { ask: Record<never, never>; answer: null }
}

export interface AggregateQuery {
  readonly sensor: string
  readonly from: number
  readonly to: number
}

export type StoreCall = keyof StoreCalls

/** Calls of one thread by name. */
export type CallTable<Calls> = { readonly [C in keyof Calls]: { readonly ask: unknown; readonly answer: unknown } }

/** What a thread is asked, and that it need not go on. */
export type Request<Calls extends CallTable<Calls>> =
  | {
      [C in keyof Calls]: {
        readonly type: 'call'
        readonly id: number
        readonly call: C
        readonly ask: Calls[C]['ask']
      }
    }[keyof Calls]
  | { readonly type: 'abort'; readonly id: number }

/** Main → store. */
export type ToStore =
  | Request<StoreCalls>
  | { readonly type: 'release'; readonly sight: number; readonly file: number }
  | { readonly type: 'pressure' }
  | { readonly type: 'settle'; readonly reader: string; readonly position: Position; readonly note: string | undefined }
  | { readonly type: 'retain'; readonly now: number }
  /** Records from this seq on may have to be stamped anew; null: none. */
  | { readonly type: 'hold'; readonly fromSeq: number | null }

export interface ErrorColumns {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly context: Readonly<Record<string, unknown>>
}

/** Figures of the store, sent after each commit and change of state. */
export interface StoreFigures {
  readonly state: 'ok' | 'failing'
  readonly reason: string | null
  /** Last durable seq of this epoch. */
  readonly durableSeq: number
  /** Records of all epochs that are in the journal or were. */
  readonly durableRecords: number
  readonly bytes: number
  readonly writtenBytes: number
}

/** What both threads say. */
export type Reply =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: ErrorColumns }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }

/** Store → main. */
export type FromStore =
  | Reply
  | {
      readonly type: 'ready'
      readonly epoch: number
      readonly quarantined: string | null
      readonly figures: StoreFigures
    }
  | { readonly type: 'refused'; readonly error: ErrorColumns }
  /** Latencies: from the receipt of each committed block's oldest record to its being durable, in seconds. */
  | { readonly type: 'figures'; readonly figures: StoreFigures; readonly latencies: readonly number[] }
  /** Readings or records that were given up, for the counter of drops. */
  | { readonly type: 'dropped'; readonly reason: DropReason; readonly count: number }
  | { readonly type: 'event'; readonly event: Omit<EventEntry, 'kind' | 'time' | 'source'> }
