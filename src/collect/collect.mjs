// Client for Node programs: collects metrics and events, sends them in batches, keeps them while the gateway is away. Plain
// JavaScript without dependencies, because Node strips no types in node_modules. Types: collect.d.mts.

import { createHash } from 'node:crypto'
import { eventLine, metricLine } from './entry.mjs'
import { Spool } from './spool.mjs'

const MAX_REQUEST_BYTES = 512 * 1024
/** The gateway understood, and will never take it. */
const REJECTIONS = new Set([400, 413, 422])

/** @param {import('./collect.mjs').CollectorOptions} options @returns {import('./collect.mjs').Collector} */
export function createCollector(options) {
  const sender = new Sender(options)
  const take = (entry) => {
    if (entry?.metric !== undefined) sender.push(metricLine(entry.metric))
    else if (entry?.event !== undefined) sender.push(eventLine(entry.event))
    else throw new TypeError('Give { metric } or { event }')
  }
  const collector = Object.assign(take, {
    metric: (metric) => sender.push(metricLine(metric)),
    event: (event) => sender.push(eventLine(event)),
    on: (name, listener) => sender.on(name, listener),
    flush: () => sender.flush(),
    close: () => sender.close(),
  })
  return Object.defineProperty(collector, 'buffered', { get: () => sender.buffered })
}

class Sender {
  #options
  #endpoint
  #spool
  #loaded
  #lines = []
  #listeners = new Map()
  #timer = null
  /** @type {Promise<boolean> | null} */
  #running = null
  #failures = 0
  #isClosed = false
  #closing = null

  constructor(options) {
    const { url, device, file, batchSize = 500, maxBuffered = 10_000, intervalMs = 1000 } = options
    if (typeof device !== 'string' || device === '') throw new TypeError('device must be the id of an http device')
    this.#endpoint = new URL(`/api/v1/ingest/${encodeURIComponent(device)}`, url)
    this.#options = { ...options, batchSize, maxBuffered, intervalMs }
    this.#spool = file === undefined ? null : new Spool(file, options.maxFileBytes ?? 64 * 1024 * 1024)
    this.#loaded = this.#spool?.load() ?? Promise.resolve()
    // What an earlier run has left is sent without waiting for more.
    this.#loaded.then(
      () => this.#spool?.isEmpty === false && this.#wakeIn(0),
      (error) => this.#emit('failed', { status: null, message: `The file cannot be used: ${error.message}` }),
    )
  }

  get buffered() {
    return this.#lines.length
  }

  push(line) {
    if (this.#isClosed) throw new Error('The collector is closed')
    const { maxBuffered, batchSize, intervalMs } = this.#options
    this.#lines.push(line)
    if (this.#lines.length > maxBuffered) {
      const count = this.#lines.splice(0, this.#lines.length - maxBuffered).length
      this.#emit('dropped', { count })
    }
    if (this.#failures > 0) return // the retry comes by itself
    if (this.#lines.length >= batchSize) this.#wakeIn(0)
    else if (this.#timer === null) this.#wakeIn(intervalMs)
  }

  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** One run at a time; a call during a run waits for it and for one more. */
  async flush() {
    while (this.#running !== null) await this.#running
    this.#stopTimer()
    this.#running = this.#run().finally(() => {
      this.#running = null
    })
    return await this.#running
  }

  close() {
    this.#isClosed = true
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close() {
    await this.flush()
    this.#stopTimer()
    if (this.#lines.length === 0) return
    if (this.#spool !== null)
      await this.#spill().catch((error) => this.#emit('failed', { status: null, message: error.message }))
    if (this.#lines.length > 0) this.#emit('dropped', { count: this.#lines.splice(0).length })
  }

  #wakeIn(delayMs) {
    this.#stopTimer()
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.flush()
    }, delayMs)
    this.#timer.unref()
  }

  #stopTimer() {
    clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Sends until nothing is left (true), or until a request fails (false). Never rejects. */
  async #run() {
    try {
      await this.#loaded
      for (;;) {
        const isSpooled = this.#spool !== null && !this.#spool.isEmpty
        if (!isSpooled && this.#lines.length === 0) return true
        if (!(isSpooled ? await this.#sendSpooled() : await this.#sendBuffered())) return false
        this.#failures = 0
      }
    } catch (error) {
      this.#failed(null, error instanceof Error ? error.message : String(error))
      return false
    }
  }

  async #sendSpooled() {
    await this.#spill() // what came since stands behind what is in the file
    const { lines, next } = await this.#spool.peek(this.#options.batchSize)
    if (lines.length > 0 && !(await this.#send(lines))) return false
    await this.#spool.advance(next)
    return true
  }

  async #sendBuffered() {
    const batch = this.#lines.splice(0, this.#batchLength())
    if (await this.#send(batch)) return true
    this.#lines.unshift(...batch)
    if (this.#spool !== null) await this.#spill()
    return false
  }

  /** Lines of the buffer into the file. */
  async #spill() {
    const lines = this.#lines.splice(0)
    const kept = await this.#spool.append(lines).catch((error) => {
      this.#lines = [...lines, ...this.#lines] // more than a call can take as arguments, perhaps
      throw error
    })
    if (kept < lines.length) this.#emit('dropped', { count: lines.length - kept })
  }

  #batchLength() {
    const { batchSize } = this.#options
    let bytes = 0
    let length = 0
    for (const line of this.#lines) {
      bytes += Buffer.byteLength(line) + 1
      if (length > 0 && (length >= batchSize || bytes > MAX_REQUEST_BYTES)) break
      length += 1
    }
    return length
  }

  /** True when the gateway has them or will never take them. One bad entry does not take the others with it. */
  async #send(lines) {
    const { status, message, retryAfterMs } = await this.#request(lines.join('\n'))
    if (status === 202) {
      this.#emit('sent', { count: lines.length })
      return true
    }
    if (!REJECTIONS.has(status)) {
      this.#failed(status, message, retryAfterMs)
      return false
    }
    if (lines.length === 1) {
      this.#emit('rejected', { entry: JSON.parse(lines[0]), message })
      return true
    }
    const middle = lines.length >> 1
    return (await this.#send(lines.slice(0, middle))) && (await this.#send(lines.slice(middle)))
  }

  async #request(body) {
    const { token, timeoutMs = 30_000 } = this.#options
    try {
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/x-ndjson',
          // The same batch is the same request: when only the answer was lost, it is not taken twice.
          'idempotency-key': createHash('sha256').update(body).digest('base64url'),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
      return { status: response.status, message: detailOf(text), retryAfterMs: seconds * 1000 }
    } catch (error) {
      const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
      return { status: null, message: `${error.message}${cause}`, retryAfterMs: Number.NaN }
    }
  }

  #failed(status, message, retryAfterMs = Number.NaN) {
    const { firstMs = 1000, maxMs = 30_000 } = this.#options.retry ?? {}
    const ceiling = Math.min(maxMs, firstMs * 2 ** this.#failures)
    this.#failures += 1
    if (!this.#isClosed) this.#wakeIn(Math.max(Math.random() * ceiling, Number.isNaN(retryAfterMs) ? 0 : retryAfterMs))
    this.#emit('failed', { status, message })
  }

  #emit(name, detail) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(detail)
      } catch {
        // A listener's fault must not cost readings.
      }
    }
  }
}

function detailOf(text) {
  try {
    return String(JSON.parse(text).detail ?? text)
  } catch {
    return text.slice(0, 1000)
  }
}
