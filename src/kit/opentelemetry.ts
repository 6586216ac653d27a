// Traces by OpenTelemetry, sent by OTLP over HTTP. Nothing global: parents are named, so that two compositions in one process
// do not mix. Imported only through tracing.ts, which says when.

import {
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Tracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
  type IdGenerator,
} from '@opentelemetry/sdk-trace'
import { isTelemetryError } from '#domain/errors.ts'
import type { PastSpan, Span, SpanKind, SpanOptions, Tracing } from '#domain/tracing.ts'
import { inTrace } from './active-trace.ts'
import { systemClock } from './clock.ts'
import { withDeadline } from './deadline.ts'
import { formatTraceparent, newTrace, parseTraceparent, type TraceContext } from './trace-context.ts'

const SEND_EVERY_MS = 1000
const SEND_TIMEOUT_MS = 5000
const CLOSE_TIMEOUT_MS = 3000
/** Beyond it spans are dropped: traces never hold up data. */
const MAX_WAITING = 4096

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  internal: OtelKind.INTERNAL,
}

export class OpenTelemetryTracing implements Tracing {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  readonly #ids = new Ids()

  constructor({ endpoint, service, version }: { endpoint: string; service: string; version: string }) {
    const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: SEND_TIMEOUT_MS })
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
      idGenerator: this.#ids,
      sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter, scheduledDelayMillis: SEND_EVERY_MS, maxQueueSize: MAX_WAITING }),
      ],
    })
    this.#tracer = this.#provider.getTracer('telemetryx', version)
  }

  async span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
    const { attributes, kind, parent } = options
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, contextOf(parent))
    const { spanId, traceFlags, traceId } = span.spanContext()
    const context = { spanId, traceId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
    const fail = (type: string, message: string): void => {
      span.setStatus({ code: SpanStatusCode.ERROR, message })
      span.setAttribute('error.type', type)
    }
    const own: Span = {
      traceparent: formatTraceparent(context),
      set: (attribute, value) => void span.setAttribute(attribute, value),
      event: (event, more) => void span.addEvent(event, { ...more }),
      fail,
    }
    try {
      return await inTrace(context, () => work(own))
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      fail(isTelemetryError(cause) ? cause.code : 'INTERNAL', message)
      throw cause
    } finally {
      span.end()
    }
  }

  tell(name: string, { attributes, from, to, traceparent }: PastSpan): void {
    const own = parseTraceparent(traceparent)
    if (own === null || !own.isSampled) return
    const options = { startTime: from, attributes: { ...attributes } }
    this.#ids.lend(own, () => this.#tracer.startSpan(name, options, ROOT_CONTEXT).end(Math.max(from, to)))
  }

  async close(): Promise<void> {
    const limits = { clock: systemClock, timeoutMs: CLOSE_TIMEOUT_MS, what: 'Sending the last traces' }
    await withDeadline(limits, () => this.#provider.shutdown()).catch(() => {})
  }
}

function contextOf(parent: string | null): Context {
  const context = parseTraceparent(parent)
  if (context === null) return ROOT_CONTEXT
  const { isSampled, spanId, traceId } = context
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** Random ones, but for a span that has its ids already. */
class Ids implements IdGenerator {
  #lent: TraceContext | null = null

  /** `begin` makes one span, at once. */
  lend(own: TraceContext, begin: () => void): void {
    this.#lent = own
    try {
      begin()
    } finally {
      this.#lent = null
    }
  }

  generateTraceId(): string {
    return (this.#lent ?? newTrace()).traceId
  }

  generateSpanId(): string {
    return (this.#lent ?? newTrace()).spanId
  }
}
