// Worker threads for long work: each does one job at a time, others wait in a queue with a bound. A caller who gives up ends his
// job at once: its thread is stopped, and another takes its place.

import { Worker } from 'node:worker_threads'
import { TelemetryError, type ErrorCode } from '#domain/errors.ts'

export interface PoolOptions {
  /** The threads' entry, which calls `serveJobs`. */
  readonly entry: URL
  readonly threads: number
  /** Jobs that may wait. */
  readonly maxWaiting: number
}

/** Jobs by name, with what is asked and answered. */
type AnyJobs<Table> = { readonly [J in keyof Table]: { readonly ask: unknown; readonly answer: unknown } }

export type JobReply =
  | { readonly answer: unknown }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } }

interface Job {
  readonly name: PropertyKey
  readonly ask: unknown
  resolve(answer: unknown): void
  reject(error: TelemetryError): void
}

interface Thread {
  readonly worker: Worker
  job: Job | null
}

export class WorkerPool<Table extends AnyJobs<Table>> {
  readonly #options: PoolOptions
  readonly #idle: Thread[] = []
  readonly #threads = new Set<Thread>()
  readonly #queue: Job[] = []
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Jobs that wait or are under way. */
  get load(): number {
    return this.#queue.length + this.#threads.size - this.#idle.length
  }

  /** Rejects with the job's error, ABORTED, or BUFFER_FULL when too many wait. */
  run<J extends keyof Table>(name: J, ask: Table[J]['ask'], signal?: AbortSignal): Promise<Table[J]['answer']> {
    if (this.#isClosed) return Promise.reject(new TelemetryError('ABORTED', 'Analytics have stopped'))
    if (signal?.aborted) return Promise.reject(gaveUp(signal))
    if (this.#queue.length >= this.#options.maxWaiting)
      return Promise.reject(
        new TelemetryError('BUFFER_FULL', 'Too many analyses wait; try again later', { retryable: true }),
      )
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#drop(job, gaveUp(signal))
      const done = (): void => signal?.removeEventListener('abort', onAbort)
      const job: Job = {
        name,
        ask,
        resolve: (answer) => {
          done()
          resolve(answer as Table[J]['answer'])
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(job)
      this.#next()
    })
  }

  /** Ends all threads; jobs are rejected with ABORTED. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    const stopped = new TelemetryError('ABORTED', 'Analytics have stopped')
    for (const job of this.#queue.splice(0)) job.reject(stopped)
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, stopped)))
  }

  #next(): void {
    while (this.#queue.length > 0 && !this.#isClosed) {
      const thread = this.#idle.pop() ?? (this.#threads.size < this.#options.threads ? this.#start() : null)
      if (thread === null) return
      const job = this.#queue.shift()!
      thread.job = job
      thread.worker.ref()
      thread.worker.postMessage({ name: job.name, ask: job.ask })
    }
  }

  #start(): Thread {
    const thread: Thread = { worker: new Worker(this.#options.entry, { name: 'analytics' }), job: null }
    this.#threads.add(thread)
    thread.worker.on('message', (reply: JobReply) => this.#finish(thread, reply))
    const fail = (reason: string): void => {
      void this.#end(thread, new TelemetryError('INTERNAL', `The analytics thread ended: ${reason}`))
      this.#next()
    }
    thread.worker.on('error', (cause) => fail(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)))
    thread.worker.on('exit', (code) => fail(`exit code ${code}`))
    return thread
  }

  #finish(thread: Thread, reply: JobReply): void {
    const job = thread.job
    thread.job = null
    thread.worker.unref() // an idle thread keeps no process alive
    if (this.#threads.has(thread)) this.#idle.push(thread)
    if ('answer' in reply) job?.resolve(reply.answer)
    else
      job?.reject(new TelemetryError(reply.failure.code, reply.failure.message, { retryable: reply.failure.retryable }))
    this.#next()
  }

  #drop(job: Job, error: TelemetryError): void {
    const at = this.#queue.indexOf(job)
    if (at >= 0) this.#queue.splice(at, 1)
    job.reject(error)
    for (const thread of this.#threads) if (thread.job === job) void this.#end(thread, error)
    this.#next()
  }

  async #end(thread: Thread, error: TelemetryError): Promise<void> {
    if (!this.#threads.delete(thread)) return
    const at = this.#idle.indexOf(thread)
    if (at >= 0) this.#idle.splice(at, 1)
    const { job } = thread
    thread.job = null
    job?.reject(error)
    await thread.worker.terminate()
  }
}

function gaveUp(signal: AbortSignal | undefined): TelemetryError {
  return new TelemetryError('ABORTED', 'The caller gave up', { cause: signal?.reason })
}
