// The history port on the main thread: asks the store thread what there is, the query thread for the answer, and turns its
// columns into objects.

import type { EntryQuery, History, RangeQuery, Statistics, StoredReading, StoreStatus } from '#domain/history.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isBad } from '#domain/quality.ts'
import type { QueryCalls, StoreFigures } from './protocol.ts'
import type { ReadingColumnsPage } from './query-readings.ts'
import type { QueryCall, QueryThread } from './query-thread.ts'
import type { StoreThread } from './store-thread.ts'

export interface StoreCondition {
  readonly figures: StoreFigures
  readonly quarantined: string | null
}

export interface HistoryOptions {
  readonly thread: StoreThread
  readonly queries: QueryThread
  readonly condition: () => StoreCondition
}

export function createHistory({ thread, queries, condition }: HistoryOptions): History {
  /** Asks the store thread what is there now, then the query thread for the answer. */
  const ask = <C extends QueryCall>(
    call: C,
    sensor: string | null,
    query: QueryCalls[C]['ask']['query'],
    signal: AbortSignal | undefined,
  ): Promise<QueryCalls[C]['answer']> => {
    const answer = async (): Promise<QueryCalls[C]['answer']> => {
      const sight = await thread.call('see', { sensor })
      try {
        return await queries.call(call, { sight, query } as QueryCalls[C]['ask'], signal)
      } finally {
        thread.send({ type: 'release', sight: sight.number, file: sight.file })
      }
    }
    return unlessAborted(answer, signal)
  }
  return {
    async readings(query: RangeQuery, signal?: AbortSignal) {
      const page = await ask('readings', query.sensor, query, signal)
      return { items: readingsOf(page), next: page.next }
    },

    buckets: (query: RangeQuery & { readonly everyMs: number }, signal?: AbortSignal) =>
      ask('buckets', query.sensor, query, signal),

    async statistics(sensor: string, from: number, to: number, signal?: AbortSignal): Promise<Statistics> {
      const found = await ask('statistics', sensor, { sensor, from, to }, signal)
      const { count, min, max, mean, squares, first, last } = found
      const edges = { first: readingsOf(first)[0] ?? null, last: readingsOf(last)[0] ?? null }
      if (count === 0) return { count, min: null, max: null, mean: null, standardDeviation: null, ...edges }
      return { count, min, max, mean, standardDeviation: count < 2 ? null : Math.sqrt(squares / (count - 1)), ...edges }
    },

    entries: (query: EntryQuery, signal?: AbortSignal) => ask('entries', null, query, signal),
    openAlarms: () => thread.call('openAlarms', {}),

    status(): StoreStatus {
      const { figures, quarantined } = condition()
      const { state, bytes, writtenBytes, durableRecords, reason } = figures
      return { state, bytes, writtenBytes, durableRecords, reason, quarantined }
    },
  }
}

/** Rejects with ABORTED at the moment the caller gives up; the work ends by itself and gives back what it holds. */
async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work()
  const aborted = (): TelemetryError => new TelemetryError('ABORTED', 'The caller gave up', { cause: signal.reason })
  if (signal.aborted) throw aborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(aborted())
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(), promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function readingsOf({ time, receivedAt, status, values }: ReadingColumnsPage): StoredReading[] {
  const readings: StoredReading[] = []
  const { length } = time
  if (values instanceof Float64Array) {
    for (let row = 0; row < length; row++) {
      const code = status[row]!
      readings.push({
        time: time[row]!,
        receivedAt: receivedAt[row]!,
        status: code,
        value: isBad(code) ? null : values[row]!,
      })
    }
    return readings
  }
  for (let row = 0; row < length; row++) {
    readings.push({ time: time[row]!, receivedAt: receivedAt[row]!, status: status[row]!, value: values[row]! })
  }
  return readings
}
