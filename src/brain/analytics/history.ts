// The brain's own memory of readings, from which models are trained and ranges are analysed: bounded for each tenant, in the
// database in blocks of one sensor, the newest in memory. It may lose what came within the last seconds before a kill: gateways
// keep the truth.

import type { Database } from '#backing/database.ts'
import { migrate } from '#backing/migrate.ts'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { collectedCounter, type Registry } from '#kit/metrics.ts'
import type { AcceptedRecords } from '../service.ts'
import { SensorStates, type SensorKey } from './accepted-numbers.ts'
import { decodeBlock, encodeBlock, joinColumns, PendingBlock, type Columns } from './history-blocks.ts'
import { MIGRATIONS, SCHEMA } from './history-schema.ts'

export interface HistoryLimits {
  /** Readings that are kept for each tenant; the oldest go first. */
  readonly maxReadings: number
  /** Older ones are deleted. Milliseconds. */
  readonly maxAgeMs: number
  /** Readings that wait in memory for the database; beyond them new ones are dropped and counted. */
  readonly maxPending: number
}

export const HISTORY_LIMITS: HistoryLimits = {
  maxReadings: 20_000_000,
  maxAgeMs: 90 * 86_400_000,
  maxPending: 500_000,
}

export interface HistoryOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly limits: HistoryLimits
}

interface Pending {
  readonly key: SensorKey
  block: PendingBlock
}

/** A block that is being written. */
interface Written {
  readonly key: SensorKey
  readonly block: PendingBlock
}

const TICK_MS = 5000
/** A block is written when it is full, or so old. */
const MAX_BLOCK_AGE_MS = 30_000
const BLOCKS_A_STATEMENT = 100
const PRUNE_EVERY_MS = 600_000

export class ReadingHistory {
  readonly #options: HistoryOptions
  readonly #states: SensorStates<Pending>
  readonly #pending = new Map<string, Pending>()
  #full: Written[] = []
  #writing: readonly Written[] = []
  #waiting = 0
  #dropped = 0
  #kept = 0
  #ready: Promise<void> | null = null
  #flushing: Promise<void> | null = null
  #timer: Timer | null = null
  #prunedAt = 0
  #isStopped = false

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#states = new SensorStates((key) => this.#pendingOf(key))
    const { registry } = options
    collectedCounter({
      registry,
      name: 'telemetryx_brain_history_readings_total',
      help: 'Readings that analytics have written to their history',
      collect: () => [{ value: this.#kept }],
    })
    collectedCounter({
      registry,
      name: 'telemetryx_brain_history_dropped_total',
      help: 'Readings that analytics did not keep, because the database was away for too long',
      collect: () => [{ value: this.#dropped }],
    })
  }

  /** Makes the tables; when the database is away, the next use does. */
  async start(): Promise<void> {
    await this.ready().catch((cause: unknown) => {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      this.#options.log.warn({ err: cause }, 'The database is away: analytics wait for it')
    })
    this.#plan()
  }

  /** Resolves when the tables are there. Throws what the database says. */
  ready(): Promise<void> {
    this.#ready ??= migrate(this.#options.database, SCHEMA, MIGRATIONS).catch((cause: unknown) => {
      this.#ready = null
      throw cause
    })
    return this.#ready
  }

  take(records: AcceptedRecords): void {
    const now = this.#options.clock.monotonic()
    this.#states.each(records, (pending, value, time) => {
      if (this.#waiting >= this.#options.limits.maxPending) {
        this.#dropped += 1
        return
      }
      const { block } = pending
      if (block.length === 0) block.since = now
      block.push(time, value)
      this.#waiting += 1
      if (!block.isFull) return
      this.#full.push({ key: pending.key, block })
      pending.block = new PendingBlock()
    })
  }

  /** Sensors of a tenant of which something is stored, or waits. `gateway` '': of all. */
  async sensors(tenant: string, gateway: string): Promise<SensorKey[]> {
    await this.ready()
    const rows = await this.#options.database.query<{ gateway: string; sensor: string }>(
      `SELECT gateway, sensor FROM ${SCHEMA}.sensor WHERE tenant = $1 AND ($2 = '' OR gateway = $2)`,
      [tenant, gateway],
    )
    const found = new Map(rows.map((row) => [keyText({ tenant, ...row }), { tenant, ...row }]))
    for (const [text, { key }] of this.#pending)
      if (key.tenant === tenant && (gateway === '' || key.gateway === gateway)) found.set(text, key)
    return [...found.values()].sort((a, b) => order(a.sensor, b.sensor) || order(a.gateway, b.gateway))
  }

  /** Readings of one sensor within [from, to), by time; the bounds may be infinite. */
  async read(key: SensorKey, from: number, to: number): Promise<Columns> {
    await this.ready()
    const { gateway, sensor, tenant } = key
    // Before the question: what is written meanwhile is then in one or in both, which the tokens tell.
    const waiting = this.#waitingOf(key).map((block) => ({ token: block.token as string, columns: block.columns() }))
    const rows = await this.#options.database.query<{ token: string; block: Uint8Array }>(
      `SELECT token, block FROM ${SCHEMA}.history
       WHERE tenant = $1 AND gateway = $2 AND sensor = $3 AND last_time >= $4 AND first_time < $5 ORDER BY id`,
      [tenant, gateway, sensor, wholeTime(Math.floor(from)), wholeTime(Math.ceil(to))],
    )
    const written = new Set(rows.map(({ token }) => token))
    const pieces = rows.map(({ block }) => decodeBlock(block))
    for (const { columns, token } of waiting) if (!written.has(token)) pieces.push(columns)
    return joinColumns(pieces, from, to)
  }

  /** Writes all that waits. Throws what the database says; what was not written still waits. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing
    for (const pending of this.#pending.values()) this.#close(pending)
    await this.#write()
  }

  /** Writes what waits, as far as the database is there. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.flush().catch((cause: unknown) =>
      this.#options.log.warn({ err: cause, readings: this.#waiting }, 'The newest readings of the history are lost'),
    )
  }

  #pendingOf(key: SensorKey): Pending {
    const text = keyText(key)
    let pending = this.#pending.get(text)
    if (pending === undefined) this.#pending.set(text, (pending = { key, block: new PendingBlock() }))
    return pending
  }

  #waitingOf({ gateway, sensor, tenant }: SensorKey): PendingBlock[] {
    const isOurs = ({ key }: Written): boolean =>
      key.tenant === tenant && key.gateway === gateway && key.sensor === sensor
    const last = this.#pending.get(keyText({ tenant, gateway, sensor }))
    return [
      ...[...this.#writing, ...this.#full].filter(isOurs).map(({ block }) => block),
      ...(last ? [last.block] : []),
    ]
  }

  #plan(): void {
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(TICK_MS, () => void this.#tick().finally(() => this.#plan()))
  }

  async #tick(): Promise<void> {
    const now = this.#options.clock.monotonic()
    for (const pending of this.#pending.values())
      if (now - pending.block.since >= MAX_BLOCK_AGE_MS) this.#close(pending)
    try {
      await this.#write()
      if (now - this.#prunedAt >= PRUNE_EVERY_MS) {
        this.#prunedAt = now
        await this.prune()
      }
    } catch (cause) {
      this.#options.log.warn({ err: cause, readings: this.#waiting }, 'The history of readings cannot be written now')
    }
  }

  #close(pending: Pending): void {
    if (pending.block.length === 0) return
    this.#full.push({ key: pending.key, block: pending.block })
    pending.block = new PendingBlock()
  }

  #write(): Promise<void> {
    this.#flushing ??= this.#writeAll().finally(() => (this.#flushing = null))
    return this.#flushing
  }

  async #writeAll(): Promise<void> {
    await this.ready()
    while (this.#full.length > 0) {
      this.#writing = this.#full.splice(0, BLOCKS_A_STATEMENT)
      try {
        await this.#insert(this.#writing)
        const written = this.#writing.reduce((sum, { block }) => sum + block.length, 0)
        this.#waiting -= written
        this.#kept += written
      } catch (cause) {
        this.#full.unshift(...this.#writing)
        throw cause
      } finally {
        this.#writing = []
      }
    }
  }

  async #insert(blocks: readonly Written[]): Promise<void> {
    const values: unknown[] = []
    const places = blocks.map(({ block, key }) => {
      const columns = block.columns()
      const { max, min } = extremes(columns.times)
      const first = values.length + 1
      values.push(block.token, key.tenant, key.gateway, key.sensor, Math.floor(min), Math.ceil(max), block.length)
      values.push(encodeBlock(columns))
      const numbers = Array.from({ length: 6 }, (_, at) => `$${first + 1 + at}`)
      const types = ['text', 'text', 'text', 'bigint', 'bigint', 'int']
      return `($${first}::uuid, ${numbers.map((number, at) => `${number}::${types[at]}`).join(', ')}, $${first + 7}::bytea)`
    })
    // One statement: a sensor is never stored without being listed, and an interrupted one leaves nothing.
    await this.#options.database.query(
      `WITH added AS (
         INSERT INTO ${SCHEMA}.history (token, tenant, gateway, sensor, first_time, last_time, readings, block)
         VALUES ${places.join(', ')} ON CONFLICT (token) DO NOTHING RETURNING tenant, gateway, sensor)
       INSERT INTO ${SCHEMA}.sensor SELECT DISTINCT tenant, gateway, sensor FROM added ON CONFLICT DO NOTHING`,
      values,
    )
  }

  /** Deletes what is too old or too much. */
  async prune(): Promise<void> {
    await this.ready()
    const { clock, database, limits } = this.#options
    await database.query(`DELETE FROM ${SCHEMA}.history WHERE last_time < $1`, [clock.now() - limits.maxAgeMs])
    await database.query(
      `DELETE FROM ${SCHEMA}.history WHERE id IN (
         SELECT id FROM (
           SELECT id, sum(readings) OVER (PARTITION BY tenant ORDER BY last_time DESC, id DESC) AS kept
           FROM ${SCHEMA}.history) AS all_blocks
         WHERE kept > $1)`,
      [limits.maxReadings],
    )
  }
}

/** Within what a Date, and so a stored time, can be. */
function wholeTime(time: number): number {
  return Math.max(-8.64e15, Math.min(8.64e15, time))
}

function keyText({ gateway, sensor, tenant }: SensorKey): string {
  return `${tenant}\0${gateway}\0${sensor}`
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function extremes(times: Float64Array): { min: number; max: number } {
  let [min, max] = [Infinity, -Infinity]
  for (const time of times) {
    if (time < min) min = time
    if (time > max) max = time
  }
  return { min, max }
}
