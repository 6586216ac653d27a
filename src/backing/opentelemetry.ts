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
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { isTelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { formatTraceparent, parseTraceparent } from '#kit/trace-context.ts'
import type { Span, SpanKind, SpanOptions, Tracing } from './tracing.ts'

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

  constructor({ endpoint, service, version }: { endpoint: string; service: string; version: string }) {
    const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: SEND_TIMEOUT_MS })
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
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
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0
    try {
      return await work({
        traceparent: formatTraceparent({ spanId, traceId, isSampled }),
        set: (attribute, value) => void span.setAttribute(attribute, value),
      })
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      span.setStatus({ code: SpanStatusCode.ERROR, message })
      if (isTelemetryError(cause)) span.setAttribute('error.type', cause.code)
      throw cause
    } finally {
      span.end()
    }
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
