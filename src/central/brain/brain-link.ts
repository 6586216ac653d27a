// Central's connection to a brain: calls with a deadline behind a circuit breaker, and a look now and then whether anybody is there. The
// brain may be away or hang; who asks is told so at once, and nothing else at central notices.

import type { MethodDefinition, ServiceError } from '@grpc/grpc-js'
import { CircuitBreaker, type BreakerKind } from '#backing/circuit-breaker.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { TRACEPARENT } from '#kit/trace-context.ts'
import { RpcClient, type ClientOptions } from '#rpc/client.ts'
import { away, failureOf, isDeadline, tooSlow } from './brain-failure.ts'

const OPENS_AFTER = 3
const DEFAULT_LOOK_TIMEOUT_MS = 2000
const LOOK_EVERY_MS = 10_000
/** While it is away. */
const LOOK_AGAIN_MS = 2000

/** grpc.health.v1.Health/Check of the server as a whole: an empty request; { status = 1 }, of which 1 is SERVING. */
const CHECK: MethodDefinition<null, boolean> = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: () => null,
  responseSerialize: () => Buffer.alloc(0),
  responseDeserialize: (bytes) => bytes[0] === 0x08 && bytes[1] === 0x01,
}

export interface BrainLinkOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly tracing: Tracing
  readonly client: ClientOptions
  readonly timeoutMs: number
  /** How long the answer to a look may take; default 2 s. */
  readonly lookTimeoutMs?: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export interface Ask {
  /** null: none is shown. */
  readonly token: string | null
  /** Of the request that this is for. */
  readonly traceparent: string | null
}

export class BrainLink {
  readonly #options: BrainLinkOptions
  readonly #client: RpcClient
  readonly #breaker: CircuitBreaker
  #isUp: boolean | null = null
  #isStopped = false
  #next: Timer | null = null

  constructor(options: BrainLinkOptions) {
    this.#options = options
    this.#client = new RpcClient(options.client)
    this.#breaker = new CircuitBreaker({
      name: 'The brain',
      clock: options.clock,
      random: options.random,
      opensAfter: OPENS_AFTER,
      isFailure: (cause) => isTelemetryError(cause, 'UNAVAILABLE'),
    })
  }

  /** As the last call or look found it; null: nobody has looked yet. */
  get isUp(): boolean | null {
    return this.#isUp
  }

  get breaker(): BreakerKind {
    return this.#breaker.kind
  }

  /** Begins to look whether it is there. */
  start(): void {
    void this.#watch()
  }

  /** Safe to call twice. Calls under way end. */
  stop(): void {
    this.#isStopped = true
    this.#next?.cancel()
    this.#client.close()
  }

  /** Throws UNAVAILABLE (away), TIMEOUT, BUFFER_FULL, REJECTED, and RequestError for what the brain refuses in a request. */
  call<Q, S>(method: MethodDefinition<Q, S>, request: Q, { token, traceparent }: Ask): Promise<S> {
    const { client, timeoutMs, tracing } = this.#options
    const name = method.path.slice(1)
    const { host, port } = client.address
    const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': name, 'server.address': host, 'server.port': port }
    return tracing.span(name, { kind: 'client', parent: traceparent, attributes }, (span) => {
      const headers = {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(span.traceparent === null ? {} : { [TRACEPARENT]: span.traceparent }),
      }
      return this.#breaker.run(async () => {
        try {
          const answer = await this.#client.call(method, request, timeoutMs, headers)
          this.#tell(true)
          return answer
        } catch (cause) {
          throw await this.#judge(cause as ServiceError) // grpc-js gives nothing else
        }
      })
    })
  }

  /** A brain that answers its health check is there: then the question was too much, and others may go on asking. */
  async #judge(cause: ServiceError): Promise<unknown> {
    const failure = !isDeadline(cause)
      ? failureOf(cause)
      : (await this.#answers())
        ? tooSlow(this.#options.timeoutMs, cause)
        : away(cause)
    this.#tell(!isTelemetryError(failure, 'UNAVAILABLE'))
    return failure
  }

  async #watch(): Promise<void> {
    const answers = await this.#answers()
    if (this.#isStopped) return
    if (answers) this.#breaker.succeeded()
    else this.#breaker.failed()
    this.#tell(answers)
    this.#next = this.#options.clock.after(answers ? LOOK_EVERY_MS : LOOK_AGAIN_MS, () => void this.#watch())
  }

  async #answers(): Promise<boolean> {
    const { lookTimeoutMs = DEFAULT_LOOK_TIMEOUT_MS } = this.#options
    return this.#client.call(CHECK, null, lookTimeoutMs).catch(() => false)
  }

  #tell(isUp: boolean): void {
    if (this.#isStopped || this.#isUp === isUp) return
    const wasKnown = this.#isUp !== null
    this.#isUp = isUp
    const { client, log } = this.#options
    const fields = { brain: client.address.name }
    if (!isUp) log.warn(fields, 'The brain is away')
    else if (wasKnown) log.info(fields, 'The brain is back')
    else log.info(fields, 'The brain answers')
  }
}
