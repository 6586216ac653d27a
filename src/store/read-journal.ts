// Reading the journal by position: from what is in memory, else from blocks, of which the last few stay decoded.

import { comparePositions, type Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import type { BlockCodec } from './block-codec.ts'
import { lastPosition } from './journal-table.ts'
import type { Part, Recent } from './recent.ts'
import type { StoreTables } from './tables.ts'

const CACHED_BLOCKS = 4

export interface BatchReaderOptions {
  readonly recent: Recent
  readonly codec: BlockCodec
  readonly tables: () => StoreTables
  /** A block that cannot be read is skipped, and told. */
  readonly onDamage: (block: number, error: unknown) => void
}

export class BatchReader {
  readonly #options: BatchReaderOptions
  readonly #cache = new Map<number, RecordBatch>()

  constructor(options: BatchReaderOptions) {
    this.#options = options
  }

  /** Up to `limit` consecutive records after a position; null when there is none. */
  read(after: Position, limit: number): RecordBatch | null {
    const { recent, tables } = this.#options
    const { journal } = tables()
    let position = after
    for (;;) {
      const part = recent.parts.find((candidate) => comparePositions(endOf(candidate), position) > 0)
      const row = part && part !== recent.parts[0] ? null : journal.firstAfter(position)
      const isOlder = row !== null && (!part || part.block === null || row.block < part.block)
      if (!isOlder && !part) return null
      const batch = isOlder ? this.#block(row.block) : (part!.batch ?? this.#block(part!.block!))
      if (batch) return slice(batch, position, limit)
      position = isOlder ? lastPosition(row) : endOf(part!)
    }
  }

  /** Records in (from, to] that exist, of those up to `taken`. */
  count(from: Position, to: Position, taken: Position): { count: number; upTo: Position } {
    const { recent, tables } = this.#options
    const { journal } = tables()
    let count = Math.max(0, journal.totalUpTo(to) - journal.totalUpTo(from))
    for (const part of recent.parts) if (part.block === null) count += overlap(part, from, to)
    return { count, upTo: comparePositions(to, taken) < 0 ? to : taken }
  }

  /** Blocks were rewritten. */
  forget(): void {
    this.#cache.clear()
  }

  #block(block: number): RecordBatch | null {
    const cached = this.#cache.get(block)
    if (cached) {
      this.#cache.delete(block)
      this.#cache.set(block, cached)
      return cached
    }
    try {
      const batch = this.#options.codec.decode(this.#options.tables().journal.data(block))
      this.#cache.set(block, batch)
      for (const oldest of this.#cache.keys()) {
        if (this.#cache.size <= CACHED_BLOCKS) break
        this.#cache.delete(oldest)
      }
      return batch
    } catch (error) {
      this.#options.onDamage(block, error)
      return null
    }
  }
}

function endOf(part: Part): Position {
  return { epoch: part.epoch, seq: part.firstSeq + part.count - 1 }
}

function overlap(part: Part, from: Position, to: Position): number {
  if (part.epoch < from.epoch || part.epoch > to.epoch) return 0
  const first = part.epoch === from.epoch ? Math.max(part.firstSeq, from.seq + 1) : part.firstSeq
  const last =
    part.epoch === to.epoch ? Math.min(part.firstSeq + part.count - 1, to.seq) : part.firstSeq + part.count - 1
  return Math.max(0, last - first + 1)
}

/** Copies the records after `position`, at most `limit`. */
function slice(batch: RecordBatch, position: Position, limit: number): RecordBatch {
  const start = batch.epoch === position.epoch ? Math.max(0, position.seq - batch.firstSeq + 1) : 0
  const count = Math.min(limit, batch.length - start)
  const part = new MutableRecordBatch(batch.epoch, batch.firstSeq + start, count)
  const end = start + count
  part.length = count
  part.sensor.set(batch.sensor.subarray(start, end))
  part.status.set(batch.status.subarray(start, end))
  part.sourceTime.set(batch.sourceTime.subarray(start, end))
  part.receivedAt.set(batch.receivedAt.subarray(start, end))
  part.bits.set(new BigInt64Array(batch.value.buffer, batch.value.byteOffset + start * 8, count))
  for (const [row, text] of batch.texts) if (row >= start && row < end) part.texts.set(row - start, text)
  return part
}
