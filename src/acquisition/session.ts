// One connection of a device, from the try to connect until whatever ends it.

import type { Device } from '#domain/driver.ts'
import type { TelemetryError } from '#domain/errors.ts'
import type { Bus } from './bus.ts'
import type { DriverCall } from './driver-call.ts'

export class Session {
  readonly device: Device
  readonly bus: Bus
  /** The connection stands (it may be ended by now). */
  isConnected = false
  readonly #ended = Promise.withResolvers<void>()
  #call: DriverCall<void> | null = null
  #isEnded = false

  constructor(device: Device, bus: Bus) {
    this.device = device
    this.bus = bus
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Resolves when the session has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Makes a call that belongs to setting up the connection; the end of the session aborts it. */
  async run(call: DriverCall<void>): Promise<void> {
    this.#call = call
    try {
      await call.run()
    } finally {
      this.#call = null
    }
  }

  end(cause: TelemetryError): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#call?.abort(cause)
    this.#ended.resolve()
  }
}
