// Ingest with a span for each batch, under the trace that came with it, or that follows from its position when none did: then
// the spans of all receivers of these records stand in one trace.

import type { SpanKind, Tracing } from '#domain/tracing.ts'
import { formatTraceparent, parseTraceparent, traceOfRecords } from '#kit/trace-context.ts'
import type { Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { BatchEnvelope, IngestPort, ProgramBatch, Taken } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import { positionOf } from './batch-position.ts'

export interface TracedIngestOptions {
  readonly ingest: IngestPort
  readonly tracing: Tracing
  /** For example `ingest`, `transaction`. */
  readonly name: string
  readonly kind: SpanKind
}

export class TracedIngest implements IngestPort {
  readonly #options: TracedIngestOptions

  constructor(options: TracedIngestOptions) {
    this.#options = options
  }

  take(tenant: TenantNumber, envelope: BatchEnvelope): Promise<Taken> {
    const { ingest, kind, name, tracing } = this.#options
    const attributes = { 'telemetryx.tenant': tenant, 'telemetryx.gateway': envelope.gateway }
    return tracing.span(name, { kind, parent: parentOf(envelope), attributes }, async (span) => {
      const taken = await ingest.take(tenant, { ...envelope, traceparent: span.traceparent })
      span.set('telemetryx.accepted', taken.accepted)
      span.set('telemetryx.repeated', taken.repeated)
      span.set('telemetryx.refused', taken.refused.length)
      return taken
    })
  }

  hello(tenant: TenantNumber, hello: Hello): Promise<void> {
    return this.#options.ingest.hello(tenant, hello)
  }

  takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken> {
    const { ingest, kind, name, tracing } = this.#options
    const attributes = { 'telemetryx.tenant': tenant, 'telemetryx.program': batch.source }
    return tracing.span(name, { kind, parent: null, attributes }, () => ingest.takeProgram(tenant, batch))
  }
}

function parentOf({ batch, gateway, traceparent }: BatchEnvelope): string | null {
  if (parseTraceparent(traceparent) !== null) return traceparent
  const position = positionOf(batch)
  return position === null ? null : formatTraceparent(traceOfRecords(gateway, position.epoch, position.seq))
}

/** Nothing in between while nothing is traced. */
export function traced(isOn: boolean, options: TracedIngestOptions): IngestPort {
  return isOn ? new TracedIngest(options) : options.ingest
}
