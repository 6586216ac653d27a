// The journal port on the main thread: the newest records come from the ring's memory, older ones from the store thread.

import { comparePositions, type Bookmark, type Journal, type Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { RingProducer } from '#kit/record-ring.ts'
import type { StoreThread } from './store-thread.ts'

export interface JournalOptions {
  readonly epoch: number
  readonly ring: RingProducer
  readonly thread: StoreThread
  readonly durableSeq: () => number
  /** Ranges of seqs [from, to] that the full ring gave up, ascending. */
  readonly drops: readonly (readonly [number, number])[]
}

export function createJournal({ epoch, ring, thread, durableSeq, drops }: JournalOptions): Journal {
  const listeners = new Set<() => void>()
  let isArmed = false

  /** Tells the listeners once in the next turn, and then waits for the next push. */
  const arm = (): void => {
    if (isArmed || listeners.size === 0) return
    isArmed = true
    ring.onNextPush(() => {
      setImmediate(() => {
        isArmed = false
        arm()
        for (const listener of listeners) listener()
      })
    })
  }

  /** Records of this epoch from memory, up to the next gap; null when they are not there any more. */
  const fromMemory = (after: number, limit: number): RecordBatch | null => {
    let first = after + 1
    let last = Number.POSITIVE_INFINITY
    for (const [from, to] of drops) {
      if (first >= from && first <= to) first = to + 1
      else if (from > first) {
        last = from - 1
        break
      }
    }
    return ring.copy(first, Math.min(limit, last - first + 1))
  }

  const droppedWithin = (after: number, upTo: number): number => {
    let count = 0
    for (const [from, to] of drops) count += Math.max(0, Math.min(to, upTo) - Math.max(from, after + 1) + 1)
    return count
  }

  return {
    epoch,
    span: () => ({ head: { epoch, seq: ring.written }, durable: { epoch, seq: durableSeq() } }),

    async read(after: Position, limit: number): Promise<RecordBatch | null> {
      if (after.epoch > epoch) return null
      if (after.epoch === epoch) {
        if (after.seq >= ring.written) return null
        const batch = fromMemory(after.seq, limit)
        if (batch) return batch
      }
      const stored = await thread.call('read', { after, limit })
      return stored ?? (after.epoch < epoch && ring.written > 0 ? fromMemory(0, limit) : null)
    },

    async count(from: Position, to: Position): Promise<number> {
      if (comparePositions(to, from) <= 0) return 0
      const { count, upTo } = await thread.call('count', { from, to })
      if (to.epoch !== epoch || upTo.epoch !== epoch) return count
      const after = from.epoch === epoch ? Math.max(from.seq, upTo.seq) : upTo.seq
      const end = Math.min(to.seq, ring.written)
      return count + Math.max(0, end - after - droppedWithin(after, end))
    },

    cursor: (reader: string): Promise<Bookmark | null> => thread.call('cursor', { reader }),

    settle(reader: string, { epoch: atEpoch, seq }: Position, note?: string): void {
      thread.send({ type: 'settle', reader, position: { epoch: atEpoch, seq }, note })
    },

    onAppend(listener: () => void): () => void {
      const own = (): void => listener()
      listeners.add(own)
      arm()
      return () => void listeners.delete(own)
    },
  }
}
