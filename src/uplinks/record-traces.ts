// Batches on their way to receivers, as spans in the trace that follows from their position. The receivers come to the same trace by
// themselves and name the records' own place in it as their parent: that span is told here, once, before the first batch of its records.

import type { Delivery } from '#domain/uplink.ts'
import type { Span, SpanAttributes, Tracing } from '#domain/tracing.ts'
import type { Clock } from '#kit/clock.ts'
import { formatTraceparent, traceOfRecords } from '#kit/trace-context.ts'

/** Traces whose beginning was told, so that several uplinks tell it once; one stands for 4096 records. */
const MAX_TOLD = 1024

export interface RecordTracesOptions {
  readonly clock: Clock
  readonly tracing: Tracing
  /** Id of this gateway. */
  readonly gateway: string
}

export class RecordTraces {
  readonly #options: RecordTracesOptions
  /** Oldest first. */
  readonly #told = new Set<string>()

  constructor(options: RecordTracesOptions) {
    this.#options = options
  }

  /** Runs `send`, which begins before this returns: the order of deliveries is the point. */
  deliver<T>(
    { delivery, uplink }: { readonly delivery: Delivery; readonly uplink: string },
    attributes: SpanAttributes,
    send: (span: Span) => Promise<T>,
  ): Promise<T> {
    const { gateway, tracing } = this.#options
    const { batch, historical, lane, rowCount, rows } = delivery
    const first = rows[0] ?? 0
    const seq = batch.firstSeq + first
    const parent = formatTraceparent(traceOfRecords(gateway, batch.epoch, seq))
    this.#tell(parent, batch.receivedAt[first])
    const of = {
      'telemetryx.gateway': gateway,
      'telemetryx.uplink': uplink,
      'telemetryx.lane': lane,
      'telemetryx.historical': historical,
      'telemetryx.records': rowCount,
      'telemetryx.position': `${batch.epoch}/${seq}`,
    }
    return tracing.span('deliver', { kind: 'client', parent, attributes: { ...of, ...attributes } }, send)
  }

  /** From when the gateway received the first of the records until it begins to hand them on. */
  #tell(traceparent: string, receivedAt: number | undefined): void {
    if (this.#told.has(traceparent)) return
    this.#told.add(traceparent)
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.values().next().value!)
    const { clock, gateway, tracing } = this.#options
    const to = clock.now()
    const from = receivedAt === undefined || Number.isNaN(receivedAt) ? to : Math.min(receivedAt, to)
    tracing.tell('records', { traceparent, from, to, attributes: { 'telemetryx.gateway': gateway } })
  }
}
