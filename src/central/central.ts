// The composition root of central: makes every part, starts them in order and stops them without losing anything.
//
//   start: tracing → database → storage → Redis, NATS → stream → API
//   stop: API → stream → alerts → storage → Redis, NATS → database → tracing

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '#backing/database.ts'
import { openNats } from '#backing/nats.ts'
import { openRedis, type RedisPort } from '#backing/redis.ts'
import type { HealthReason } from '#domain/component.ts'
import { isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep } from '#kit/clock.ts'
import { collectedCounter, collectedGauge, Registry } from '#kit/metrics.ts'
import { exposeProcess } from '#kit/process-metrics.ts'
import { openTracing } from '#kit/tracing.ts'
import type { Backing, CentralOptions } from './options.ts'
import { composeParts, type Parts } from './parts.ts'
import { CentralStorage } from './storage/open-storage.ts'

/**
 * A machine that is gone leaves its transaction open, and whoever takes over waits for its locks. Below this, a process that is
 * only slow would lose its own.
 */
const MIN_IDLE_IN_TRANSACTION_MS = 5000

/** Beside those of queries: however many tenants ask slow ones, what gateways send does not wait for them. */
const CONNECTIONS_FOR_INGEST = 4

export interface StopOptions {
  /** Milliseconds for the whole stop: three quarters softly, then whatever still runs is aborted. */
  readonly deadlineMs: number
}

/** A running central. */
export interface Central {
  readonly url: string
  /** One-time link that makes the first administrator; null when there is one. */
  readonly setupUrl: string | null
  readonly ports: { readonly grpc: number | null; readonly line: number | null }
  readonly registry: Registry
  health(): readonly HealthReason[]
  /** Safe to call twice. */
  stop(options: StopOptions): Promise<void>
}

/** Resolves once it serves. Waits for a database that is away. Throws PORT_IN_USE, STORE_LOCKED, CONFIG_INVALID, ABORTED, … */
export async function startCentral(options: CentralOptions): Promise<Central> {
  const { clock, config, log } = options
  await mkdir(config.data, { recursive: true })
  const backing = await openBacking(options)
  let storage: CentralStorage | null = null
  try {
    storage = await openStorage(options, backing)
    await ensureTenants(options, storage)
    let health: () => readonly HealthReason[] = () => []
    const parts = await composeParts({ options, backing, storage, health: () => health() })
    const running = new RunningCentral({ options, backing, storage, parts })
    health = () => running.health()
    await running.start()
    return running
  } catch (error) {
    await storage?.close()
    await closeBacking(backing)
    throw error
  } finally {
    log.debug({ data: config.data, at: clock.now() }, 'The start of central is over')
  }
}

async function openBacking({ clock, config, log, version }: CentralOptions): Promise<Backing> {
  const tracing = await openTracing({ endpoint: config.traceEndpoint, service: 'telemetryx-central', version })
  const database = await openDatabase({
    url: config.databaseUrl,
    folder: join(config.data, 'database'),
    clock,
    log: log.child({ room: 'database' }),
    maxConnections: config.http.limits.queries + CONNECTIONS_FOR_INGEST,
    ...(config.nats && { idleInTransactionMs: Math.max(config.nats.takeOverMs, MIN_IDLE_IN_TRANSACTION_MS) }),
  })
  let redis: RedisPort | null = null
  try {
    if (config.redisUrl !== null)
      redis = await openRedis({ url: config.redisUrl, clock, log: log.child({ room: 'redis' }) })
    const nats = config.nats && (await openNats({ ...config.nats, clock, log: log.child({ room: 'nats' }) }))
    return { database, redis, nats, tracing, registry: new Registry() }
  } catch (error) {
    await redis?.close()
    await database.close()
    await tracing.close()
    throw error
  }
}

async function closeBacking({ database, nats, redis, tracing }: Backing): Promise<void> {
  await nats?.close()
  await redis?.close()
  await database.close()
  await tracing.close()
}

/** A database that is away at the start is waited for. */
async function openStorage(options: CentralOptions, { database, redis }: Backing): Promise<CentralStorage> {
  const { clock, config, log, random, signal } = options
  const backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random })
  for (;;) {
    try {
      const { retention } = config
      return await CentralStorage.open({ database, redis, clock, log: log.child({ room: 'storage' }), retention })
    } catch (cause) {
      const error = toTelemetryError(cause)
      if (!error.retryable) throw error
      if (signal.aborted) throw new TelemetryError('ABORTED', 'The start was stopped', { cause })
      log.warn({ reason: error.message }, 'The database is away; central waits for it')
      await sleep(clock, backoff.next(), signal)
    }
  }
}

async function ensureTenants({ config, log }: CentralOptions, { tenancy }: CentralStorage): Promise<void> {
  for (const tenant of config.tenants) {
    if (await tenancy.get(tenant.id)) continue
    try {
      await tenancy.create(tenant)
      log.info({ tenant: tenant.id }, 'A tenant of the configuration was made')
    } catch (cause) {
      // Another process that starts at the same moment.
      if (!isTelemetryError(cause, 'CONFLICT')) throw cause
    }
  }
}

interface RunningParts {
  readonly options: CentralOptions
  readonly backing: Backing
  readonly storage: CentralStorage
  readonly parts: Parts
}

class RunningCentral implements Central {
  readonly registry: Registry
  readonly #options: CentralOptions
  readonly #backing: Backing
  readonly #storage: CentralStorage
  readonly #parts: Parts
  #isServing = false
  #stopping: Promise<void> | null = null

  constructor({ backing, options, parts, storage }: RunningParts) {
    this.registry = backing.registry
    this.#options = options
    this.#backing = backing
    this.#storage = storage
    this.#parts = parts
    this.#addMetrics()
  }

  get url(): string {
    return this.#parts.api.url
  }

  get setupUrl(): string | null {
    return this.#parts.api.setupUrl
  }

  get ports() {
    return this.#parts.doors.ports
  }

  health(): readonly HealthReason[] {
    const { database, nats, redis } = this.#backing
    const reasons: HealthReason[] = []
    const add = (code: string, message: string, blocking: boolean): void =>
      void reasons.push({ code, message, blocking })
    if (!this.#isServing) add('not-serving', 'Central starts or stops', true)
    // Behind a stream batches are still taken; questions are not answered.
    if (!database.isUp) add('database-away', 'The database is away', nats === null || !nats.isUp)
    if (nats !== null && !nats.isUp) add('nats-away', 'NATS is away: batches are not taken', true)
    if (redis !== null && !redis.isUp)
      add('redis-away', 'Redis is away: limits and sessions are those of this process alone', false)
    return [...reasons, ...(this.#parts.brain?.health() ?? [])]
  }

  async start(): Promise<void> {
    const never = new AbortController().signal
    try {
      this.#parts.stream?.start()
      await this.#parts.doors.start()
      await this.#parts.api.start(never)
      this.#parts.brain?.start()
      this.#isServing = true
    } catch (error) {
      await this.#parts.api.stop(AbortSignal.abort())
      await this.#parts.doors.stop(AbortSignal.abort())
      await this.#parts.stream?.stop()
      await this.#parts.alerts.stop()
      this.#parts.brain?.stop()
      throw error
    }
  }

  stop({ deadlineMs }: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs)
    return this.#stopping
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { clock, log } = this.#options
    const abort = new AbortController()
    const timer = clock.after(deadlineMs * 0.75, () => {
      abort.abort(new TelemetryError('TIMEOUT', `The stop took longer than ${deadlineMs * 0.75} ms`))
    })
    const step = async (part: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        log.error({ part, err: error }, 'A part did not stop cleanly')
      }
    }
    this.#isServing = false
    const { alerts, api, brain, doors, feed, stream } = this.#parts
    await Promise.all([step('api', () => api.stop(abort.signal)), step('doors', () => doors.stop(abort.signal))])
    await step('stream', async () => stream?.stop())
    await step('alerts', () => alerts.stop())
    feed.close()
    brain?.stop()
    await step('storage', () => this.#storage.close())
    await step('backing', () => closeBacking(this.#backing))
    timer.cancel()
    log.info({}, 'Central has stopped')
  }

  #addMetrics(): void {
    const { registry } = this
    const { database, nats, redis } = this.#backing
    exposeProcess(registry, this.#options.clock)
    const gauge = (name: string, help: string, read: () => number): void =>
      collectedGauge({ registry, name: `telemetryx_central_${name}`, help, collect: () => [{ value: read() }] })
    gauge('database_up', '1 while the database answers', () => Number(database.isUp))
    if (redis !== null) gauge('redis_up', '1 while Redis answers', () => Number(redis.isUp))
    if (nats !== null) gauge('nats_up', '1 while NATS answers', () => Number(nats.isUp))
    const { latest } = this.#storage
    if (latest !== null)
      collectedCounter({
        registry,
        name: 'telemetryx_central_latest_total',
        help: 'Questions for latest values, by who answered them',
        labelNames: ['from'],
        collect: () => Object.entries(latest.figures).map(([from, value]) => ({ labels: { from }, value })),
      })
    gauge('alerts_lost', 'Alerts of the brain that only the journal has', () => this.#parts.alerts.lost)
  }
}
