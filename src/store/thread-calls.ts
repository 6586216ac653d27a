// The main thread's end of the conversation with a worker thread of this room: calls with answers, and its unexpected end.

import type { Worker } from 'node:worker_threads'
import { TelemetryError } from '#domain/errors.ts'
import type { CallTable, ErrorColumns, Reply, Request } from './protocol.ts'

interface Waiting {
  resolve(answer: unknown): void
  reject(error: TelemetryError): void
}

export interface ThreadCallsOptions {
  readonly worker: Worker
  /** In messages, for example `store`. */
  readonly name: string
  /** Takes what is no answer. */
  onMessage(message: unknown): void
  /** Called once, however the thread ends; `isEnding`: it was asked to. */
  onDeath(reason: string, isEnding: boolean): void
}

/** A thread that has closed its files and does not end within this time is stopped by force. */
const FORCE_AFTER_MS = 10_000

export class ThreadCalls<Calls extends CallTable<Calls>> {
  readonly #options: ThreadCallsOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #next = 1
  #death: string | undefined
  #isEnding = false

  constructor(options: ThreadCallsOptions) {
    this.#options = options
    const { worker } = options
    worker.on('message', (message: Reply) => this.#receive(message))
    worker.on('error', (error) => this.#die(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#die(`exit code ${code}`)
        resolve()
      })
    })
  }

  /** Asks and waits. Rejects with the thread's error, with ABORTED, or with STORE_IO when the thread has ended. */
  call<C extends keyof Calls>(call: C, ask: Calls[C]['ask'], signal?: AbortSignal): Promise<Calls[C]['answer']> {
    if (this.#death !== undefined) return Promise.reject(this.#ended())
    if (signal?.aborted)
      return Promise.reject(new TelemetryError('ABORTED', 'The query was stopped', { cause: signal.reason }))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      // Rejects at this moment: the thread may be held up by a disk that stalls.
      const onAbort = (): void => {
        this.send({ type: 'abort', id })
        this.#waiting.delete(id)
        reject(new TelemetryError('ABORTED', 'The caller gave up', { cause: signal?.reason }))
      }
      const done = (): void => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, {
        resolve: (answer) => {
          done()
          resolve(answer as Calls[C]['answer'])
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      this.send({ type: 'call', id, call, ask } as Request<Calls>)
    })
  }

  send(message: object): void {
    if (this.#death === undefined) this.#options.worker.postMessage(message)
  }

  /** Why the thread ended; undefined while it runs. */
  get death(): string | undefined {
    return this.#death
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  /** From now on the thread's end is no surprise: its exit may be heard before its last answer was taken. */
  expectEnd(): void {
    this.#isEnding = true
  }

  /**
   * Resolves when the thread is gone, which it goes by itself once it has answered `close`. It is stopped by force only
   * when it hangs: that would cut into SQLite at an arbitrary instant.
   */
  async end(): Promise<void> {
    this.expectEnd()
    const force = setTimeout(() => void this.#options.worker.terminate(), FORCE_AFTER_MS)
    await this.#exited
    clearTimeout(force)
  }

  #receive(message: Reply): void {
    if (message.type === 'answer') this.#take(message.id)?.resolve(message.answer)
    else if (message.type === 'failure') this.#take(message.id)?.reject(errorOf(message.error))
    else this.#options.onMessage(message)
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #die(reason: string): void {
    if (this.#death !== undefined) return
    this.#death = reason
    const error = this.#ended()
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
    this.#options.onDeath(reason, this.#isEnding)
  }

  #ended(): TelemetryError {
    return new TelemetryError('STORE_IO', `The ${this.#options.name} thread has ended: ${this.#death}`)
  }
}

export function errorOf({ code, message, retryable, context }: ErrorColumns): TelemetryError {
  return new TelemetryError(code, message, { retryable, context })
}
