// A PostgreSQL server through a pool of connections: limits on time everywhere, and a breaker that spares a server that is away.

import { Pool, types, type PoolClient } from 'pg'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { Database, DatabaseOptions, Queryable, Row, TransactionOptions } from './database.ts'
import { databaseError, isOutage } from './database-errors.ts'
import { parseInt8, parseTime, TypeId, wireParameter } from './database-values.ts'
import { beginStatement } from './begin.ts'

const CONNECT_TIMEOUT_MS = 5000
const STATEMENT_TIMEOUT_MS = 30_000
const LOCK_TIMEOUT_MS = 10_000
const DEFAULT_IDLE_IN_TRANSACTION_MS = 60_000
/** The client gives up this much later than the server would: when the line is dead nobody else does. */
const CLIENT_GRACE_MS = 5000
const MAX_CONNECTIONS = 10
const MAX_PAUSE_MS = 5000
const OPENS_AFTER = 3

export class PgDatabase implements Database {
  readonly kind = 'postgresql'
  readonly #pool: Pool
  readonly #breaker: CircuitBreaker
  readonly #name: string
  #ended: Promise<void> | null = null

  constructor(url: string, options: DatabaseOptions) {
    const { clock, log, maxConnections = MAX_CONNECTIONS, statementTimeoutMs } = options
    this.#name = nameOf(url)
    const name = this.#name
    const statementTimeout = statementTimeoutMs ?? STATEMENT_TIMEOUT_MS
    this.#pool = new Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: statementTimeout,
      query_timeout: statementTimeout + CLIENT_GRACE_MS,
      lock_timeout: Math.min(LOCK_TIMEOUT_MS, statementTimeout),
      idle_in_transaction_session_timeout: options.idleInTransactionMs ?? DEFAULT_IDLE_IN_TRANSACTION_MS,
      application_name: 'telemetryx',
      keepAlive: true,
      types: { getTypeParser },
      // Times come back with their offset; in UTC they are quicker to read.
      options: '-c TimeZone=UTC',
    })
    this.#pool.on('error', (cause) => this.#breaker.failed(undefined, databaseError(cause, name))) // of an idle connection
    this.#breaker = new CircuitBreaker({
      name,
      clock,
      opensAfter: OPENS_AFTER,
      maxMs: MAX_PAUSE_MS,
      isFailure: (cause) => isTelemetryError(cause) && isOutage(cause),
      onChange: (kind, cause) => {
        const reason = cause instanceof Error ? cause.message : undefined
        if (kind === 'open') log.warn({ database: name, reason }, 'The database is away')
        else log.info({ database: name }, 'The database is back')
      },
    })
  }

  get isUp(): boolean {
    return this.#breaker.kind === 'closed'
  }

  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    return this.#onConnection((client) => this.#ask<R>(client, text, values))
  }

  transaction<T>(work: (queryable: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#onConnection(async (client) => {
      const queryable: Queryable = { query: (text, values) => this.#ask(client, text, values) }
      await this.#ask(client, beginStatement(options))
      let result: T
      try {
        result = await work(queryable)
      } catch (cause) {
        if (!breaksConnection(cause)) await this.#ask(client, 'ROLLBACK')
        throw cause
      }
      await this.#ask(client, 'COMMIT')
      return result
    })
  }

  close(): Promise<void> {
    this.#ended ??= this.#pool.end()
    return this.#ended
  }

  #onConnection<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#breaker.run(async () => {
      const client = await this.#connect()
      let isBroken = false
      const onError = (): void => void (isBroken = true)
      client.on('error', onError)
      try {
        return await work(client)
      } catch (cause) {
        isBroken ||= breaksConnection(cause)
        throw cause
      } finally {
        client.off('error', onError)
        client.release(isBroken)
      }
    })
  }

  async #connect(): Promise<PoolClient> {
    if (this.#ended) throw new TelemetryError('ABORTED', 'The database is closed')
    try {
      return await this.#pool.connect()
    } catch (cause) {
      const { totalCount, idleCount, options } = this.#pool
      const error = databaseError(cause, this.#name)
      // All connections are there and busy: the server is not away, we ask too much of it.
      if (error.context['sqlState'] === '' && totalCount >= options.max && idleCount === 0)
        throw new TelemetryError('UNAVAILABLE', `${this.#name} has too much to do`, { retryable: true, cause })
      throw error
    }
  }

  async #ask<R extends Row>(client: PoolClient, text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    try {
      const result = await (values === undefined
        ? client.query<R>(text)
        : client.query<R>(text, values.map(bufferOrText)))
      return (Array.isArray(result) ? result.at(-1) : result).rows as R[] // several statements: several results
    } catch (cause) {
      throw databaseError(cause, this.#name)
    }
  }
}

/** After an outage, or an answer that did not come in time, nobody knows what the connection says next: it is closed. */
function breaksConnection(cause: unknown): boolean {
  return isTelemetryError(cause) && (isOutage(cause) || cause.code === 'TIMEOUT')
}

/** pg sends a Buffer in binary form. */
function bufferOrText(value: unknown): string | Buffer | null {
  const parameter = wireParameter(value)
  if (!(parameter instanceof Uint8Array) || Buffer.isBuffer(parameter)) return parameter
  return Buffer.from(parameter.buffer, parameter.byteOffset, parameter.byteLength)
}

function getTypeParser(id: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (format !== 'binary') {
    if (id === TypeId.int8) return parseInt8
    if (id === TypeId.timestamptz) return parseTime
    if (id === TypeId.int8Array) return (text) => arrayOf(text, parseInt8)
    if (id === TypeId.timestamptzArray) return (text) => arrayOf(text, parseTime)
  }
  return types.getTypeParser(id, format as 'text') as (text: string) => unknown // pg's own table
}

/** A one-dimensional array of a type whose text needs no escapes. */
function arrayOf<T>(text: string, parse: (cell: string) => T): (T | null)[] {
  const inside = text.slice(1, -1)
  if (inside === '') return []
  return inside.split(',').map((cell) => (cell === 'NULL' ? null : parse(cell.replaceAll('"', ''))))
}

/** Host and database: what may stand in a log. */
function nameOf(url: string): string {
  try {
    const { host, pathname, searchParams } = new URL(url)
    return `${host || (searchParams.get('host') ?? 'local')}${pathname}`
  } catch {
    return 'The database'
  }
}
