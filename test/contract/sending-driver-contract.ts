// The suite for drivers whose devices send by themselves (`sendsByItself`): what acquisition relies on, proven against a peer
// over the real wire. A driver joins with a harness of its own; drivers that poll have driver-contract.ts.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Device, DeviceSetup, Driver, DriverContext } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'

/** The other end of the wire, for one test. */
export interface SendingPeer {
  /** What the driver's context needs beside the usual. */
  readonly context?: Partial<DriverContext>
  /** Sends a value for sensor 0. */
  send(value: number): Promise<void>
  /** Sends what is no value; null: the protocol lets nothing of the kind through. */
  readonly sendGarbage: (() => Promise<void>) | null
  /** Goes away; null: there is no connection that could break. */
  readonly stop: (() => Promise<void>) | null
  restart(): Promise<void>
  close(): Promise<void>
}

export interface SendingHarness {
  readonly name: string
  createDriver(): Driver
  startPeer(): Promise<SendingPeer>
  /** A device on the peer with one number sensor, number 0. */
  setup(peer: SendingPeer): DeviceSetup
}

const NEVER = new AbortController().signal

export function describeSendingDriverContract(harness: SendingHarness): void {
  describe(`the contract of drivers that send, ${harness.name}`, () => {
    let peer: SendingPeer
    let driver: Driver
    let context: RecordingContext & Partial<DriverContext>
    let device: Device

    beforeEach(async () => {
      peer = await harness.startPeer()
      driver = harness.createDriver()
      context = Object.assign(new RecordingContext(), peer.context)
      device = driver.open(harness.setup(peer), context)
    })
    afterEach(async () => {
      await device.close()
      await peer.close()
    })

    const start = async (): Promise<RecordingSink> => {
      const sink = new RecordingSink()
      await device.connect(NEVER)
      await device.subscribe!(sink, NEVER)
      return sink
    }
    const receives = async (sink: RecordingSink, value: number): Promise<void> => {
      await peer.send(value)
      await vi.waitFor(() => expect(sink.values.at(-1)).toBe(value), EVENTUALLY)
    }

    it('says that its devices send, and names the wire', () => {
      expect(driver.sendsByItself?.(harness.setup(peer).config)).toBe(true)
      expect(device.bus).toMatch(/^[a-z-]+:/)
      expect(driver.open(harness.setup(peer), context).bus).toBe(device.bus)
    })

    it('gives every value once, in order', async () => {
      const sink = await start()
      for (const value of [1, 2, 3, 4, 5]) await receives(sink, value)
      expect(sink.values).toEqual([1, 2, 3, 4, 5])
      expect(context.lostCauses).toEqual([])
    })

    it('is never asked', async () => {
      await expect(device.poll(0, new RecordingSink(), NEVER)).rejects.toSatisfy((error) => isTelemetryError(error))
    })

    it('gives no value for garbage, and reads truly afterwards', async () => {
      if (peer.sendGarbage === null) return
      const sink = await start()
      await peer.sendGarbage()
      await receives(sink, 7)
      expect(sink.values).toEqual([7])
    })

    it('closes twice, gives nothing afterwards, and can be connected again', async () => {
      const first = await start()
      await receives(first, 1)
      await device.close()
      await device.close()
      expect(context.lostCauses).toEqual([]) // closing is not losing
      const before = first.values.length
      const second = await start()
      await receives(second, 2)
      expect(first.values).toHaveLength(before)
    })

    it('ends a connection attempt that is under way when it is closed', async () => {
      const attempt = device.connect(NEVER).catch((error: unknown) => {
        expect(isTelemetryError(error)).toBe(true)
      })
      await device.close()
      await attempt
      await device.close()
      await receives(await start(), 3)
    })

    it('does not connect when it is told to stop', async () => {
      await expect(device.connect(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
      await receives(await start(), 4)
    })

    it('tells that the connection is gone, fails to connect while the peer is away, and recovers', async () => {
      if (peer.stop === null) return
      const sink = await start()
      await receives(sink, 1)
      await peer.stop()
      await vi.waitFor(() => expect(context.lostCauses).toHaveLength(1), EVENTUALLY)
      await device.close()
      await expect(device.connect(NEVER)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
      await peer.restart()
      await receives(await start(), 2)
    })
  })
}
