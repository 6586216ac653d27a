// A connection whose code is loaded when it first connects: a gateway that has no such uplink neither waits for its library nor has
// it in memory.

import { TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, UplinkConnection } from '#domain/uplink.ts'

export class LoadedWhenNeeded implements UplinkConnection {
  readonly #load: () => Promise<UplinkConnection>
  #connection: UplinkConnection | null = null

  /** `load` imports the code and makes the connection. */
  constructor(load: () => Promise<UplinkConnection>) {
    this.#load = load
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#connection ??= await this.#load()
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
