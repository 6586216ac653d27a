// The history port on the main thread: asks the store thread, and turns its columns into objects.

import type { EntryQuery, History, RangeQuery, Statistics, StoredReading, StoreStatus } from '#domain/history.ts'
import { isBad } from '#domain/quality.ts'
import type { StoreFigures } from './protocol.ts'
import type { ReadingColumnsPage } from './query-readings.ts'
import type { StoreThread } from './store-thread.ts'

export interface StoreCondition {
  readonly figures: StoreFigures
  readonly quarantined: string | null
}

export function createHistory(thread: StoreThread, condition: () => StoreCondition): History {
  return {
    async readings(query: RangeQuery, signal?: AbortSignal) {
      const page = await thread.call('readings', { query }, signal)
      return { items: readingsOf(page), next: page.next }
    },

    buckets: (query: RangeQuery & { readonly everyMs: number }, signal?: AbortSignal) =>
      thread.call('buckets', { query }, signal),

    async statistics(sensor: string, from: number, to: number, signal?: AbortSignal): Promise<Statistics> {
      const { count, min, max, mean, squares, first, last } = await thread.call(
        'statistics',
        { sensor, from, to },
        signal,
      )
      const edges = { first: readingsOf(first)[0] ?? null, last: readingsOf(last)[0] ?? null }
      if (count === 0) return { count, min: null, max: null, mean: null, standardDeviation: null, ...edges }
      return { count, min, max, mean, standardDeviation: count < 2 ? null : Math.sqrt(squares / (count - 1)), ...edges }
    },

    entries: (query: EntryQuery, signal?: AbortSignal) => thread.call('entries', { query }, signal),
    openAlarms: () => thread.call('openAlarms', {}),

    status(): StoreStatus {
      const { figures, quarantined } = condition()
      const { state, bytes, writtenBytes, durableRecords, reason } = figures
      return { state, bytes, writtenBytes, durableRecords, reason, quarantined }
    },
  }
}

function readingsOf({ time, receivedAt, status, values }: ReadingColumnsPage): StoredReading[] {
  return Array.from(time, (at, row) => {
    const value = values instanceof Float64Array && isBad(status[row]!) ? null : values[row]!
    return { time: at, receivedAt: receivedAt[row]!, status: status[row]!, value }
  })
}
