// The main thread's end of the conversation with the store thread: calls with answers, messages, and its unexpected end.

import type { Worker } from 'node:worker_threads'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ErrorColumns, FromStore, StoreCall, StoreCalls, ToStore } from './protocol.ts'

type Ready = Extract<FromStore, { type: 'ready' }>

interface Waiting {
  resolve(answer: unknown): void
  reject(error: TelemetryError): void
}

/** A thread that has closed its files and does not end within this time is stopped by force. */
const FORCE_AFTER_MS = 10_000

export class StoreThread {
  readonly #worker: Worker
  readonly #log: Log
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners: ((message: FromStore) => void)[] = []
  /** Messages that came before somebody listened. */
  readonly #unheard: FromStore[] = []
  #started: Waiting | undefined
  #onDeath: ((reason: string) => void) | undefined
  #next = 1
  #death: string | undefined
  #isEnding = false
  readonly #exited: Promise<void>

  constructor(worker: Worker, log: Log) {
    this.#worker = worker
    this.#log = log
    worker.on('message', (message: FromStore) => this.#receive(message))
    worker.on('error', (error) => this.#die(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#die(`exit code ${code}`)
        resolve()
      })
    })
  }

  /** The thread's first word. Rejects with what kept it from starting. */
  ready(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve: resolve as (ready: unknown) => void, reject }
    })
  }

  /** Asks and waits. Rejects with the thread's error, with ABORTED, or with STORE_IO when the thread has ended. */
  call<C extends StoreCall>(
    call: C,
    ask: StoreCalls[C]['ask'],
    signal?: AbortSignal,
  ): Promise<StoreCalls[C]['answer']> {
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
          resolve(answer as StoreCalls[C]['answer'])
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      this.send({ type: 'call', id, call, ask } as ToStore)
    })
  }

  send(message: ToStore): void {
    if (this.#death === undefined) this.#worker.postMessage(message)
  }

  onMessage(listener: (message: FromStore) => void): void {
    this.#listeners.push(listener)
    for (const message of this.#unheard.splice(0)) listener(message)
  }

  /** Called once if the thread ends without being asked to. */
  onDeath(listener: (reason: string) => void): void {
    this.#onDeath = listener
    if (this.#death !== undefined && !this.#isEnding) listener(this.#death)
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
    const force = setTimeout(() => void this.#worker.terminate(), FORCE_AFTER_MS)
    await this.#exited
    clearTimeout(force)
  }

  #receive(message: FromStore): void {
    switch (message.type) {
      case 'ready':
        this.#started?.resolve(message)
        return
      case 'refused':
        this.#isEnding = true
        this.#started?.reject(errorOf(message.error))
        return
      case 'answer':
        this.#take(message.id)?.resolve(message.answer)
        return
      case 'failure':
        this.#take(message.id)?.reject(errorOf(message.error))
        return
      case 'log':
        this.#log[message.level](message.fields, message.message)
        return
      case 'figures':
      case 'event':
      case 'dropped':
        if (this.#listeners.length === 0) this.#unheard.push(message)
        for (const listener of this.#listeners) listener(message)
        return
    }
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
    this.#started?.reject(error)
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
    if (!this.#isEnding) this.#onDeath?.(reason)
  }

  #ended(): TelemetryError {
    return new TelemetryError('STORE_IO', `The store thread has ended: ${this.#death}`)
  }
}

function errorOf({ code, message, retryable, context }: ErrorColumns): TelemetryError {
  return new TelemetryError(code, message, { retryable, context })
}
