// A Modbus TCP slave on a bare socket whose every answer the test decides, right or wrong. It is written from the
// specification and shares nothing with the driver, so that a mistake of the driver's codec cannot hide in it.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface RawRequest {
  readonly id: number
  readonly unit: number
  readonly functionCode: number
  /** The two words after the function code: address and quantity, or address and value. */
  readonly address: number
  readonly quantity: number
  /** Function code and everything after it. */
  readonly pdu: Buffer
  /** Sends any bytes. */
  send(bytes: Buffer): void
  /** Sends a whole frame; id and unit of the request unless others are given. */
  reply(pdu: Buffer, other?: { id?: number; unit?: number; protocol?: number; length?: number }): void
  readonly socket: Socket
}

export type Behaviour = (request: RawRequest) => void

/** A frame as the specification draws it. `length` other than the true one makes it a lie. */
export function mbapFrame(id: number, unit: number, pdu: Buffer, protocol = 0, length = pdu.length + 1): Buffer {
  const header = Buffer.alloc(7)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(protocol, 2)
  header.writeUInt16BE(length, 4)
  header[6] = unit
  return Buffer.concat([header, pdu])
}

export class RawModbusSlave {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #listeners: ((request: RawRequest) => void)[] = []
  /** Registers of holding and input, and by their lowest bit coils and discrete inputs, of every unit. */
  readonly words = new Uint16Array(65_536)
  /** What is done with each request; changed by the test at will. */
  behaviour: Behaviour
  /** Every request that came. */
  readonly requests: RawRequest[] = []
  /** Connections ever accepted. */
  accepted = 0

  private constructor(server: Server) {
    this.#server = server
    this.behaviour = this.answer
    server.on('connection', (socket) => this.#serve(socket))
  }

  /** @param port 0: a free one. */
  static async start(port = 0): Promise<RawModbusSlave> {
    const server = createServer()
    const slave = new RawModbusSlave(server)
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

  /** The honest answer from `words`. */
  readonly answer: Behaviour = (request) => request.reply(this.honestPdu(request))

  /** Resolves with the next request that comes from now on. */
  nextRequest(): Promise<RawRequest> {
    return new Promise((resolve) => this.#listeners.push(resolve))
  }

  /** Ends every connection. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.hangUp()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Sends bytes that nobody asked for to every connection. */
  broadcast(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  honestPdu(request: RawRequest): Buffer {
    const { functionCode, address, quantity } = request
    switch (functionCode) {
      case 1:
      case 2:
        return Buffer.from([functionCode, Math.ceil(quantity / 8), ...this.#bits(address, quantity)])
      case 3:
      case 4:
        return Buffer.from([functionCode, quantity * 2, ...this.#bytes(address, quantity)])
      case 5:
        this.words[address] = quantity === 0xff00 ? 1 : 0
        return request.pdu
      case 6:
        this.words[address] = quantity
        return request.pdu
      case 15:
        for (let index = 0; index < quantity; index++)
          this.words[address + index] = (request.pdu[6 + (index >> 3)]! >> (index & 7)) & 1
        return request.pdu.subarray(0, 5)
      case 16:
        for (let index = 0; index < quantity; index++)
          this.words[address + index] = request.pdu.readUInt16BE(6 + index * 2)
        return request.pdu.subarray(0, 5)
      default:
        return Buffer.from([functionCode | 0x80, 1])
    }
  }

  #bytes(address: number, quantity: number): number[] {
    return [...this.words.subarray(address, address + quantity)].flatMap((word) => [word >> 8, word & 0xff])
  }

  #bits(address: number, quantity: number): number[] {
    const bytes = Array.from({ length: Math.ceil(quantity / 8) }, () => 0)
    for (let index = 0; index < quantity; index++)
      bytes[index >> 3]! |= (this.words[address + index]! & 1) << (index & 7)
    return bytes
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
      while (received.length >= 6 && received.length >= 6 + received.readUInt16BE(4)) {
        const end = 6 + received.readUInt16BE(4)
        this.#take(socket, received.subarray(0, end))
        received = received.subarray(end)
      }
    })
  }

  #take(socket: Socket, frame: Buffer): void {
    const id = frame.readUInt16BE(0)
    const unit = frame[6]!
    const pdu = Buffer.from(frame.subarray(7))
    const request: RawRequest = {
      id,
      unit,
      functionCode: pdu[0]!,
      address: pdu.length < 3 ? 0 : pdu.readUInt16BE(1),
      quantity: pdu.length < 5 ? 0 : pdu.readUInt16BE(3),
      pdu,
      socket,
      send: (bytes) => void socket.write(bytes),
      reply: (answer, other = {}) =>
        void socket.write(mbapFrame(other.id ?? id, other.unit ?? unit, answer, other.protocol, other.length)),
    }
    this.requests.push(request)
    for (const listener of this.#listeners.splice(0)) listener(request)
    this.behaviour(request)
  }
}
