// The composition root of the brain: makes every part, starts them in order and stops them without losing anything.
//
//   start: database → ledger → rules and their state → services → outbox → HTTP → gRPC
//   stop: gRPC (streams acknowledged) → outbox → services → state → ledger → HTTP → database

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase, type Database } from '#backing/database.ts'
import { migrate } from '#backing/migrate.ts'
import { openRedis, type RedisPort } from '#backing/redis.ts'
import type { BrainConfig } from '#config/brain-config.ts'
import type { HealthReason } from '#domain/component.ts'
import { isTelemetryError, TelemetryError, toTelemetryError, type ErrorCode } from '#domain/errors.ts'
import type { Tracing } from '#domain/tracing.ts'
import { sleep } from '#kit/clock.ts'
import { Backoff } from '#kit/backoff.ts'
import { collectedGauge, Gauge, Registry } from '#kit/metrics.ts'
import { exposeProcess } from '#kit/process-metrics.ts'
import { openTracing } from '#kit/tracing.ts'
import type { ServerTls } from '#rpc/server.ts'
import { BrainHttp } from './http.ts'
import type { BrainOptions } from './options.ts'
import { composeParts, type Parts } from './parts.ts'
import { MIGRATIONS, SCHEMA } from './state/schema.ts'

/** What a database that is not there is told by. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'TIMEOUT',
  'UNAVAILABLE',
])

export interface StopOptions {
  /** Milliseconds for the whole stop: three quarters softly, then whatever still runs is aborted. */
  readonly deadlineMs: number
}

/** A running brain. */
export interface Brain {
  readonly ports: { readonly grpc: number; readonly http: number }
  readonly registry: Registry
  health(): readonly HealthReason[]
  /** Safe to call twice. */
  stop(options: StopOptions): Promise<void>
}

/** Resolves once it serves. Waits for a database that is away. Throws PORT_IN_USE, STORE_LOCKED, CONFIG_UNREADABLE, ABORTED, … */
export async function startBrain(options: BrainOptions): Promise<Brain> {
  const { clock, config, log } = options
  await mkdir(config.data, { recursive: true })
  const tls = await readTls(config)
  const registry = new Registry()
  const tracing = await openTracing({
    endpoint: config.traceEndpoint,
    service: 'telemetryx-brain',
    version: options.version,
  })
  const database = await openDatabase({
    url: config.databaseUrl,
    folder: join(config.data, 'database'),
    clock,
    log: log.child({ room: 'database' }),
  })
  let redis: RedisPort | null = null
  try {
    await migrated(database, options)
    redis =
      config.redisUrl === null
        ? null
        : await openRedis({ url: config.redisUrl, clock, log: log.child({ room: 'redis' }) })
    const parts = await composeParts({ ...options, registry, database, redis, tracing, tls })
    const running = new RunningBrain({ options, parts, database, redis, registry, tracing })
    await running.start()
    return running
  } catch (error) {
    await redis?.close()
    await database.close()
    await tracing.close()
    throw error
  }
}

interface RunningParts {
  readonly options: BrainOptions
  readonly parts: Parts
  readonly database: Database
  readonly redis: RedisPort | null
  readonly registry: Registry
  readonly tracing: Tracing
}

class RunningBrain implements Brain {
  readonly registry: Registry
  readonly #running: RunningParts
  readonly #http: BrainHttp
  #ports = { grpc: 0, http: 0 }
  #isServing = false
  #stopping: Promise<void> | null = null

  constructor(running: RunningParts) {
    this.#running = running
    this.registry = running.registry
    this.#http = new BrainHttp({ registry: this.registry, health: () => this.health() })
    this.#addMetrics()
  }

  get ports() {
    return this.#ports
  }

  health(): readonly HealthReason[] {
    const { database, parts, redis } = this.#running
    const reasons: HealthReason[] = []
    const add = (code: string, message: string, blocking: boolean): void =>
      void reasons.push({ code, message, blocking })
    if (!this.#isServing) add('not-serving', 'The brain starts or stops', true)
    if (!database.isUp) add('database-away', 'The database is away: rules go on, none can be changed', false)
    if (parts.ledger.spooled > 0) add('spooling', `${parts.ledger.spooled} commits wait for the database`, false)
    if (redis !== null && !redis.isUp) add('redis-away', 'Redis is away: windows are in memory alone', false)
    return reasons
  }

  async start(): Promise<void> {
    const { options, parts } = this.#running
    const { config, log } = options
    const never = new AbortController().signal
    try {
      for (const service of parts.services) await service.start(never)
      await parts.stateKeeper.restore()
      parts.stateKeeper.start()
      parts.outbox.take(await parts.ledger.waitingActions(config.limits.maxPendingActions))
      const http = await this.#http.listen(config.http.host, config.http.port)
      const grpc = await parts.server.listen(config.listen.host, config.listen.port)
      this.#ports = { grpc, http }
      this.#isServing = true
      parts.health.set(true)
      log.info({ host: config.listen.host, ...this.#ports }, 'The brain is running')
    } catch (error) {
      const aborted = AbortSignal.abort()
      await parts.server.stop(aborted)
      for (const service of parts.services) await service.stop(aborted)
      await parts.stateKeeper.stop()
      await parts.ledger.close()
      await this.#http.stop()
      throw error
    }
  }

  stop({ deadlineMs }: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs)
    return this.#stopping
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { database, options, parts, redis, tracing } = this.#running
    const { clock, log } = options
    const abort = new AbortController()
    const timer = clock.after(deadlineMs * 0.75, () => {
      abort.abort(new TelemetryError('TIMEOUT', `The stop took longer than ${deadlineMs * 0.75} ms`))
    })
    const step = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        log.error({ part: name, err: error }, 'A part did not stop cleanly')
      }
    }
    this.#isServing = false
    parts.health.set(false)
    parts.lines.end()
    parts.endless.end()
    for (const service of parts.services) service.leave?.()
    await step('grpc', () => parts.server.stop(abort.signal))
    await step('outbox', () => parts.outbox.stop(abort.signal))
    for (const service of parts.services.toReversed()) await step(service.name, () => service.stop(abort.signal))
    await step('state', () => parts.stateKeeper.stop())
    await step('ledger', () => parts.ledger.close())
    await step('senders', () => parts.closeSenders())
    await step('http', () => this.#http.stop())
    await step('redis', async () => redis?.close())
    await step('database', () => database.close())
    await step('tracing', () => tracing.close())
    timer.cancel()
    log.info({}, 'The brain has stopped')
  }

  #addMetrics(): void {
    const { options, parts } = this.#running
    const { registry } = this
    exposeProcess(registry, options.clock)
    new Gauge({
      name: 'telemetryx_build_info',
      help: 'Version of TelemetryX and of Node.js; always 1',
      labelNames: ['version', 'node', 'role'],
      registers: [registry],
    }).set({ version: options.version, node: process.versions.node, role: 'brain' }, 1)
    const gauge = (name: string, help: string, read: () => number): void =>
      collectedGauge({ registry, name: `telemetryx_brain_${name}`, help, collect: () => [{ value: read() }] })
    gauge('gateways_connected', 'Gateways with a stream', () => parts.lines.size)
    gauge('spooled_commits', 'Commits that wait for the database', () => parts.ledger.spooled)
    gauge('database_up', '1 while the database answers', () => Number(this.#running.database.isUp))
    const { redis } = this.#running
    if (redis !== null) gauge('redis_up', '1 while Redis answers', () => Number(redis.isUp))
  }
}

/** A database that is away at the start is waited for: without the rules there is nothing to do. */
async function migrated(database: Database, { clock, log, random, signal }: BrainOptions): Promise<void> {
  const backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random })
  for (;;) {
    try {
      return await migrate(database, SCHEMA, MIGRATIONS)
    } catch (cause) {
      const isAway = isTelemetryError(cause) && AWAY.has(cause.code)
      if (!isAway) throw cause
      log.warn({ reason: toTelemetryError(cause).message }, 'The database is away: waiting for it')
      await sleep(clock, backoff.next(), signal)
    }
  }
}

async function readTls({ tls }: BrainConfig): Promise<ServerTls | null> {
  if (tls === null) return null
  const pem = async (file: string): Promise<Buffer> => {
    try {
      return await readFile(file)
    } catch (cause) {
      throw new TelemetryError('CONFIG_UNREADABLE', `The certificate file ${file} cannot be read`, { cause })
    }
  }
  const { cert, clientCa, key } = tls
  return { cert: await pem(cert), key: await pem(key), clientCa: clientCa === null ? null : await pem(clientCa) }
}
