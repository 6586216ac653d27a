// The brain behind central: asked for one tenant at a time, with that tenant's token and its own readings, in turns that no tenant can
// take from another.

import type { CentralBrainConfig } from '#config/central-brain.ts'
import { isLoopback } from '#config/loopback.ts'
import type { HealthReason } from '#domain/component.ts'
import type { Tracing } from '#domain/tracing.ts'
import { collectedGauge, Counter, secondsHistogram, type Histogram, type Registry } from '#kit/metrics.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { rpcAddress, type ClientOptions } from '#rpc/client.ts'
import {
  AnalyticsService,
  type DetectAnomaliesRequest,
  type DetectAnomaliesResponse,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { RequestError } from '#api/problem.ts'
import { TenantLanes } from '../people/lanes.ts'
import { readPem } from '../pem.ts'
import { BrainLink } from './brain-link.ts'

const KEEPALIVE_MS = 6 * 60_000 // servers throw out clients that ping more often than every 5 minutes
const KEEPALIVE_TIMEOUT_MS = 10_000
const MAX_RECONNECT_MS = 3000
/** Questions at once: detection is work for the brain's threads, not for a queue in it. */
const LANES = { total: 8, perTenant: 2, queue: 8 }
const BREAKER_VALUES = { closed: 0, halfOpen: 1, open: 2 } as const

const { detectAnomalies } = serviceDefinition(AnalyticsService)

export interface CentralBrainOptions {
  readonly config: CentralBrainConfig
  readonly clock: Clock
  readonly log: Logger
  readonly registry: Registry
  readonly tracing: Tracing
  readonly random: () => number
}

export interface Asker {
  /** Id of its tenant. */
  readonly tenant: string
  /** Of its request; null: nobody traces it. */
  readonly traceparent: string | null
}

export class CentralBrain {
  readonly #link: BrainLink
  readonly #lanes = new TenantLanes(LANES)
  readonly #token: string | null
  readonly #tokens: ReadonlyMap<string, string>
  readonly #calls: Counter
  readonly #seconds: Histogram

  private constructor(options: CentralBrainOptions, client: ClientOptions) {
    const { clock, config, log, random, registry, tracing } = options
    this.#token = config.token
    this.#tokens = new Map(config.tenants.map(({ id, token }) => [id, token]))
    this.#link = new BrainLink({ clock, log, tracing, client, timeoutMs: config.timeoutMs, random })
    this.#calls = new Counter({
      name: 'telemetryx_central_brain_calls_total',
      help: 'Questions to the brain, by what became of them: ok, or the code of the error',
      labelNames: ['outcome'],
      registers: [registry],
    })
    this.#seconds = secondsHistogram(registry, 'telemetryx_central_brain_call_seconds', 'How long the brain takes', [])
    const gauge = (name: string, help: string, read: () => number): void =>
      collectedGauge({ registry, name: `telemetryx_central_brain_${name}`, help, collect: () => [{ value: read() }] })
    gauge('up', '1 while the brain answers', () => Number(this.#link.isUp ?? false))
    gauge('breaker', 'Circuit breaker: 0 closed, 1 half open, 2 open', () => BREAKER_VALUES[this.#link.breaker])
  }

  /** Does not wait for the brain. Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
  static async open(options: CentralBrainOptions): Promise<CentralBrain> {
    const { config, log } = options
    const client = await clientOptions(config)
    const { host, isTls, name } = client.address
    const showsToken = config.token !== null || config.tenants.length > 0
    if (showsToken && !isTls && !isLoopback(host))
      log.warn({ brain: name }, 'The token goes over the network unencrypted')
    return new CentralBrain(options, client)
  }

  start(): void {
    this.#link.start()
  }

  /** Safe to call twice. */
  stop(): void {
    this.#link.stop()
  }

  /** Never blocking: without a brain central does everything else. */
  health(): HealthReason[] {
    if (this.#link.isUp !== false) return []
    return [{ code: 'brain-away', message: 'The brain is away: no detector can be asked', blocking: false }]
  }

  /** Throws as BrainLink.call, and UNAVAILABLE when this tenant asks too much at once. */
  async detect({ tenant, traceparent }: Asker, request: DetectAnomaliesRequest): Promise<DetectAnomaliesResponse> {
    const token = this.#tokens.get(tenant) ?? this.#token
    const end = this.#seconds.startTimer()
    try {
      const answer = await this.#lanes.run(tenant, () =>
        this.#link.call(detectAnomalies, request, { token, traceparent }),
      )
      this.#calls.inc({ outcome: 'ok' })
      return answer
    } catch (cause) {
      this.#calls.inc({ outcome: outcomeOf(cause) })
      throw cause
    } finally {
      end()
    }
  }
}

function outcomeOf(cause: unknown): string {
  return isTelemetryError(cause) || cause instanceof RequestError ? cause.code : 'INTERNAL'
}

async function clientOptions({ tls, url }: CentralBrainConfig): Promise<ClientOptions> {
  const pem = (file: string | null | undefined) => (file ? readPem(file) : null)
  return {
    address: rpcAddress(url, tls !== null),
    tls: tls && {
      ca: await pem(tls.ca),
      cert: await pem(tls.cert),
      key: await pem(tls.key),
      rejectUnauthorized: tls.rejectUnauthorized,
    },
    token: null, // shown with each call: that of its tenant
    keepaliveMs: KEEPALIVE_MS,
    keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
    maxReconnectMs: MAX_RECONNECT_MS,
  }
}
