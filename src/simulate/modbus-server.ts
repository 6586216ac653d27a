// A Modbus TCP server on a bare socket for simulated machines: several units behind one port, each with faults of its own.
//
//   ADU   transaction u16 · protocol u16 = 0 · length u16 (unit and PDU) · unit u8 · PDU     Messaging Guide V1.0b §3.1.3

import { createServer, type Server, type Socket } from 'node:net'
import { TelemetryError } from '#domain/errors.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { spoil, type LineFaults } from './line-faults.ts'
import { answerPdu } from './modbus-functions.ts'
import type { RegisterBank } from './register-bank.ts'

const MBAP_BYTES = 7
const MAX_ADU_BYTES = 260 // Messaging Guide V1.0b §4.1
/** Far from the ids that the client has just used: its answer fits nothing. */
const STRANGE_TRANSACTION = 0x4000

export interface SimulatedUnit {
  readonly bank: RegisterBank
  readonly faults: LineFaults
  /** Brings the bank up to date before a request is answered. */
  readonly beforeRequest?: () => void
  /** After a request that may have written. */
  readonly afterRequest?: () => void
}

export interface ModbusServerOptions {
  readonly clock?: Clock
  readonly random?: () => number
}

export class ModbusServer {
  readonly #units: ReadonlyMap<number, SimulatedUnit>
  readonly #sockets = new Set<Socket>()
  readonly #clock: Clock
  readonly #random: () => number
  #server: Server
  #port = 0
  #host = ''
  #isRefusing = false

  constructor(
    units: ReadonlyMap<number, SimulatedUnit>,
    { clock = systemClock, random = Math.random }: ModbusServerOptions = {},
  ) {
    this.#units = units
    this.#clock = clock
    this.#random = random
    this.#server = createServer((socket) => this.#serve(socket))
    for (const { faults } of units.values()) faults.onChange = () => this.#onFaults()
  }

  /** Listens and answers the port: `port` itself, or a free one for 0. Throws PORT_IN_USE. */
  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    this.#host = host
    this.#port = await listening(this.#server, port, host)
    return this.#port
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #onFaults(): void {
    const units = [...this.#units.values()]
    if (units.some(({ faults }) => faults.has('hang-up'))) for (const socket of this.#sockets) socket.destroy()
    const isRefusing = units.some(({ faults }) => faults.has('refuse'))
    if (isRefusing === this.#isRefusing) return
    this.#isRefusing = isRefusing
    if (isRefusing) void this.close()
    else {
      this.#server = createServer((socket) => this.#serve(socket))
      listening(this.#server, this.#port, this.#host).catch(() => {}) // the port was taken meanwhile: it keeps refusing
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    let waiting: Buffer = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
      while (waiting.length >= MBAP_BYTES) {
        const length = waiting.readUInt16BE(4)
        if (length < 2 || length + 6 > MAX_ADU_BYTES || waiting.readUInt16BE(2) !== 0) {
          socket.destroy()
          return
        }
        if (waiting.length < length + 6) return
        this.#answer(socket, waiting.subarray(0, length + 6))
        waiting = waiting.subarray(length + 6)
      }
    })
  }

  #answer(socket: Socket, request: Buffer): void {
    const unit = this.#units.get(request[6]!)
    if (!unit) return
    const { faults } = unit
    if (faults.has('hang-up')) {
      socket.destroy()
      return
    }
    const pdu = unitAnswer(unit, request.subarray(MBAP_BYTES))
    const header = Buffer.from(request.subarray(0, MBAP_BYTES))
    header.writeUInt16BE(pdu.length + 1, 4)
    if (faults.has('wrong-unit')) header[6] = (header[6]! + 1) & 0xff
    if (faults.has('wrong-transaction')) header.writeUInt16BE(header.readUInt16BE(0) ^ STRANGE_TRANSACTION, 0)
    const frame = spoil(Buffer.concat([header, pdu]), faults, this.#random)
    if (frame === null) return
    if (faults.delayMs === 0) socket.write(frame)
    else this.#clock.after(faults.delayMs, () => void (socket.writable && socket.write(frame)))
  }
}

/** The PDU with which a unit answers, its faults considered. */
export function unitAnswer(unit: SimulatedUnit, request: Buffer): Buffer {
  const { bank, faults } = unit
  const code = faults.exceptionCode
  if (code !== null) return Buffer.from([request[0]! | 0x80, code])
  unit.beforeRequest?.()
  const answer = answerPdu(bank, request)
  unit.afterRequest?.()
  return answer
}

/** The port. Throws PORT_IN_USE. */
function listening(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new TelemetryError('PORT_IN_USE', `Cannot listen on ${host}:${port}`, { context: { host, port }, cause }))
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
