// The gateway's traces: opened when an endpoint is configured. Nothing of OpenTelemetry is loaded without one.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Clock } from '#kit/clock.ts'
import { openTracing } from '#kit/tracing.ts'
import { RecordTraces } from '#uplinks/record-traces.ts'
import { packageVersion } from './version.ts'

export interface GatewayTraces {
  /** What uplinks tell of their deliveries; null: nothing is traced. */
  readonly records: RecordTraces | null
  /** Sends what waits, for a few seconds at most. */
  close(): Promise<void>
}

export async function openGatewayTraces(
  { gateway, traceEndpoint }: GatewayConfig,
  clock: Clock,
): Promise<GatewayTraces> {
  const tracing: Tracing = await openTracing({
    endpoint: traceEndpoint,
    service: 'telemetryx-gateway',
    version: packageVersion(),
  })
  const records = traceEndpoint === null ? null : new RecordTraces({ clock, tracing, gateway: gateway.id })
  return { records, close: () => tracing.close() }
}
