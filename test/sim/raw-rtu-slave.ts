// A Modbus RTU line on a bare TCP server, whose every answer the test decides, right or wrong. Written from the
// specification (Modbus over Serial Line V1.02), with a checksum of its own: it shares nothing with the driver. Behind a
// pty made by socat (serial-line.ts) it is a serial line.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface RtuRequest {
  readonly unit: number
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
  readonly pdu: Buffer
  /** As it came, checksum included. */
  readonly frame: Buffer
  readonly socket: Socket
  readonly send: (bytes: Uint8Array) => void
  /** A whole frame with the right checksum. */
  readonly reply: (pdu: Uint8Array, unit?: number) => void
}

export type RtuBehaviour = (request: RtuRequest) => void

/** The checksum, bit by bit as the specification draws it (§6.2.2). */
function checksum(bytes: Uint8Array): [number, number] {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc % 2 === 1 ? ((crc - 1) / 2) ^ 0xa001 : crc / 2
  }
  return [crc & 0xff, crc >> 8]
}

export function serialFrame(unit: number, pdu: Uint8Array): Buffer {
  const body = Buffer.from([unit, ...pdu])
  return Buffer.from([...body, ...checksum(body)])
}

export class RawRtuSlave {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #listeners: ((request: RtuRequest) => void)[] = []
  /** Holding and input registers of every unit; coils and discrete inputs by their lowest bit. */
  readonly words = new Uint16Array(65_536)
  behaviour: RtuBehaviour
  /** Every request that came, those of all units. */
  readonly requests: RtuRequest[] = []
  accepted = 0

  private constructor(server: Server) {
    this.#server = server
    this.behaviour = this.answer
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(port = 0): Promise<RawRtuSlave> {
    const server = createServer()
    const slave = new RawRtuSlave(server)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return slave
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  readonly answer: RtuBehaviour = (request) => {
    const pdu = this.honestPdu(request)
    if (request.unit !== 0) request.reply(pdu) // 0 is the broadcast
  }

  nextRequest(): Promise<RtuRequest> {
    return new Promise((resolve) => this.#listeners.push(resolve))
  }

  /** Sends bytes that nobody asked for. */
  broadcast(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.hangUp()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  honestPdu({ functionCode, address, quantity, pdu }: RtuRequest): Buffer {
    const { words } = this
    const registers = (from: number, count: number): number[] =>
      [...words.subarray(from, from + count)].flatMap((word) => [word >> 8, word & 0xff])
    switch (functionCode) {
      case 1:
      case 2: {
        const bytes = Array.from({ length: Math.ceil(quantity / 8) }, () => 0)
        for (let at = 0; at < quantity; at++) bytes[at >> 3]! |= (words[address + at]! & 1) << (at & 7)
        return Buffer.from([functionCode, bytes.length, ...bytes])
      }
      case 3:
      case 4:
        return Buffer.from([functionCode, quantity * 2, ...registers(address, quantity)])
      case 5:
        words[address] = quantity === 0xff00 ? 1 : 0
        return pdu
      case 6:
        words[address] = quantity
        return pdu
      case 16:
        for (let at = 0; at < quantity; at++) words[address + at] = pdu.readUInt16BE(6 + at * 2)
        return pdu.subarray(0, 5)
      case 22:
        words[address] = (words[address]! & quantity) | (pdu.readUInt16BE(5) & ~quantity)
        return pdu
      case 23: {
        const target = pdu.readUInt16BE(5)
        for (let at = 0; at < pdu.readUInt16BE(7); at++) words[target + at] = pdu.readUInt16BE(10 + at * 2)
        return Buffer.from([23, quantity * 2, ...registers(address, quantity)])
      }
      default:
        return Buffer.from([functionCode | 0x80, 1])
    }
  }

  #serve(socket: Socket): void {
    this.accepted += 1
    this.#sockets.add(socket)
    socket.setNoDelay()
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (let length = requestLength(received); received.length >= length; length = requestLength(received)) {
        this.#take(socket, received.subarray(0, length))
        received = received.subarray(length)
      }
    })
  }

  #take(socket: Socket, bytes: Buffer): void {
    const frame = Buffer.from(bytes)
    const unit = frame[0]!
    const pdu = frame.subarray(1, -2)
    if (!serialFrame(unit, pdu).equals(frame))
      throw new Error(`A request with a wrong checksum: ${frame.toString('hex')}`)
    const request: RtuRequest = {
      unit,
      functionCode: pdu[0]!,
      address: pdu.readUInt16BE(1),
      quantity: pdu.readUInt16BE(3),
      pdu,
      frame,
      socket,
      send: (sent) => void socket.write(sent),
      reply: (answer, other = unit) => void socket.write(serialFrame(other, answer)),
    }
    this.requests.push(request)
    for (const listener of this.#listeners.splice(0)) listener(request)
    this.behaviour(request)
  }
}

/** Bytes of the request at the beginning; Infinity while too few have come to know. */
function requestLength(bytes: Buffer): number {
  if (bytes.length < 8) return Number.POSITIVE_INFINITY
  switch (bytes[1]) {
    case 15:
    case 16:
      return 9 + bytes[6]!
    case 22:
      return 10
    case 23:
      return bytes.length < 11 ? Number.POSITIVE_INFINITY : 13 + bytes[10]!
    default:
      return 8
  }
}
