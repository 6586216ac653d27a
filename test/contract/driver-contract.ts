// The suite that every driver passes, whatever its protocol: what acquisition relies on (src/domain/driver.ts), proven
// against a peer over the real wire that can misbehave. A driver joins with a harness of its own:
//
//   describeDriverContract({ name: 'modbus over TCP', timeoutMs: 1000, createDriver, startPeer, setup })
//
// For drivers that poll. Time is a ManualClock: the suite moves it on where a driver has to give up.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Device, DeviceSetup, Driver, DriverContext } from '#domain/driver.ts'
import { isTelemetryError, type TelemetryError } from '#domain/errors.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'

export type Behaviour =
  /** Answers truly and at once. */
  | 'well'
  /** Takes requests and says nothing. */
  | 'silent'
  /** Answers with bytes that are not of the protocol. */
  | 'garbage'
  /** Answers with the first half of a true answer. */
  | 'halfAnswers'
  /** Keeps true answers until `releaseLateAnswers`. */
  | 'late'
  /** Ends the connection instead of answering. */
  | 'hangsUp'

/** The other end of the wire, for one test. */
export interface ContractPeer {
  behave(behaviour: Behaviour): void
  /** Gives every point another value, so that an old answer shows. Returns what each sensor must now read. */
  changeValues(): ReadonlyMap<SensorNumber, Value>
  /** Sends what `late` has kept. */
  releaseLateAnswers(): void
  /** Resolves when the next request has come. */
  nextRequest(): Promise<unknown>
  /** For peers that must see what the driver has got: the device of the test, and what it has told. */
  watch?(device: Device, context: RecordingContext): void
  /** Ends the present connections. */
  hangUp(): void
  openConnections(): number
  /** Goes away: connections are refused. */
  stop(): Promise<void>
  /** Comes back on the same address. */
  restart(): Promise<void>
}

export interface DriverHarness {
  readonly name: string
  /** How long the devices of `setup` wait for an answer. */
  readonly timeoutMs: number
  /**
   * For protocols whose answers carry no id: how long after a failure the driver listens for a late answer before it asks
   * again, unless it comes. Default 0.
   */
  readonly listensMs?: number
  createDriver(clock: Clock): Driver
  startPeer(): Promise<ContractPeer>
  /** A device on the peer. Group 0 holds every sensor of `changeValues`. */
  setup(peer: ContractPeer): DeviceSetup
}

const NEVER = new AbortController().signal
const RETRYABLE = ['TIMEOUT', 'PROTOCOL', 'CONNECTION_LOST', 'CONNECTION_FAILED', 'DEVICE_EXCEPTION']

/** One device on one peer, with everything that a test asks of it. */
class Bench {
  readonly clock = new ManualClock()
  readonly context = new RecordingContext()
  readonly driver: Driver
  readonly device: Device
  readonly harness: DriverHarness
  readonly peer: ContractPeer

  constructor(harness: DriverHarness, peer: ContractPeer) {
    this.harness = harness
    this.peer = peer
    this.driver = harness.createDriver(this.clock)
    this.device = this.open(this.context)
    peer.watch?.(this.device, this.context)
  }

  open(context: DriverContext): Device {
    return this.driver.open(this.harness.setup(this.peer), context)
  }

  /** A poll that must give each sensor exactly the true value. */
  async readsTruly(device = this.device): Promise<void> {
    const expected = this.peer.changeValues()
    const sink = new RecordingSink()
    const { requests } = await device.poll(0, sink, NEVER)
    expect(requests).toBeGreaterThan(0)
    expect([...sink.results.keys()].sort((a, b) => a - b)).toEqual([...expected.keys()].sort((a, b) => a - b))
    for (const [sensor, value] of expected) expect(sink.only(sensor)).toEqual({ value })
  }

  /** A poll that must fail with a retryable error and give no value. The clock is moved on until it does. */
  async failsToRead(): Promise<TelemetryError> {
    const sink = new RecordingSink()
    const asked = this.peer.nextRequest()
    let error: unknown = null
    let isOver = false
    const polling = this.device.poll(0, sink, NEVER).then(
      () => (isOver = true),
      (cause: unknown) => {
        error = cause
        isOver = true
      },
    )
    await asked
    for (let turn = 0; turn < 20 && !isOver; turn++) await this.clock.advance(this.harness.timeoutMs / 4)
    expect(isOver).toBe(true)
    await polling
    expect(sink.values).toEqual([])
    if (!isTelemetryError(error)) throw new Error(`The poll gave no TelemetryError but ${String(error)}`)
    expect(RETRYABLE).toContain(error.code)
    expect(error.retryable).toBe(true)
    return error
  }

  /** As acquisition does after a failure: connect anew, poll. */
  async recovers(): Promise<void> {
    this.peer.behave('well')
    await this.device.connect(NEVER)
    if (this.harness.listensMs !== undefined) await this.clock.advance(this.harness.listensMs)
    await this.readsTruly()
  }
}

export function describeDriverContract(harness: DriverHarness): void {
  describe(`the driver contract, ${harness.name}`, () => {
    let peer: ContractPeer
    let bench: Bench

    beforeEach(async () => {
      peer = await harness.startPeer()
      bench = new Bench(harness, peer)
    })

    afterEach(async () => {
      await bench.device.close()
      await peer.stop()
      expect(bench.clock.pending).toBe(0) // no timer outlives its device
    })

    describeReading(() => bench)
    describeFaults(() => bench)
    describeClosing(() => bench)
  })
}

function describeReading(bench: () => Bench): void {
  it('does no I/O before it is connected', async () => {
    expect(bench().peer.openConnections()).toBe(0)
    await expect(bench().device.poll(0, new RecordingSink(), NEVER)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  it('reads every point once, with its true value, poll after poll', async () => {
    await bench().device.connect(NEVER)
    for (let turn = 0; turn < 5; turn++) await bench().readsTruly()
    expect(bench().context.lostCauses).toEqual([])
    expect(bench().context.errors.size).toBe(0)
  })

  it('names the wire that it uses, the same for every device on it', () => {
    expect(bench().device.bus).toMatch(/^[a-z-]+:/)
    expect(bench().open(new RecordingContext()).bus).toBe(bench().device.bus)
  })
}

function describeFaults(bench: () => Bench): void {
  it('fails to connect to a peer that is away, and connects when it is back', async () => {
    await bench().peer.stop()
    await expect(bench().device.connect(NEVER)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
    await bench().peer.restart()
    await bench().recovers()
  })

  it('gives up a silent peer with TIMEOUT', async () => {
    await bench().device.connect(NEVER)
    bench().peer.behave('silent')
    expect((await bench().failsToRead()).code).toBe('TIMEOUT')
    await bench().recovers()
  })

  for (const behaviour of ['garbage', 'halfAnswers', 'hangsUp'] as const) {
    it(`gives no value and recovers when the peer: ${behaviour}`, async () => {
      await bench().device.connect(NEVER)
      await bench().readsTruly()
      for (let turn = 0; turn < 3; turn++) {
        bench().peer.behave(behaviour)
        await bench().failsToRead()
        await bench().recovers()
      }
    })
  }

  it('never takes a late answer for the answer to a later request', async () => {
    await bench().device.connect(NEVER)
    bench().peer.behave('late')
    await bench().failsToRead()
    bench().peer.behave('well')
    await bench().device.connect(NEVER)
    const reading = bench().readsTruly()
    bench().peer.releaseLateAnswers()
    await reading
    await bench().readsTruly()
  })

  it('tells that the connection is gone without being asked', async () => {
    await bench().device.connect(NEVER)
    bench().peer.hangUp()
    await vi.waitFor(() => expect(bench().context.lostCauses).not.toHaveLength(0), EVENTUALLY)
    await bench().recovers()
  })

  it('stops a poll when it is told to, and reads truly afterwards', async () => {
    await bench().device.connect(NEVER)
    bench().peer.behave('late')
    const controller = new AbortController()
    const asked = bench().peer.nextRequest()
    const stopped = expect(bench().device.poll(0, new RecordingSink(), controller.signal)).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await asked
    controller.abort()
    await stopped
    bench().peer.behave('well')
    await bench().device.connect(NEVER)
    bench().peer.releaseLateAnswers()
    await bench().readsTruly()
  })
}

function describeClosing(bench: () => Bench): void {
  it('closes twice, before and after a connection, and can be connected again', async () => {
    await bench().device.close()
    await bench().device.connect(NEVER)
    await bench().device.close()
    await bench().device.close()
    await vi.waitFor(() => expect(bench().peer.openConnections()).toBe(0), EVENTUALLY)
    await bench().recovers()
    expect(bench().context.lostCauses).toEqual([]) // closing is not losing
  })

  it('ends a poll that is under way when it is closed', async () => {
    await bench().device.connect(NEVER)
    bench().peer.behave('silent')
    const asked = bench().peer.nextRequest()
    const ended = expect(bench().device.poll(0, new RecordingSink(), NEVER)).rejects.toSatisfy((error) =>
      isTelemetryError(error),
    )
    await asked
    await bench().device.close()
    await ended
    await bench().recovers()
  })

  it('ends a connection attempt that is under way when it is closed', async () => {
    const ended = expect(bench().device.connect(NEVER)).rejects.toSatisfy((error) => isTelemetryError(error))
    await bench().device.close()
    await ended
    await bench().recovers()
  })
}
