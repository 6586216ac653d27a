// PGlite, PostgreSQL in WebAssembly, in a thread of its own because it blocks it. For trying out: it never calls fsync, so a power
// cut may cost what was acknowledged, or the whole database.

import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { TelemetryError } from '#domain/errors.ts'
import type { Database, DatabaseOptions, Queryable, Row, TransactionOptions } from './database.ts'
import { databaseError } from './database-errors.ts'
import { wireParameter } from './database-values.ts'
import { beginStatement } from './begin.ts'
import { lockDatabaseFolder } from './folder-lock.ts'
import type { PgliteAnswer, PgliteAsk } from './pglite-worker.ts'

interface Waiting {
  resolve(rows: readonly Row[]): void
  reject(error: TelemetryError): void
}

/** Throws STORE_LOCKED, STORE_IO. */
export async function openPgliteDatabase({ folder, log }: DatabaseOptions): Promise<Database> {
  const unlock = lockDatabaseFolder(folder)
  const database = new PgliteDatabase(join(folder, 'pglite'), unlock)
  try {
    await database.query('SELECT 1')
  } catch (cause) {
    await database.close()
    throw cause
  }
  log.warn(
    { folder },
    'The built-in database is for trying out: it never forces data to the disk. Set databaseUrl for PostgreSQL',
  )
  return database
}

class PgliteDatabase implements Database {
  readonly kind = 'pglite'
  readonly #worker: Worker
  readonly #unlock: () => void
  readonly #waiting = new Map<number, Waiting>()
  readonly #within = new AsyncLocalStorage<true>()
  readonly #exited: Promise<void>
  /** One connection: who comes next waits for it. */
  #turn: Promise<unknown> = Promise.resolve()
  #next = 1
  #death: string | null = null
  #closing: Promise<void> | null = null

  constructor(folder: string, unlock: () => void) {
    this.#unlock = unlock
    this.#worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: folder })
    this.#worker.on('message', (answer: PgliteAnswer) => this.#take(answer))
    this.#worker.on('error', (cause) => this.#die(cause instanceof Error ? cause.message : String(cause)))
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#die(`exit code ${code}`)
        this.#unlock()
        resolve()
      })
    })
  }

  get isUp(): boolean {
    return this.#death === null
  }

  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    return this.#inTurn(() => this.#ask<R>(text, values))
  }

  transaction<T>(work: (queryable: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#inTurn(async () => {
      await this.#ask(beginStatement(options))
      let result: T
      try {
        result = await this.#within.run(true, () => work({ query: (text, values) => this.#ask(text, values) }))
      } catch (cause) {
        await this.#ask('ROLLBACK')
        throw cause
      }
      await this.#ask('COMMIT')
      return result
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.then(() => {
      this.#worker.postMessage({ id: 0, text: null, values: null } satisfies PgliteAsk)
      return this.#exited
    })
    return this.#closing
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new TelemetryError('ABORTED', 'The database is closed'))
    if (this.#within.getStore())
      return Promise.reject(new TelemetryError('INTERNAL', 'The database was asked beside its own transaction'))
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  #ask<R extends Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    if (this.#death !== null) return Promise.reject(this.#ended())
    const id = this.#next++
    return new Promise<readonly Row[]>((resolve, reject) => {
      const ask: PgliteAsk = { id, text, values: values?.map(wireParameter) ?? null }
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage(ask)
    }) as Promise<readonly R[]> // as the statement has them
  }

  #take({ id, rows, error }: PgliteAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) waiting?.reject(databaseError(Object.assign(new Error(error.message), error), 'PGlite'))
    else waiting?.resolve(rows)
  }

  #die(reason: string): void {
    this.#death ??= reason
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended())
    this.#waiting.clear()
  }

  #ended(): TelemetryError {
    return new TelemetryError('STORE_IO', `The thread of the built-in database has ended: ${this.#death}`)
  }
}
