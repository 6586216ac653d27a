// The audit log of one gateway: numbers entries, writes those that come together with one sync, and keeps what could not be
// written for the next try. Refusals are limited: a flood of wrong passwords must not push the changes out of the log.

import type { AuditChange, AuditEntry, AuditSink } from '#domain/audit.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { AuditFile, type ChainFault } from './audit-file.ts'

const SEGMENT_BYTES = 4 * 1024 * 1024
/** 128 MiB in all: some 400,000 entries. */
const MAX_SEGMENTS = 32
/** Entries kept while they cannot be written. */
const MAX_WAITING = 1000
/** Refusals written at once, and how long it takes until one more may be. */
const REFUSALS = 30
const REFUSAL_MS = 60_000

export interface AuditQuery {
  /** Unix milliseconds, `[from, to)`. */
  readonly from: number
  readonly to: number
  /** Exactly, or null for all. */
  readonly who: string | null
  /** The action, or what it begins with: `user` finds `user.add`. */
  readonly action: string | null
  readonly target: string | null
  /** Only entries with a smaller seq; null: from the newest. */
  readonly before: number | null
  readonly limit: number
}

export interface AuditLogOptions {
  readonly folder: string
  readonly clock: Clock
  readonly log: Logger
}

export class AuditLog implements AuditSink {
  readonly #options: AuditLogOptions
  readonly #file: AuditFile
  readonly #waiting: AuditEntry[] = []
  #lastSeq = 0
  #writing: Promise<boolean> | null = null
  #refusals = REFUSALS
  #refilledAt: number
  #suppressed = 0

  constructor(options: AuditLogOptions) {
    this.#options = options
    this.#file = new AuditFile({ folder: options.folder, segmentBytes: SEGMENT_BYTES, maxSegments: MAX_SEGMENTS })
    this.#refilledAt = options.clock.monotonic()
  }

  /** Throws STORE_IO. */
  async open(): Promise<void> {
    const torn = await this.#file.open()
    this.#lastSeq = this.#file.lastSeq
    if (torn > 0) this.#options.log.warn({ bytes: torn }, 'A torn last line of the audit log was cut off')
  }

  record(change: AuditChange): Promise<void> {
    if (change.outcome === 'refused' && !this.#mayRefuse()) {
      this.#suppressed += 1
      return Promise.resolve()
    }
    const { clock, log } = this.#options
    if (this.#waiting.length >= MAX_WAITING) {
      log.error({ action: change.action, who: change.who }, 'The audit log cannot be written and its buffer is full')
      return Promise.resolve()
    }
    this.#lastSeq += 1
    this.#waiting.push({ ...change, seq: this.#lastSeq, time: clock.now(), suppressed: this.#suppressed })
    this.#suppressed = 0
    return this.#writeThrough(this.#lastSeq)
  }

  /** A page, newest first; `next` is the `before` of the following one. */
  async list(query: AuditQuery): Promise<{ items: AuditEntry[]; next: number | null }> {
    const items: AuditEntry[] = []
    for await (const entry of this.#file.newestFirst(query.before ?? undefined)) {
      if (!matches(entry, query)) continue
      if (items.length === query.limit) return { items, next: items.at(-1)!.seq }
      items.push(entry)
    }
    return { items, next: null }
  }

  /** null: every entry is as it was written. */
  async verify(): Promise<ChainFault | null> {
    await this.#writing
    return this.#file.verify()
  }

  /** Tries once more to write what waits, then closes. */
  async close(): Promise<void> {
    await this.#writeThrough(this.#lastSeq)
    await this.#file.close()
  }

  /** Until the entry `seq` is durable, or a write failed: then it waits for the next one. */
  async #writeThrough(seq: number): Promise<void> {
    while (this.#file.lastSeq < seq) {
      // Those that come while a write runs share the next one.
      this.#writing ??= this.#writeWaiting().finally(() => (this.#writing = null))
      if (!(await this.#writing)) return
    }
  }

  async #writeWaiting(): Promise<boolean> {
    const batch = [...this.#waiting]
    try {
      await this.#file.append(batch)
      this.#waiting.splice(0, batch.length)
      return true
    } catch (error) {
      this.#options.log.error({ waiting: batch.length, err: error }, 'The audit log cannot be written')
      return false
    }
  }

  #mayRefuse(): boolean {
    const now = this.#options.clock.monotonic()
    const refill = Math.floor((now - this.#refilledAt) / REFUSAL_MS)
    if (refill > 0) {
      this.#refusals = Math.min(REFUSALS, this.#refusals + refill)
      this.#refilledAt += refill * REFUSAL_MS
    }
    if (this.#refusals === 0) return false
    this.#refusals -= 1
    return true
  }
}

function matches(entry: AuditEntry, { from, to, who, action, target }: AuditQuery): boolean {
  return (
    entry.time >= from &&
    entry.time < to &&
    (who === null || entry.who === who) &&
    (action === null || entry.action === action || entry.action.startsWith(`${action}.`)) &&
    (target === null || entry.target === target)
  )
}
