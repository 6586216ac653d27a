// The main thread's end of the query thread, which starts with the first query: a gateway that nobody asks has none. If it
// ends unexpectedly, its callers hear STORE_IO and the next query starts another.

import { Worker } from 'node:worker_threads'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { QueryCalls, Reply } from './protocol.ts'
import { ThreadCalls } from './thread-calls.ts'

export type QueryCall = Exclude<keyof QueryCalls, 'close'>

export class QueryThread {
  readonly #dataDir: string
  readonly #log: Log
  #calls: ThreadCalls<QueryCalls> | null = null
  #isClosed = false

  constructor(dataDir: string, log: Log) {
    this.#dataDir = dataDir
    this.#log = log
  }

  /** Rejects with the thread's error, with ABORTED, or with STORE_IO when the thread or the store has ended. */
  call<C extends QueryCall>(
    call: C,
    ask: QueryCalls[C]['ask'],
    signal?: AbortSignal,
  ): Promise<QueryCalls[C]['answer']> {
    if (this.#isClosed) return Promise.reject(new TelemetryError('STORE_IO', 'The store was closed'))
    this.#calls ??= this.#start()
    return this.#calls.call(call, ask, signal)
  }

  /** Ends the thread; queries that still run are rejected with ABORTED. */
  async close(): Promise<void> {
    this.#isClosed = true
    const calls = this.#calls
    if (!calls) return
    calls.expectEnd()
    await calls.call('close', {}).catch(() => null) // it may have ended by itself
    await calls.end()
  }

  #start(): ThreadCalls<QueryCalls> {
    const worker = new Worker(new URL('./query-worker.ts', import.meta.url), {
      workerData: { dataDir: this.#dataDir },
      name: 'queries',
    })
    const calls = new ThreadCalls<QueryCalls>({
      worker,
      name: 'query',
      onMessage: (message) => {
        const said = message as Reply
        if (said.type === 'log') this.#log[said.level](said.fields, said.message)
      },
      onDeath: (reason, isEnding) => {
        if (this.#calls === calls) this.#calls = null
        if (!isEnding) this.#log.error({ reason }, 'The query thread ended unexpectedly; the next query starts another')
      },
    })
    return calls
  }
}
