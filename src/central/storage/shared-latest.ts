// Latest values that all processes share through Redis, so that asking for them asks the database seldom. What is told was in the
// database first; what is answered was the latest there at most BELIEVED_MS ago, whatever happened to Redis or to other processes.
//
//   latest:TENANT:GATEWAY     hash: number of the sensor → time, receive time, status, value (JSON)

import type { LatestValue, RedisPort } from '#backing/redis.ts'
import type { Page } from '#domain/history.ts'
import { isBad, qualityOf } from '#domain/quality.ts'
import type { Value, ValueType } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { cleanText } from '../ingest/clean-text.ts'
import { timeOf } from '../ingest/store-readings.ts'
import type { TakenBatch } from '../ingest-ports.ts'
import type { LatestReading, SensorRecord, TenantNumber } from '../ports.ts'

/** As long as who a key belongs to: a process that died, or that Redis does not hear, may keep newer ones from being known. */
export const BELIEVED_MS = 5000
/** Sensors of pages that are remembered. */
const MAX_REMEMBERED = 200_000
/** Before every position: there is no reading yet. */
const NONE: LatestValue['order'] = [-1, -1]

/** With the position of its reading; null: it has none. */
export interface PlacedLatest extends LatestReading {
  readonly position: LatestValue['order'] | null
}

interface Remembered {
  readonly sensors: readonly SensorRecord[]
  readonly next: string | null
  readonly until: number
  readonly version: number
}

export class SharedLatest {
  /** Questions by who answered them. */
  readonly figures = { redis: 0, database: 0 }
  readonly #redis: Pick<RedisPort, 'putLatest' | 'latest'>
  readonly #clock: Clock
  /** Which sensors a question is about, oldest first. */
  readonly #pages = new Map<string, Remembered>()
  readonly #versions = new Map<TenantNumber, number>()
  #sensors = 0

  constructor(redis: Pick<RedisPort, 'putLatest' | 'latest'>, clock: Clock) {
    this.#redis = redis
    this.#clock = clock
  }

  /** For `put`: before the transaction. Monotonic milliseconds. */
  now(): number {
    return this.#clock.monotonic()
  }

  /** What has become durable in transactions that began at `since`. Never fails. */
  async put(batches: readonly TakenBatch[], since: number): Promise<void> {
    const ageMs = this.#ageOf(since)
    await Promise.all(
      batches.map((taken) => this.#redis.putLatest(keyOf(taken.tenant, taken.gateway), newestOf(taken), ageMs)),
    )
  }

  /** A page of latest values. `question` names it within the tenant; `load` asks the database. */
  async page(
    tenant: TenantNumber,
    question: string,
    load: () => Promise<Page<PlacedLatest>>,
  ): Promise<Page<LatestReading>> {
    const name = `${tenant}/${question}`
    const version = this.#versions.get(tenant) ?? 0
    const since = this.now()
    const known = this.#pages.get(name)
    if (known && known.version === version && since < known.until) {
      const items = await this.#read(tenant, known.sensors)
      if (items !== null) {
        this.figures.redis += 1
        return { items, next: known.next }
      }
    }
    const page = await load()
    this.figures.database += 1
    const sensors = page.items.map(({ sensor }) => sensor)
    this.#remember(name, { sensors, next: page.next, until: since + BELIEVED_MS, version })
    await this.#fill(tenant, page.items, since)
    return page
  }

  /** Sensors of a tenant were changed by this process. */
  forget(tenant: TenantNumber): void {
    this.#versions.set(tenant, (this.#versions.get(tenant) ?? 0) + 1)
  }

  /** null: Redis does not know all of them. */
  async #read(tenant: TenantNumber, sensors: readonly SensorRecord[]): Promise<LatestReading[] | null> {
    const gateways = Map.groupBy(sensors, ({ gateway }) => gateway)
    const answers = await Promise.all(
      [...gateways].map(([gateway, own]) => this.#redis.latest(keyOf(tenant, gateway), own.map(fieldOf), BELIEVED_MS)),
    )
    const values = new Map<string, string>()
    for (const answer of answers) {
      if (answer === null) return null
      for (const [field, value] of answer) values.set(field, value)
    }
    if (values.size < sensors.length) return null
    return sensors.map((sensor) => ({ sensor, reading: readingOf(sensor, values.get(fieldOf(sensor))!) }))
  }

  async #fill(tenant: TenantNumber, items: readonly PlacedLatest[], since: number): Promise<void> {
    const ageMs = this.#ageOf(since)
    const gateways = Map.groupBy(items, ({ sensor }) => sensor.gateway)
    await Promise.all(
      [...gateways].map(([gateway, own]) => this.#redis.putLatest(keyOf(tenant, gateway), own.map(valueOf), ageMs)),
    )
  }

  #ageOf(since: number): number {
    return Math.ceil(this.now() - since)
  }

  #remember(name: string, page: Remembered): void {
    this.#drop(name)
    this.#pages.set(name, page)
    this.#sensors += page.sensors.length + 1
    const now = this.now()
    for (const [oldest, { until }] of this.#pages) {
      if (now < until && this.#sensors <= MAX_REMEMBERED) break
      this.#drop(oldest)
    }
  }

  #drop(name: string): void {
    const page = this.#pages.get(name)
    if (page === undefined) return
    this.#pages.delete(name)
    this.#sensors -= page.sensors.length + 1
  }
}

function keyOf(tenant: TenantNumber, gateway: string): string {
  return `latest:${tenant}:${gateway}`
}

function fieldOf({ number }: Pick<SensorRecord, 'number'>): string {
  return String(number)
}

/** The one with the highest position of each sensor. */
function newestOf({ batch, rows, sensorOf }: TakenBatch): LatestValue[] {
  const newest = new Map<number, number>()
  for (const row of rows) {
    const sensor = batch.entries.has(row) ? undefined : sensorOf(batch.sensor[row]!)
    if (sensor === undefined) continue
    const before = newest.get(sensor.number)
    if (before === undefined || batch.seq[before]! <= batch.seq[row]!) newest.set(sensor.number, row)
  }
  return [...newest].map(([number, row]) => {
    const { valueType } = sensorOf(batch.sensor[row]!)!
    const status = batch.status[row]! >>> 0
    const value = isBad(status) ? null : batch.valueOf(row, valueType)
    const text = textOf({ time: timeOf(batch, row), receivedAt: Math.floor(batch.receivedAt[row]!), status, value })
    return { field: String(number), order: [batch.epoch, batch.seq[row]!], value: text }
  })
}

function valueOf({ position, reading, sensor }: PlacedLatest): LatestValue {
  return { field: fieldOf(sensor), order: position ?? NONE, value: reading === null ? 'null' : textOf(reading) }
}

interface Kept {
  readonly time: number
  readonly receivedAt: number
  readonly status: number
  readonly value: Value | null
}

function textOf({ receivedAt, status, time, value }: Kept): string {
  const cell = typeof value === 'bigint' ? String(value) : typeof value === 'string' ? cleanText(value) : value
  return JSON.stringify([time, receivedAt, status, cell])
}

function readingOf({ id, valueType }: SensorRecord, text: string): LatestReading['reading'] {
  const cells = JSON.parse(text) as [number, number, number, Exclude<Value, bigint> | null] | null // as `textOf` writes it
  if (cells === null) return null
  const [time, receivedAt, status, cell] = cells
  return { sensor: id, time, receivedAt, status, quality: qualityOf(status), value: valueIn(cell, valueType) }
}

function valueIn(cell: Exclude<Value, bigint> | null, type: ValueType): Value | null {
  return cell !== null && (type === 'int64' || type === 'uint64') ? BigInt(cell) : cell
}
