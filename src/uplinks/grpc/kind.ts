// The `grpc` kind of uplink, for the gateway's catalogue. The library is loaded with the first connection: a gateway without
// such an uplink neither waits for it nor has it in memory.

import { TelemetryError } from '#domain/errors.ts'
import type {
  Delivery,
  DeliveryResult,
  UplinkConnection,
  UplinkContext,
  UplinkKind,
  UplinkSetup,
} from '#domain/uplink.ts'
import { GrpcUplinkSchema, type GrpcUplinkConfig } from './schema.ts'

export const grpcUplink: UplinkKind = {
  type: 'grpc',
  schema: GrpcUplinkSchema,
  // The configuration room has decoded `config` by the schema above.
  open: (setup, context) => new LoadedWhenNeeded(setup as UplinkSetup<GrpcUplinkConfig>, context),
}

class LoadedWhenNeeded implements UplinkConnection {
  readonly #setup: UplinkSetup<GrpcUplinkConfig>
  readonly #context: UplinkContext
  #connection: UplinkConnection | null = null

  constructor(setup: UplinkSetup<GrpcUplinkConfig>, context: UplinkContext) {
    this.#setup = setup
    this.#context = context
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { GrpcConnection } = await import('./connection.ts')
    this.#connection ??= new GrpcConnection(this.#setup, this.#context)
    await this.#connection.connect(signal)
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    if (this.#connection) return this.#connection.deliver(delivery, signal)
    return Promise.reject(new TelemetryError('CONNECTION_LOST', 'There is no connection', { retryable: true }))
  }

  modelChanged(): void {
    this.#connection?.modelChanged?.()
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }
}
