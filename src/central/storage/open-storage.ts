// Everything that keeps central's data, on one database: opened, brought up to date, and looked after.

import type { Database } from '#backing/database.ts'
import { migrate } from '#backing/migrate.ts'
import type { RedisPort } from '#backing/redis.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { Ingest, type IngestLimits } from '../ingest/ingest.ts'
import { Adoption } from '../model/adoption.ts'
import { modelPort } from '../model/model-port.ts'
import { tellingModel } from '../model/telling-model.ts'
import { DEFAULT_MODEL_LIMITS, type ModelLimits } from '../model/told.ts'
import type { PlansPort } from '../plan-record.ts'
import type { AlarmsPort, GatewaysPort, ModelPort, ReadingsPort, Tenancy, TenantNumber } from '../ports.ts'
import { alarmsPort } from './alarms-port.ts'
import { gatewaysPort } from './gateways-port.ts'
import { plansPort } from './plan-questions.ts'
import { readingsPort } from './readings-port.ts'
import { Rollups } from './rollups.ts'
import { MIGRATIONS, SCHEMA } from './schema.ts'
import { SharedLatest } from './shared-latest.ts'
import { sweep } from './sweep.ts'
import { tenancyPort } from './tenancy.ts'
import { TenantDatabase } from './tenant-database.ts'
import { openTimescale } from './timescale.ts'
import { TimeTables, type Retention } from './time-tables.ts'

const PARTITIONS_EVERY_MS = 600_000
const SWEEP_EVERY_MS = 3_600_000
const ROLLUPS_EVERY_MS = 10_000

export interface StorageOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly retention: Retention
  readonly modelLimits?: ModelLimits
  readonly ingestLimits?: IngestLimits
  /** null: latest values are asked of the database. */
  readonly redis?: RedisPort | null
}

export class CentralStorage {
  readonly tenancy: Tenancy
  readonly model: ModelPort
  readonly readings: ReadingsPort
  readonly alarms: AlarmsPort
  readonly gateways: GatewaysPort
  readonly plans: PlansPort
  readonly database: TenantDatabase
  readonly times: TimeTables
  readonly rollups: Rollups
  readonly adoption: Adoption
  readonly ingest: Ingest
  /** null: there is no Redis. */
  readonly latest: SharedLatest | null
  readonly #options: StorageOptions
  #timers: Timer[] = []
  #rounds: Promise<void> = Promise.resolve()
  #isClosed = false

  private constructor(options: StorageOptions, database: TenantDatabase, times: TimeTables) {
    this.#options = options
    this.database = database
    const now = (): number => options.clock.now()
    this.tenancy = tenancyPort(database, now)
    this.latest = options.redis ? new SharedLatest(options.redis, options.clock) : null
    const onModel = (tenant: TenantNumber): void => this.latest?.forget(tenant)
    this.model = tellingModel(modelPort(database), onModel)
    this.readings = readingsPort(database, this.latest)
    this.alarms = alarmsPort(database)
    this.gateways = gatewaysPort(database, now)
    this.plans = plansPort(database, now)
    this.times = times
    this.rollups = new Rollups(database)
    this.adoption = new Adoption(database, options.modelLimits ?? DEFAULT_MODEL_LIMITS, onModel)
    const { ingestLimits, log } = options
    this.ingest = new Ingest({
      database,
      times,
      adoption: this.adoption,
      now,
      log,
      latest: this.latest,
      ...(ingestLimits === undefined ? {} : { limits: ingestLimits }),
    })
  }

  /** Migrates, and makes the partitions that are needed now. Throws what the database throws while it is away: try again. */
  static async open(options: StorageOptions): Promise<CentralStorage> {
    const { clock, database, log, retention } = options
    await openTimescale(database, log)
    await migrate(database, SCHEMA, MIGRATIONS)
    const tenants = await TenantDatabase.open(database)
    const times = await TimeTables.open({ database, log, retention })
    await times.maintain(clock.now())
    const storage = new CentralStorage(options, tenants, times)
    storage.#every(PARTITIONS_EVERY_MS, 'partitions', () => times.maintain(clock.now()))
    storage.#every(SWEEP_EVERY_MS, 'sweep', () => sweep(tenants, clock.now() - retention.hourMs))
    storage.#every(ROLLUPS_EVERY_MS, 'rollups', () => storage.rollups.run(clock.now()))
    return storage
  }

  /** Settles what waits. The database stays open: it is its opener's. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
    await this.ingest.drain()
    await this.#rounds
  }

  #every(periodMs: number, what: string, work: () => Promise<void>): void {
    const { clock, log } = this.#options
    const round = (): void => {
      this.#rounds = this.#rounds.then(work).catch((cause: unknown) => {
        log.warn(
          { what, reason: toTelemetryError(cause).message },
          'Looking after the database failed; it is tried again',
        )
      })
      void this.#rounds.then(plan)
    }
    let timer: Timer | null = null
    const plan = (): void => {
      if (this.#isClosed) return
      this.#timers = this.#timers.filter((each) => each !== timer)
      timer = clock.after(periodMs, round)
      this.#timers.push(timer)
    }
    plan()
  }
}
