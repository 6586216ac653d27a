// Traces of a process. OpenTelemetry is loaded only when there is somewhere to send them to; without it the id is passed on as it
// came.

import type { Tracing } from '#domain/tracing.ts'

export interface TracingOptions {
  /** For example `http://collector.example:4318/v1/traces`; null: nothing is traced. */
  readonly endpoint: string | null
  /** Of this process: `telemetryx-central`. */
  readonly service: string
  readonly version: string
}

/** Passes on what came. */
export const noTracing: Tracing = {
  span: (_name, { parent }, work) => work({ traceparent: parent, set: () => {}, event: () => {}, fail: () => {} }),
  tell: () => {},
  close: () => Promise.resolve(),
}

/** Never fails because of the receiver: traces that it does not take are dropped. */
export async function openTracing({ endpoint, service, version }: TracingOptions): Promise<Tracing> {
  if (endpoint === null) return noTracing
  const { OpenTelemetryTracing } = await import('./opentelemetry.ts')
  return new OpenTelemetryTracing({ endpoint, service, version })
}
