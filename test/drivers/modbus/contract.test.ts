// The Modbus driver in the suite of all drivers.

import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { describeDriverContract, type Behaviour, type ContractPeer } from '#test/contract/driver-contract.ts'
import { systemClock } from '#kit/clock.ts'
import { RawRtuSlave, serialFrame, type RtuRequest } from '#test/sim/raw-rtu-slave.ts'
import { mbapFrame, RawModbusSlave, type RawRequest } from '#test/sim/raw-modbus-slave.ts'
import { holdings, modbusSetup, TIMEOUT_MS } from './modbus-device.ts'

const ADDRESSES = [0, 1, 2, 20, 21] // two requests
const GARBAGE = Buffer.from('\x00\x07\xff\xfeSSH-2.0-nonsense\r\n', 'latin1')

class ModbusPeer implements ContractPeer {
  readonly port: number
  #slave: RawModbusSlave
  #late: (() => void)[] = []
  #round = 0

  constructor(slave: RawModbusSlave) {
    this.#slave = slave
    this.port = slave.port
  }

  behave(behaviour: Behaviour): void {
    const behaviours: Record<Behaviour, (request: RawRequest) => void> = {
      well: this.#slave.answer,
      silent: () => {},
      garbage: (request) => request.send(GARBAGE),
      halfAnswers: (request) => {
        const whole = mbapFrame(request.id, request.unit, this.#slave.honestPdu(request))
        request.send(whole.subarray(0, whole.length >> 1))
      },
      late: (request) => {
        const pdu = this.#slave.honestPdu(request) // as true as it was when asked
        this.#late.push(() => request.reply(pdu))
      },
      hangsUp: (request) => request.socket.destroy(),
    }
    this.#slave.behaviour = behaviours[behaviour]
  }

  changeValues(): ReadonlyMap<SensorNumber, Value> {
    this.#round += 1
    for (const address of ADDRESSES) this.#slave.words[address] = this.#round * 1000 + address
    return new Map(ADDRESSES.map((address, sensor) => [sensor, this.#round * 1000 + address]))
  }

  releaseLateAnswers(): void {
    for (const send of this.#late.splice(0)) send()
  }

  nextRequest(): Promise<unknown> {
    return this.#slave.nextRequest()
  }

  hangUp(): void {
    this.#slave.hangUp()
  }

  openConnections(): number {
    return this.#slave.openConnections
  }

  stop(): Promise<void> {
    return this.#slave.stop()
  }

  async restart(): Promise<void> {
    this.#slave = await RawModbusSlave.start(this.port)
  }
}

const RTU_TIMEOUT_MS = 400

/** The same behaviours on a line of RTU frames behind a TCP connection. */
class RtuPeer implements ContractPeer {
  readonly port: number
  #slave: RawRtuSlave
  #late: (() => void)[] = []
  #round = 0

  constructor(slave: RawRtuSlave) {
    this.#slave = slave
    this.port = slave.port
  }

  behave(behaviour: Behaviour): void {
    const behaviours: Record<Behaviour, (request: RtuRequest) => void> = {
      well: this.#slave.answer,
      silent: () => {},
      garbage: (request) => request.send(GARBAGE),
      halfAnswers: (request) => {
        const whole = serialFrame(request.unit, this.#slave.honestPdu(request))
        request.send(whole.subarray(0, whole.length >> 1))
      },
      late: (request) => {
        const pdu = this.#slave.honestPdu(request)
        this.#late.push(() => request.reply(pdu))
      },
      hangsUp: (request) => request.socket.destroy(),
    }
    this.#slave.behaviour = behaviours[behaviour]
  }

  changeValues(): ReadonlyMap<SensorNumber, Value> {
    this.#round += 1
    for (const address of ADDRESSES) this.#slave.words[address] = this.#round * 1000 + address
    return new Map(ADDRESSES.map((address, sensor) => [sensor, this.#round * 1000 + address]))
  }

  releaseLateAnswers(): void {
    for (const send of this.#late.splice(0)) send()
  }

  nextRequest(): Promise<unknown> {
    return this.#slave.nextRequest()
  }

  hangUp(): void {
    this.#slave.hangUp()
  }

  openConnections(): number {
    return this.#slave.openConnections
  }

  stop(): Promise<void> {
    return this.#slave.stop()
  }

  async restart(): Promise<void> {
    this.#slave = await RawRtuSlave.start(this.port)
  }
}

describeDriverContract({
  name: 'modbus RTU over TCP',
  timeoutMs: RTU_TIMEOUT_MS,
  // After an answer that never came the line is left alone for as long again: in real time here.
  createDriver: (clock) => modbusDriver({ clock, lineClock: systemClock }),
  startPeer: async () => new RtuPeer(await RawRtuSlave.start()),
  setup: (peer) => {
    if (!(peer instanceof RtuPeer)) throw new TypeError('Another harness made this peer')
    const connection = {
      transport: 'rtu-over-tcp',
      host: '127.0.0.1',
      port: peer.port,
      timeout: RTU_TIMEOUT_MS,
    } as const
    return modbusSetup({ connection, sensors: holdings(...ADDRESSES) })
  },
})

describeDriverContract({
  name: 'modbus over TCP',
  timeoutMs: TIMEOUT_MS,
  createDriver: (clock) => modbusDriver({ clock }),
  startPeer: async () => new ModbusPeer(await RawModbusSlave.start()),
  setup: (peer) => {
    if (!(peer instanceof ModbusPeer)) throw new TypeError('Another harness made this peer')
    return modbusSetup({ port: peer.port, sensors: holdings(...ADDRESSES) })
  },
})
