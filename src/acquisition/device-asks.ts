// What people ask of one running device beside its schedule: a block of its registers, and whether it answers now. Blocks go
// through the device's own bus as writes do, one at a time for each device; a probe waits for the next answer or failure.

import type { BlockRead } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import { DeviceWrite } from './device-write.ts'
import { driverError, errorKind } from './failure.ts'
import type { Session } from './session.ts'

/** A block that waits longer for its turn is not asked for any more. */
const BLOCK_VALID_MS = 10_000
/** A probe is answered at the latest after this. */
const PROBE_DEADLINE_MS = 20_000
/** People who may ask at once. */
const MAX_PROBES = 16

export interface DeviceAsksOptions {
  readonly id: string
  readonly timers: Clock
  readonly statistics: DeviceStatistics
  /** A read failed on a connection that stands. */
  readonly onFailure: (session: Session, error: TelemetryError) => void
  /** The driver hangs. */
  readonly onAbandoned: (session: Session, error: TelemetryError) => void
}

export class DeviceAsks {
  readonly #options: DeviceAsksOptions
  readonly #probes = new Set<(failure: TelemetryError | null) => void>()
  #read: DeviceWrite<Uint8Array> | null = null

  constructor(options: DeviceAsksOptions) {
    this.#options = options
  }

  /** Throws CONFLICT (no registers, or another read is under way), BUFFER_FULL, EXPIRED, TIMEOUT, ABORTED and what the driver throws. */
  async readBlock(session: Session, block: BlockRead, signal: AbortSignal): Promise<Uint8Array> {
    const { device, bus } = session
    const { id, timers, statistics, onFailure, onAbandoned } = this.#options
    if (device.readBlock === undefined)
      throw new TelemetryError('CONFLICT', `The driver of ${id} has no registers to look at`)
    if (this.#read !== null) throw new TelemetryError('CONFLICT', `A block of ${id} is being read already`)
    const read = new DeviceWrite<Uint8Array>({
      timers,
      what: `The read of a block of ${id}`,
      signal,
      validMs: BLOCK_VALID_MS,
      busy: statistics.busy,
      operation: (callSignal) => device.readBlock!(block, callSignal),
    })
    this.#read = read
    void read.ended.then(() => {
      this.#read = null
      bus.dropWrite(read)
      if (read.isAbandoned) onAbandoned(session, new TelemetryError('TIMEOUT', 'The driver hangs in a read'))
    })
    try {
      bus.enqueueWrite(read)
    } catch (refusal) {
      read.abort(driverError(refusal))
    }
    try {
      return await read.result
    } catch (thrown) {
      const error = driverError(thrown)
      // A refusal of addresses is what one looks for here, and no fault of the device.
      if (
        !session.isEnded &&
        (error.code === 'TIMEOUT' || error.code === 'PROTOCOL' || error.code === 'CONNECTION_LOST')
      ) {
        statistics.countError(errorKind(error.code))
        onFailure(session, error)
      }
      throw error
    }
  }

  /** Calls `ask`, then waits for the next answer. Throws what the device failed with, TIMEOUT, BUFFER_FULL. */
  async probe(ask: () => void): Promise<void> {
    if (this.#probes.size >= MAX_PROBES)
      throw new TelemetryError('BUFFER_FULL', `${MAX_PROBES} others are waiting for ${this.#options.id}`)
    const { promise, resolve } = Promise.withResolvers<TelemetryError | null>()
    const late = new TelemetryError('TIMEOUT', `${this.#options.id} had no turn within ${PROBE_DEADLINE_MS} ms`)
    const timer = this.#options.timers.after(PROBE_DEADLINE_MS, () => resolve(late))
    this.#probes.add(resolve)
    try {
      ask()
      const failure = await promise
      if (failure !== null) throw failure
    } finally {
      timer.cancel()
      this.#probes.delete(resolve)
    }
  }

  /** The device answered, or failed: what waits for it learns that. */
  outcome(failure: TelemetryError | null): void {
    for (const tell of this.#probes) tell(failure)
    this.#probes.clear()
  }

  /** Settled when no read is under way; after `abort`. */
  async idle(): Promise<void> {
    await this.#read?.ended
  }

  abort(cause: TelemetryError): void {
    this.#read?.abort(cause)
  }
}
