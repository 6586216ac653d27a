// Takes batches into the database: each tenant has a queue with a bound of its own, tenants take turns, and what waits of one
// tenant goes into one transaction. A gateway's batches stay in their order; another tenant's flood only fills that tenant's queue.

import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type {
  AdoptedSensor,
  BatchEnvelope,
  IngestFeed,
  IngestPort,
  ProgramBatch,
  Taken,
  TakenBatch,
} from '../ingest-ports.ts'
import { greet } from '../model/greet.ts'
import type { TenantNumber } from '../ports.ts'
import type { SharedLatest } from '../storage/shared-latest.ts'
import { partitionOf } from '../stream/subjects.ts'
import { Turns } from '../stream/turns.ts'
import { GroupQueue } from './group-queue.ts'
import { pendingBatch, type Outcome, type PendingBatch, type SensorsOfBatch } from './pending-batch.ts'
import { takeGroup, type GroupTools } from './take-group.ts'
import { takeProgram } from './take-program.ts'

const MAX_ID_LENGTH = 64
/** Transactions of one tenant's programs at once; those of one program follow each other. */
const PROGRAM_TURNS = 2
/** Of one of these turns: as many line connections as there may be. */
const MAX_PROGRAMS_WAITING = 1000
/** About, in memory; texts come on top. */
const PROGRAM_RECORD_BYTES = 128
const RETRY_AFTER_MS = 2000

export interface IngestLimits {
  /** Bytes of a tenant that may wait. */
  readonly waitingBytes: number
  /** Transactions at once, over all tenants; and of one tenant. */
  readonly transactions: number
  readonly transactionsPerTenant: number
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  waitingBytes: 16 * 1024 * 1024,
  transactions: 4,
  transactionsPerTenant: 2,
}

export interface IngestFigures {
  readonly accepted: number
  readonly repeated: number
  readonly refused: number
  readonly transactions: number
  /** Batches that wait now. */
  readonly waiting: number
}

type Settled = Pick<Outcome, 'refused' | 'repeated'> & { readonly taken: TakenBatch }

export interface IngestOptions extends GroupTools {
  readonly log: Log
  readonly limits?: IngestLimits
  /** null: latest values are in the database only. */
  readonly latest?: SharedLatest | null
}

export class Ingest implements IngestPort, IngestFeed {
  readonly #tools: IngestOptions
  readonly #log: Log
  readonly #latest: SharedLatest | null
  readonly #queue: GroupQueue<PendingBatch>
  /** By tenant. Who waits for a turn holds no connection to the database: programs that send much cannot use them all up. */
  readonly #programs = new Map<TenantNumber, Turns>()
  readonly #listeners = new Set<(taken: TakenBatch) => void>()
  #accepted = 0
  #repeated = 0
  #refused = 0
  #transactions = 0

  constructor(tools: IngestOptions) {
    this.#tools = tools
    this.#log = tools.log
    this.#latest = tools.latest ?? null
    this.#queue = new GroupQueue({
      ...(tools.limits ?? DEFAULT_INGEST_LIMITS),
      run: (tenant, group) => this.#run(tenant, group),
      keyOf: ({ envelope }) => envelope.gateway,
      bytesOf: ({ envelope }) => envelope.batch.length,
    })
  }

  get figures(): IngestFigures {
    return {
      accepted: this.#accepted,
      repeated: this.#repeated,
      refused: this.#refused,
      transactions: this.#transactions,
      waiting: this.#queue.waiting,
    }
  }

  async take(tenant: TenantNumber, envelope: BatchEnvelope): Promise<Taken> {
    checkName(envelope.gateway)
    const pending = pendingBatch(tenant, envelope, this.#tools.now())
    return new Promise((resolve, reject) => {
      if (!this.#queue.put(tenant, { ...pending, resolve, reject }))
        reject(
          new TelemetryError('RATE_LIMITED', 'Too much of this tenant is waiting', {
            retryable: true,
            context: { retryAfterMs: RETRY_AFTER_MS },
          }),
        )
    })
  }

  async hello(tenant: TenantNumber, hello: Hello): Promise<void> {
    checkName(hello.gateway)
    await greet(this.#tools, tenant, hello)
  }

  async takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken> {
    checkName(batch.source)
    const turn = String(partitionOf(tenant, batch.source, PROGRAM_TURNS))
    return this.#turnsOf(tenant).take(turn, bytesOf(batch), () => this.#takeProgram(tenant, batch))
  }

  #turnsOf(tenant: TenantNumber): Turns {
    const known = this.#programs.get(tenant)
    if (known) return known
    const { waitingBytes } = this.#tools.limits ?? DEFAULT_INGEST_LIMITS
    const turns = new Turns({ maxBytes: waitingBytes, maxWaiting: MAX_PROGRAMS_WAITING })
    this.#programs.set(tenant, turns)
    return turns
  }

  async #takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken> {
    const since = this.#latest?.now() ?? 0
    const { repeated, ...outcome } = await takeProgram(this.#tools, tenant, batch)
    const taken = takenBatch({ ...outcome, tenant, gateway: batch.source })
    await this.#latest?.put([taken], since)
    return this.#settle({ taken, repeated, refused: [] })
  }

  subscribe(listener: (taken: TakenBatch) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes nothing new; resolves when what waits is settled. */
  async drain(): Promise<void> {
    await Promise.all([this.#queue.drain(), ...[...this.#programs.values()].map((turns) => turns.settled())])
  }

  async #run(tenant: TenantNumber, group: readonly PendingBatch[]): Promise<void> {
    try {
      const since = this.#latest?.now() ?? 0
      const outcomes = await takeGroup(this.#tools, tenant, group)
      this.#transactions += 1
      const taken = outcomes.map((outcome) => (outcome instanceof TelemetryError ? null : takenOf(tenant, outcome)))
      // Before the answer: who was told that it is taken finds it in every process.
      await this.#latest?.put(
        taken.filter((each) => each !== null),
        since,
      )
      outcomes.forEach((outcome, index) => {
        if (outcome instanceof TelemetryError) group[index]!.reject(outcome)
        else outcome.pending.resolve(this.#settle({ ...outcome, taken: taken[index]! }))
      })
    } catch (cause) {
      await this.#fail(tenant, group, toTelemetryError(cause))
    }
  }

  /** When the database is there and does not take a group, one batch is the reason: each by itself, so that the others pass. */
  async #fail(tenant: TenantNumber, group: readonly PendingBatch[], error: TelemetryError): Promise<void> {
    if (group.length > 1 && !error.retryable) {
      for (const pending of group) await this.#run(tenant, [pending])
      return
    }
    const { code, message, retryable } = error
    this.#log.warn({ tenant, gateway: group[0]?.envelope.gateway, code, reason: message }, 'Batches were not taken')
    const told = retryable || code === 'PERMISSION_DENIED' ? error : refusedByDatabase(error)
    for (const pending of group) pending.reject(told)
  }

  #settle({ refused, repeated, taken }: Settled): Taken {
    const { rows } = taken
    this.#accepted += rows.length
    this.#repeated += repeated
    this.#refused += refused.length
    if (rows.length > 0) this.#tell(taken)
    return { accepted: rows.length, repeated, refused }
  }

  /** A listener that fails must not make of durable records ones that are not. */
  #tell(taken: TakenBatch): void {
    for (const listener of this.#listeners) {
      try {
        listener(taken)
      } catch (cause) {
        this.#log.error(
          { gateway: taken.gateway, reason: toTelemetryError(cause).message },
          'A listener of ingest failed',
        )
      }
    }
  }
}

function takenOf(tenant: TenantNumber, { pending, rows, sensors }: Outcome): TakenBatch {
  return takenBatch({ tenant, gateway: pending.envelope.gateway, batch: pending.batch, rows, sensors })
}

function takenBatch({
  sensors,
  ...taken
}: Omit<TakenBatch, 'sensorOf'> & { readonly sensors: SensorsOfBatch }): TakenBatch {
  const sensorOf = (number: number): AdoptedSensor | undefined => {
    const sensor = sensors.get(number)
    return typeof sensor === 'object' ? sensor : undefined
  }
  return { ...taken, sensorOf }
}

/** SQLSTATE classes that say what is wrong with the values: sent again they would fail again. */
const OF_VALUES = /^(22|54)/

/** The sender has to find out which record it is; anything else is our fault, and the records wait at the gateway. */
function refusedByDatabase(cause: TelemetryError): TelemetryError {
  const { code, context, message } = cause
  if (code === 'PROTOCOL') return cause
  const { sqlState } = context
  if (typeof sqlState === 'string' && OF_VALUES.test(sqlState))
    return new TelemetryError('PROTOCOL', `The database does not take it: ${message}`, { cause })
  return new TelemetryError('UNAVAILABLE', `It cannot be kept now: ${message}`, {
    retryable: true,
    context: { retryAfterMs: RETRY_AFTER_MS },
    cause,
  })
}

function bytesOf({ events, readings }: ProgramBatch): number {
  const texts = readings.reduce((sum, { value }) => sum + (typeof value === 'string' ? value.length : 0), 0)
  return texts + (readings.length + events.length) * PROGRAM_RECORD_BYTES
}

function checkName(id: string): void {
  if (!isId(id) || id.length > MAX_ID_LENGTH) throw new TelemetryError('PROTOCOL', 'The gateway id is not valid')
}
