// The driver's device object of one device: made when needed, closed safely, given up for a new one when it hangs.

import type { Device, Driver, DeviceSetup, DriverServices, Log, RequestPlan, WireFrame } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { Bus, Buses, BusMember } from './bus.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import { DriverCall } from './driver-call.ts'
import { driverError } from './failure.ts'
import { CLOSE_DEADLINE_MS } from './limits.ts'

export interface DeviceHandleOptions {
  readonly setup: DeviceSetup
  readonly driver: Driver
  readonly timers: Clock
  readonly buses: Buses
  readonly member: BusMember
  readonly log: Log
  readonly statistics: DeviceStatistics
  /** The device object in use says that its connection is gone. */
  readonly onLost: (cause: unknown) => void
  readonly offered: DriverServices
}

export class DeviceHandle {
  readonly #options: DeviceHandleOptions
  #device: Device | null = null
  #bus: Bus | null = null
  /** Counts device objects: what a given-up one still says is not heard. */
  #life = 0

  constructor(options: DeviceHandleOptions) {
    this.#options = options
  }

  /** Name of the wire; empty until the driver could make a device. */
  get busName(): string {
    return this.#bus?.name ?? ''
  }

  /** Share of the last minute that the wire was busy, 0 to 1; null until the driver could make a device. */
  get busShare(): number | null {
    return this.#bus?.busy.share(this.#options.timers.monotonic()) ?? null
  }

  /** Other devices hang on the same wire. */
  get isShared(): boolean {
    return (this.#bus?.size ?? 0) > 1
  }

  /** null while there is no device object, or when the driver plans nothing. */
  get plan(): RequestPlan | null {
    return this.#device?.plan?.() ?? null
  }

  /** null while there is no device object, or when the driver records nothing. */
  get frames(): readonly WireFrame[] | null {
    return this.#device?.frames?.() ?? null
  }

  /** Makes the device object unless there is one. Throws what the driver throws. */
  open(): { device: Device; bus: Bus } {
    if (this.#device === null) {
      const device = this.#make()
      this.#moveTo(String(device.bus))
      this.#device = device
    }
    return { device: this.#device, bus: this.#bus! }
  }

  /** Gives up the device object; the next `open` makes a new one. */
  retire(): void {
    this.#life += 1
    this.#device = null
  }

  /** Closes the connection. Never rejects; a device that hangs in it is given up. */
  async close(device: Device): Promise<void> {
    const { timers, log } = this.#options
    const call = new DriverCall({
      timers,
      what: 'Closing the connection',
      timeoutMs: CLOSE_DEADLINE_MS,
      operation: () => device.close(),
    })
    try {
      await call.run()
    } catch (thrown) {
      log.warn({ reason: driverError(thrown).message }, 'Connection could not be closed')
    }
    if (call.isAbandoned && this.#device === device) this.retire()
  }

  /** Leaves the bus for good. */
  leave(): void {
    this.retire()
    if (this.#bus !== null) this.#options.buses.leave(this.#bus, this.#options.member)
    this.#bus = null
  }

  #make(): Device {
    const { driver, setup, log, timers, statistics, onLost, offered } = this.#options
    this.#life += 1
    const life = this.#life
    return driver.open(setup, {
      ...offered,
      log,
      now: () => timers.now(),
      lost: (cause) => {
        if (life === this.#life) onLost(cause)
      },
      countError: (kind) => {
        if (life === this.#life) statistics.countError(kind)
      },
    })
  }

  #moveTo(name: string): void {
    if (this.#bus?.name === name) return
    if (this.#bus !== null) this.#options.buses.leave(this.#bus, this.#options.member)
    this.#bus = this.#options.buses.join(name, this.#options.member)
  }
}
