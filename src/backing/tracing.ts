// Traces: what a part of the program did for one batch, under the id that came with it. OpenTelemetry is loaded only when there is
// somewhere to send them to; without it the id is passed on as it came.

/** Where a span stands (OpenTelemetry, SpanKind). */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal'

export interface SpanOptions {
  readonly kind: SpanKind
  /** W3C traceparent of whoever asked; null: a trace begins here. */
  readonly parent: string | null
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
}

export interface Span {
  /** To pass on: this span as a parent. null: nobody began a trace. */
  readonly traceparent: string | null
  set(attribute: string, value: string | number | boolean): void
}

export interface Tracing {
  /** Runs `work` as a span, which ends with it; an error is noted and passed on. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>
  /** Sends what waits, for a few seconds at most. */
  close(): Promise<void>
}

export interface TracingOptions {
  /** For example `http://collector.example:4318/v1/traces`; null: nothing is traced. */
  readonly endpoint: string | null
  /** Of this process: `telemetryx-central`. */
  readonly service: string
  readonly version: string
}

/** Passes on what came. */
export const noTracing: Tracing = {
  span: (_name, { parent }, work) => work({ traceparent: parent, set: () => {} }),
  close: () => Promise.resolve(),
}

/** Never fails because of the receiver: traces that it does not take are dropped. */
export async function openTracing({ endpoint, service, version }: TracingOptions): Promise<Tracing> {
  if (endpoint === null) return noTracing
  const { OpenTelemetryTracing } = await import('./opentelemetry.ts')
  return new OpenTelemetryTracing({ endpoint, service, version })
}
