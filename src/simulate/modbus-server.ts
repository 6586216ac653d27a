// A Modbus TCP server on a bare socket for simulated machines: several units behind one port, each of which can fall silent.
//
//   ADU   transaction u16 · protocol u16 = 0 · length u16 (unit and PDU) · unit u8 · PDU     Messaging Guide V1.0b §3.1.3

import { createServer, type Server, type Socket } from 'node:net'
import { TelemetryError } from '#domain/errors.ts'
import { answerPdu } from './modbus-functions.ts'
import type { RegisterBank } from './register-bank.ts'

const MBAP_BYTES = 7
const MAX_ADU_BYTES = 260 // Messaging Guide V1.0b §4.1

export interface SimulatedUnit {
  readonly bank: RegisterBank
  /** When true the unit does not answer at all, as one without power. */
  silent: boolean
}

export class ModbusServer {
  readonly #units: ReadonlyMap<number, SimulatedUnit>
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(units: ReadonlyMap<number, SimulatedUnit>) {
    this.#units = units
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** Listens and answers the port: `port` itself, or a free one for 0. Throws PORT_IN_USE. */
  listen(port: number, host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(
          new TelemetryError('PORT_IN_USE', `Cannot listen on ${host}:${port}`, { context: { host, port }, cause }),
        )
      })
      this.#server.listen(port, host, () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
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
        const answer = this.#answer(waiting.subarray(0, length + 6))
        waiting = waiting.subarray(length + 6)
        if (answer) socket.write(answer)
      }
    })
  }

  #answer(request: Buffer): Buffer | null {
    const unit = this.#units.get(request[6]!)
    if (!unit || unit.silent) return null
    const pdu = answerPdu(unit.bank, request.subarray(MBAP_BYTES))
    const header = Buffer.from(request.subarray(0, MBAP_BYTES))
    header.writeUInt16BE(pdu.length + 1, 4)
    return Buffer.concat([header, pdu])
  }
}
