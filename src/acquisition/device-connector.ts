// Brings a session up: connects, then starts what the device sends by itself. Each step has its deadline; a driver that
// hangs in one loses its device object.

import type { Point } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { DeviceHandle } from './device-handle.ts'
import { SubscriptionSink } from './device-sinks.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import { DriverCall } from './driver-call.ts'
import { CONNECT_DEADLINE_MS } from './limits.ts'
import type { SensorStates } from './sensor-states.ts'
import type { Session } from './session.ts'

export interface DeviceConnectorOptions {
  readonly handle: DeviceHandle
  readonly timers: Clock
  readonly states: SensorStates
  readonly statistics: DeviceStatistics
  /** The points that the device sends by itself; null when it does not send. */
  readonly sent: readonly Point[] | null
}

export class DeviceConnector {
  readonly #options: DeviceConnectorOptions
  /** Owner id of the points that are sent; null when it does not send. */
  readonly #owner: number | null
  #subscription: SubscriptionSink | null = null
  #connections = 0

  constructor(options: DeviceConnectorOptions) {
    this.#options = options
    this.#owner = options.sent === null ? null : options.states.claim(options.sent)
  }

  /** Resolves also when the session ended meanwhile. Throws what the driver throws, TIMEOUT, ABORTED. */
  async connect(session: Session): Promise<void> {
    const { device } = session
    await this.#setUp(session, 'Connecting', (signal) => device.connect(signal))
    if (session.isEnded) return
    session.isConnected = true
    this.#connections += 1
    if (this.#connections > 1) this.#options.statistics.reconnects += 1
    if (this.#owner !== null) await this.#subscribe(session, this.#owner)
  }

  /** What a subscription still sends is not heard any more. */
  disconnect(): void {
    this.#subscription?.close()
    this.#subscription = null
  }

  /** Gives back the points. */
  release(): void {
    const { sent, states } = this.#options
    if (sent !== null && this.#owner !== null) states.release(sent, this.#owner)
  }

  async #subscribe(session: Session, owner: number): Promise<void> {
    const { device } = session
    const { states, statistics } = this.#options
    const sink = new SubscriptionSink(states, statistics, owner)
    this.#subscription = sink
    await this.#setUp(session, 'Subscribing', (signal) => {
      if (device.subscribe === undefined) throw new TelemetryError('INTERNAL', 'The driver has no subscriptions')
      return device.subscribe(sink, signal)
    })
  }

  async #setUp(session: Session, what: string, operation: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { timers, handle } = this.#options
    const call = new DriverCall({ timers, what, timeoutMs: CONNECT_DEADLINE_MS, operation })
    try {
      await session.run(call)
    } finally {
      if (call.isAbandoned) handle.retire()
    }
  }
}
