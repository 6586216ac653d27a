// Around each call: its request id, one line in the log when it ends, metrics, and a deadline for calls that bring none.

import { randomUUID } from 'node:crypto'
import {
  ServerInterceptingCall,
  status,
  type Metadata,
  type ServerInterceptor,
  type ServerMethodDefinition,
} from '@grpc/grpc-js'
import type { Log } from '#domain/driver.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { Counter, Gauge, secondsHistogram, type Histogram, type Registry } from '#kit/metrics.ts'
import { explained } from './answers.ts'

export const REQUEST_ID_KEY = 'x-request-id'
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/
/** Calls that end well and are too many to be logged each. */
const QUIET = /^\/grpc\./

export interface ObservingOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Name of the caller by the metadata of the call; null: not known. */
  readonly callerOf: (metadata: object) => string | null
  /** Told at the beginning of each call; answers what is told at its end. */
  readonly trace: ((method: string, metadata: Metadata) => (code: string) => void) | null
}

interface Measures {
  readonly ended: Counter
  readonly seconds: Histogram
  readonly open: Gauge
}

/** The outermost interceptor: also sees calls that others refuse. */
export function observing(options: ObservingOptions): ServerInterceptor {
  const measures = measuresIn(options.registry)
  return (method, call) => {
    const observed = new ObservedCall(options, measures, method)
    // What grpc-js ends by itself (a message that is too large, a deadline) passes no interceptor: the call itself is told.
    const send = call.sendStatus.bind(call)
    call.sendStatus = (answer) => {
      observed.end(answer.code ?? status.UNKNOWN, answer.details ?? '')
      const told = explained(answer)
      if (answer.code !== status.OK) told.metadata?.set(REQUEST_ID_KEY, observed.id)
      send(told)
    }
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            observed.begin(metadata, call.getPeer())
            pass(metadata)
          },
          // grpc-js tells the end of every call so, also when the client has gone.
          onCancel: () => observed.end(null),
        }),
      sendMetadata: (metadata, next) => {
        metadata.set(REQUEST_ID_KEY, observed.id)
        next(metadata)
      },
    })
  }
}

class ObservedCall {
  id = ''
  readonly #options: ObservingOptions
  readonly #measures: Measures
  readonly #method: ServerMethodDefinition<unknown, unknown>
  #metadata: Metadata | null = null
  #peer = ''
  #startedAt = 0
  #endTrace: ((code: string) => void) | null = null
  #isOver = false

  constructor(options: ObservingOptions, measures: Measures, method: ServerMethodDefinition<unknown, unknown>) {
    this.#options = options
    this.#measures = measures
    this.#method = method
  }

  begin(metadata: Metadata, peer: string): void {
    const given = String(metadata.get(REQUEST_ID_KEY)[0] ?? '')
    this.id = REQUEST_ID.test(given) ? given : randomUUID()
    this.#metadata = metadata
    this.#peer = peer
    this.#startedAt = this.#options.clock.monotonic()
    this.#measures.open.inc({ method: this.#method.path })
    this.#endTrace = this.#options.trace?.(this.#method.path, metadata) ?? null
  }

  /** `code` null: the transport ended it (cancelled, connection lost). */
  end(code: number | null, details = ''): void {
    if (this.#isOver || this.#metadata === null) return
    this.#isOver = true
    const { callerOf, clock, log } = this.#options
    const { path, requestStream } = this.#method
    const word = code === null ? 'TRANSPORT' : (status[code] ?? 'UNKNOWN')
    const seconds = (clock.monotonic() - this.#startedAt) / 1000
    this.#measures.open.dec({ method: path })
    this.#measures.ended.inc({ method: path, code: word })
    if (!requestStream) this.#measures.seconds.observe({ method: path }, seconds)
    this.#endTrace?.(word)
    const fields = {
      method: path,
      code: word,
      seconds,
      caller: callerOf(this.#metadata),
      peer: this.#peer,
      requestId: this.id,
    }
    if (code === status.OK || code === null) {
      if (!QUIET.test(path)) log.debug(fields, 'Call ended')
    } else log.info({ ...fields, reason: details }, 'Call refused')
  }
}

function measuresIn(registry: Registry): Measures {
  return {
    ended: new Counter({
      name: 'telemetryx_brain_calls_total',
      help: 'Calls that have ended, by method and gRPC status',
      labelNames: ['method', 'code'],
      registers: [registry],
    }),
    open: new Gauge({
      name: 'telemetryx_brain_calls_open',
      help: 'Calls and streams under way',
      labelNames: ['method'],
      registers: [registry],
    }),
    seconds: secondsHistogram(registry, 'telemetryx_brain_call_seconds', 'How long calls take', ['method']),
  }
}

/** Ends unary calls that bring no deadline after `timeoutMs`, with DEADLINE_EXCEEDED. grpc-js keeps the client's own. */
export function withDeadlines(clock: Clock, timeoutMs: number): ServerInterceptor {
  return (method, call) => {
    if (method.requestStream || method.responseStream || call.getDeadline() !== Number.POSITIVE_INFINITY)
      return new ServerInterceptingCall(call)
    let timer: Timer | null = null
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const details = `The call took longer than ${timeoutMs} ms`
            timer = clock.after(timeoutMs, () =>
              call.sendStatus({ code: status.DEADLINE_EXCEEDED, details, metadata: null }),
            )
            pass(metadata)
          },
          onCancel: () => timer?.cancel(),
        }),
      sendStatus: (answer, next) => {
        timer?.cancel()
        next(answer)
      },
    })
  }
}
