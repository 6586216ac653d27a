// The journal port: one ordered sequence of records, read by cursors.

import type { Entry } from './alarm.ts'
import type { RecordBatch } from './reading.ts'

/**
 * Place of a record in the journal. `epoch` grows by one at each start of the gateway and is durable before the first
 * reading; `seq` counts from 1 within it. A position is never given twice.
 */
export interface Position {
  readonly epoch: number
  readonly seq: number
}

/** Order of positions: negative when a comes first. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.seq - b.seq
}

/** Before every record. */
export const JOURNAL_START: Position = { epoch: 0, seq: 0 }

/** Counters that make `accepted` exact: how many records were ever accepted up to a position. */
export interface JournalSpan {
  /** Last position given; seq 0 when nothing was accepted in this epoch yet. */
  readonly head: Position
  /** Last position that is durable. */
  readonly durable: Position
}

/** A reader's durable place, and the short text (at most 4 KiB) that it keeps beside it, for example its ledger. */
export interface Bookmark extends Position {
  readonly note?: string
}

/** Read side of the journal, as uplinks see it. */
export interface Journal {
  /** Number of this start. */
  readonly epoch: number
  span(): JournalSpan
  /**
   * Up to `limit` consecutive records after `after`, all of one epoch: from memory when they are recent, else from disk.
   * null when there is none yet. Records that were dropped (retention, full ring) are skipped: then the batch's first
   * position is not the one right after `after`.
   */
  read(after: Position, limit: number): Promise<RecordBatch | null>
  /** Records between two positions (after `from`, up to and including `to`) that still exist or are pending. */
  count(from: Position, to: Position): Promise<number>
  /** Durable cursor of a reader; null for a new one. */
  cursor(reader: string): Promise<Bookmark | null>
  /** Keeps a cursor, and with it `note`, both or neither; durable with the next flush. Never goes back. */
  settle(reader: string, position: Position, note?: string): void
  /** Called, at most once per turn of the event loop, when there are records after the last seen head. Returns the unsubscribe. */
  onAppend(listener: () => void): () => void
}

/** Where the pipeline puts what it accepts. `false`: the ring is full and nothing was taken. */
export interface JournalWriter {
  appendEntry(entry: Entry): boolean
}
