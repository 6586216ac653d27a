// Modbus RTU on a serial port in the suite of all drivers: a real pseudo-terminal that can be unplugged.

import { describe, expect, vi } from 'vitest'
import type { Device } from '#domain/driver.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { describeDriverContract, type Behaviour, type ContractPeer } from '#test/contract/driver-contract.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { serialFrame } from '#test/sim/raw-rtu-slave.ts'
import type { RecordingContext } from '#test/sim/recording-sink.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { holdings, modbusSetup } from './modbus-device.ts'

const ADDRESSES = [0, 1, 2, 20, 21] // two requests
const GARBAGE = Buffer.from('\x00\x07\xff\xfeSSH-2.0-nonsense\r\n', 'latin1')
const REQUEST_BYTES = 8
const TIMEOUT_MS = 400
/** How often the suite unplugs in one test. */
const SPARES = 4

/** Unit 1 at the far end of the line; it knows function 3. */
class UnitOnPort implements ContractPeer {
  readonly pty: SerialPty
  readonly #words = new Uint16Array(64)
  #behaviour: Behaviour = 'well'
  #late: Buffer[] = []
  #input = Buffer.alloc(0)
  #round = 0
  #onRequest: (() => void)[] = []
  #losses = (): number => 0

  constructor(pty: SerialPty) {
    this.pty = pty
    pty.onData = (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk])
      while (this.#input.length >= REQUEST_BYTES) {
        const request = this.#input.subarray(0, REQUEST_BYTES)
        this.#input = this.#input.subarray(REQUEST_BYTES)
        void this.#answer(request)
      }
    }
  }

  watch(_device: Device, context: RecordingContext): void {
    this.#losses = () => context.lostCauses.length
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  changeValues(): ReadonlyMap<SensorNumber, Value> {
    this.#round += 1
    for (const address of ADDRESSES) this.#words[address] = this.#round * 1000 + address
    return new Map(ADDRESSES.map((address, sensor) => [sensor, this.#round * 1000 + address]))
  }

  releaseLateAnswers(): void {
    for (const answer of this.#late.splice(0)) this.pty.send(answer)
  }

  nextRequest(): Promise<unknown> {
    return new Promise<void>((resolve) => this.#onRequest.push(resolve))
  }

  hangUp(): void {
    this.pty.unplug()
    this.#input = Buffer.alloc(0)
    this.pty.plugIn()
  }

  openConnections(): number {
    return this.pty.openCount
  }

  stop(): Promise<void> {
    this.pty.unplug()
    this.#input = Buffer.alloc(0)
    return Promise.resolve()
  }

  restart(): Promise<void> {
    this.pty.plugIn()
    return Promise.resolve()
  }

  async #answer(request: Buffer): Promise<void> {
    const [address, count] = [request.readUInt16BE(2), request.readUInt16BE(4)]
    const words = [...this.#words.subarray(address, address + count)]
    const truth = serialFrame(1, Buffer.from([3, 2 * count, ...words.flatMap((word) => [word >> 8, word & 0xff])]))
    const losses = this.#losses()
    switch (this.#behaviour) {
      case 'well':
        this.pty.send(truth)
        break
      case 'silent':
        break
      case 'garbage':
        this.pty.send(GARBAGE)
        break
      case 'halfAnswers':
        this.pty.send(truth.subarray(0, truth.length >> 1))
        break
      case 'late':
        this.#late.push(truth)
        break
      case 'hangsUp':
        this.hangUp()
        // Only when the driver has noticed does the suite go on: else it would use the port that is gone once more.
        await vi.waitFor(() => expect(this.#losses()).toBeGreaterThan(losses), EVENTUALLY)
        break
    }
    for (const resolve of this.#onRequest.splice(0)) resolve()
  }
}

describe.skipIf(!hasSocat)('on a pseudo-terminal (needs socat)', () => {
  describeDriverContract({
    name: 'modbus RTU on a serial port',
    timeoutMs: TIMEOUT_MS,
    // After an answer that never came the line is left alone for as long again: in real time here.
    createDriver: (clock) => modbusDriver({ clock, lineClock: systemClock }),
    startPeer: async () => new UnitOnPort(await SerialPty.start(SPARES)),
    setup: (peer) => {
      if (!(peer instanceof UnitOnPort)) throw new TypeError('Another harness made this peer')
      const connection = { transport: 'rtu', path: peer.pty.path, baudRate: 115_200, timeout: TIMEOUT_MS } as const
      return modbusSetup({ sensors: holdings(...ADDRESSES), connection })
    },
  })
})
