// One HTTP connection to central, one request at a time: order is the point. Answers are bounded in size and time, redirects are
// not followed. A connection that central closes while nothing is under way is looked at: it may be idle, or central may be gone.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { systemClock, type Timer } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import type { Answer } from './answer.ts'
import { closedError, socketError } from './failure.ts'

const REQUEST_TIMEOUT_MS = 20_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** Servers close idle connections after some seconds: that is looked at no more often than this. */
const LOOK_EVERY_MS = 30_000

export interface LineTls {
  readonly ca: Buffer | undefined
  readonly cert: Buffer | undefined
  readonly key: Buffer | undefined
  readonly rejectUnauthorized: boolean
}

export interface HttpLineOptions {
  readonly url: URL
  readonly token: string | undefined
  readonly tls: LineTls
  readonly userAgent: string
  /** Nobody is there any more. */
  readonly onLost: (cause: TelemetryError) => void
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below the base of the URL, for example `/api/v1/ingest`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

export class HttpLine {
  readonly #options: HttpLineOptions
  readonly #agent: HttpAgent | HttpsAgent
  readonly #watched = new WeakSet<Socket>()
  readonly #abort = new AbortController()
  #underWay = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  #look: Timer | null = null

  constructor(options: HttpLineOptions) {
    this.#options = options
    const shared = { keepAlive: true, maxSockets: 2, maxFreeSockets: 2, noDelay: true }
    this.#agent =
      options.url.protocol === 'https:' ? new HttpsAgent({ ...shared, ...options.tls }) : new HttpAgent(shared)
  }

  /** Host and port, for messages. */
  get name(): string {
    return this.#options.url.host
  }

  /** Throws TelemetryError (retryable) when no whole answer came. */
  async send(request: Request, signal?: AbortSignal): Promise<Answer> {
    const signals = signal ? AbortSignal.any([signal, this.#abort.signal]) : this.#abort.signal
    if (signals.aborted) throw closedError(this.name)
    const deadline = {
      clock: systemClock,
      timeoutMs: REQUEST_TIMEOUT_MS,
      what: `An answer of ${this.name}`,
      signal: signals,
    }
    this.#underWay += 1
    try {
      return await withDeadline(deadline, (limit) => this.#exchange(request, limit))
    } catch (cause) {
      throw isTelemetryError(cause, 'ABORTED') ? closedError(this.name) : cause
    } finally {
      this.#underWay -= 1
    }
  }

  /** Breaks off what is under way. Safe to call twice. */
  end(): void {
    this.#abort.abort()
    this.#look?.cancel()
    this.#agent.destroy()
  }

  #exchange(request: Request, signal: AbortSignal, isSecond = false): Promise<Answer> {
    const { method, path, headers = {}, body } = request
    const { url, token, userAgent } = this.#options
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: `${url.pathname.replace(/\/$/, '')}${path}`,
      signal,
      headers: {
        Accept: 'application/json, application/x-protobuf',
        'User-Agent': userAgent,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
        ...(body === undefined ? {} : { 'Content-Length': String(body.length) }),
      },
    }
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest
      const fail = (cause: unknown): void => {
        // Closed as idle in the moment of our request: on a new connection it is as good as the first try.
        const wasIdle = outgoing.reusedSocket && !isSecond && !signal.aborted && isReset(cause)
        if (wasIdle) this.#exchange(request, signal, true).then(resolve, reject)
        else reject(socketError(cause, this.name))
      }
      const outgoing = send(options, (incoming) => void readAnswer(incoming, this.name).then(resolve, fail))
      outgoing.on('error', fail)
      outgoing.on('socket', (socket) => this.#watch(socket))
      outgoing.end(body)
    })
  }

  #watch(socket: Socket): void {
    if (this.#watched.has(socket)) return
    this.#watched.add(socket)
    socket.once('close', () => this.#onClose())
  }

  #onClose(): void {
    if (this.#abort.signal.aborted || this.#underWay > 0 || this.#look !== null) return
    const waitMs = Math.max(0, this.#lookedAt + LOOK_EVERY_MS - systemClock.monotonic())
    this.#look = systemClock.after(waitMs, () => {
      this.#look = null
      this.#lookedAt = systemClock.monotonic()
      // Whatever it answers: it is there.
      this.send({ method: 'GET', path: '/healthz' }).catch((cause: unknown) => {
        if (!this.#abort.signal.aborted) this.#options.onLost(socketError(cause, this.name))
      })
    })
  }
}

function isReset(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
}

async function readAnswer(incoming: IncomingMessage, name: string): Promise<Answer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) {
      incoming.destroy()
      throw new TelemetryError('PROTOCOL', `${name} answers with more than ${MAX_ANSWER_BYTES >> 20} MiB`, {
        retryable: true,
      })
    }
    chunks.push(chunk)
  }
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }
}
