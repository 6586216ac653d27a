// The history port in memory: complete enough to page, aggregate and be aborted.

import type { Alarm, AlarmChange, AlarmEntry } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import type {
  Bucket,
  EntryQuery,
  History,
  Page,
  RangeQuery,
  Statistics,
  StoredEntry,
  StoredReading,
  StoreStatus,
} from '#domain/history.ts'
import { qualityOf, type StatusCode } from '#domain/quality.ts'
import { numericValue, type Value } from '#domain/value.ts'

export class FakeHistory implements History {
  readonly stored = new Map<string, StoredReading[]>()
  readonly transitions: StoredEntry[] = []
  /** Signals of the queries so far. */
  readonly signals: (AbortSignal | undefined)[] = []
  /** While set, queries wait for it or for their signal. */
  hold: Promise<void> | null = null
  failure: TelemetryError | null = null

  addReadings(sensor: string, readings: readonly { time: number; value: Value | null; status?: StatusCode }[]): void {
    const list = this.stored.get(sensor) ?? []
    for (const { time, value, status = 0 } of readings) list.push({ time, receivedAt: time, value, status })
    this.stored.set(
      sensor,
      list.sort((a, b) => a.time - b.time),
    )
  }
  addTransition(change: AlarmChange, time: number, alarm: Alarm, by: string | null = null): void {
    const entry: AlarmEntry = { kind: 'alarm', change, time, by, comment: null, alarm }
    this.transitions.push({ position: { epoch: 3, seq: this.transitions.length + 1 }, entry })
  }
  async readings(query: RangeQuery, signal?: AbortSignal): Promise<Page<StoredReading>> {
    await this.#wait(signal)
    return page(this.#range(query), query)
  }
  async buckets(query: RangeQuery & { readonly everyMs: number }, signal?: AbortSignal): Promise<Page<Bucket>> {
    await this.#wait(signal)
    const byTime = Map.groupBy(
      this.#range({ ...query, order: 'oldestFirst' }).filter(isNumeric),
      ({ time }) => Math.floor(time / query.everyMs) * query.everyMs,
    )
    const buckets = [...byTime].map(([time, readings]) => ({
      time,
      ...aggregate(readings),
      last: numericValue(readings.at(-1)!.value!),
    }))
    return page(query.order === 'newestFirst' ? buckets.toReversed() : buckets, query)
  }
  async statistics(sensor: string, from: number, to: number, signal?: AbortSignal): Promise<Statistics> {
    await this.#wait(signal)
    const readings = this.#range({ sensor, from, to }).filter(isNumeric)
    if (readings.length === 0)
      return { count: 0, min: null, max: null, mean: null, standardDeviation: null, first: null, last: null }
    const { count, min, max, mean } = aggregate(readings)
    const squares = readings.reduce((sum, { value }) => sum + (numericValue(value!) - mean) ** 2, 0)
    const standardDeviation = count < 2 ? null : Math.sqrt(squares / (count - 1))
    return { count, min, max, mean, standardDeviation, first: readings[0]!, last: readings.at(-1)! }
  }
  async entries(query: EntryQuery, signal?: AbortSignal): Promise<Page<StoredEntry>> {
    await this.#wait(signal)
    const wanted = this.transitions.filter(
      ({ entry }) =>
        entry.kind === query.kind && entry.time >= query.from && entry.time < query.to && concerns(entry, query),
    )
    return page(wanted.toReversed(), query)
  }
  openAlarms = async (): Promise<readonly AlarmEntry[]> => []
  status = (): StoreStatus => ({
    state: 'ok',
    bytes: 4096,
    writtenBytes: 8192,
    durableRecords: 17,
    reason: null,
    quarantined: null,
  })

  #range({ sensor, from, to, order }: Pick<RangeQuery, 'sensor' | 'from' | 'to' | 'order'>): StoredReading[] {
    const list = (this.stored.get(sensor) ?? []).filter(({ time }) => time >= from && time < to)
    return order === 'newestFirst' ? list.reverse() : list
  }
  async #wait(signal: AbortSignal | undefined): Promise<void> {
    this.signals.push(signal)
    if (this.failure) throw this.failure
    if (this.hold === null) return
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new TelemetryError('ABORTED', 'The query was stopped')))
    })
    await Promise.race([this.hold, aborted])
  }
}

function concerns(entry: StoredEntry['entry'], query: EntryQuery): boolean {
  if (entry.kind !== 'alarm') return query.sensor === null
  return (
    (query.sensor === null || entry.alarm.sensor === query.sensor) &&
    (query.checkTypes === null || query.checkTypes.includes(entry.alarm.checkType))
  )
}

const isNumeric = ({ value, status }: StoredReading): boolean =>
  value !== null && typeof value !== 'string' && qualityOf(status) !== 'bad'

function aggregate(readings: readonly StoredReading[]): { count: number; min: number; max: number; mean: number } {
  const values = readings.map(({ value }) => numericValue(value!))
  return {
    count: values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
  }
}

/** Cursor: the number of items before the page. */
function page<T>(
  items: readonly T[],
  { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
): Page<T> {
  const start = cursor === null ? 0 : Number(cursor)
  if (!Number.isSafeInteger(start) || start < 0) throw new TelemetryError('USAGE', 'The cursor is not one of this list')
  return { items: items.slice(start, start + limit), next: start + limit < items.length ? String(start + limit) : null }
}
