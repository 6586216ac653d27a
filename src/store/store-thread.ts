// The main thread's end of the conversation with the store thread: its first word, calls with answers, messages, its end.

import type { Worker } from 'node:worker_threads'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { FromStore, StoreCall, StoreCalls, ToStore } from './protocol.ts'
import { errorOf, ThreadCalls } from './thread-calls.ts'

type Ready = Extract<FromStore, { type: 'ready' }>

export class StoreThread {
  readonly #calls: ThreadCalls<StoreCalls>
  readonly #log: Log
  readonly #listeners: ((message: FromStore) => void)[] = []
  /** Messages that came before somebody listened. */
  readonly #unheard: FromStore[] = []
  #started: { resolve(ready: Ready): void; reject(error: unknown): void } | undefined
  #onDeath: ((reason: string) => void) | undefined

  constructor(worker: Worker, log: Log) {
    this.#log = log
    this.#calls = new ThreadCalls<StoreCalls>({
      worker,
      name: 'store',
      onMessage: (message) => this.#receive(message as FromStore),
      onDeath: (reason, isEnding) => {
        this.#started?.reject(new TelemetryError('STORE_IO', `The store thread has ended: ${reason}`))
        if (!isEnding) this.#onDeath?.(reason)
      },
    })
  }

  /** The thread's first word. Rejects with what kept it from starting. */
  ready(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject }
    })
  }

  /** Asks and waits. Rejects with the thread's error, with ABORTED, or with STORE_IO when the thread has ended. */
  call<C extends StoreCall>(
    call: C,
    ask: StoreCalls[C]['ask'],
    signal?: AbortSignal,
  ): Promise<StoreCalls[C]['answer']> {
    return this.#calls.call(call, ask, signal)
  }

  send(message: ToStore): void {
    this.#calls.send(message)
  }

  onMessage(listener: (message: FromStore) => void): void {
    this.#listeners.push(listener)
    for (const message of this.#unheard.splice(0)) listener(message)
  }

  /** Called once if the thread ends without being asked to. */
  onDeath(listener: (reason: string) => void): void {
    this.#onDeath = listener
    const { death, isEnding } = this.#calls
    if (death !== undefined && !isEnding) listener(death)
  }

  /** From now on the thread's end is no surprise. */
  expectEnd(): void {
    this.#calls.expectEnd()
  }

  /** Resolves when the thread is gone. */
  end(): Promise<void> {
    return this.#calls.end()
  }

  #receive(message: FromStore): void {
    switch (message.type) {
      case 'ready':
        this.#started?.resolve(message)
        return
      case 'refused':
        this.expectEnd()
        this.#started?.reject(errorOf(message.error))
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
      case 'answer':
      case 'failure':
        return // taken by ThreadCalls
    }
  }
}
