// A peer on raw TCP that speaks just enough MQTT to misbehave. It shares no code with the client: frames are written by hand.
//
//   packet  = type and flags u8 · remaining length varint (7 bits a byte, low first) · rest           (MQTT 3.1.1 §2.2)
//   PUBLISH = topic length u16 · topic · packet id u16 (qos 1) · [properties length varint · …] · payload

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface Packet {
  readonly type: number
  readonly flags: number
  readonly body: Buffer
}

export const CONNECT = 1
export const PUBLISH = 3
export const DISCONNECT = 14

export const CONNACK_OK = Buffer.from([0x20, 2, 0, 0])
/** MQTT 5, Receive Maximum 2, Maximum Packet Size 200. */
export const CONNACK_5_SMALL = Buffer.from([0x20, 11, 0, 0, 8, 0x21, 0, 2, 0x27, 0, 0, 0, 200])

export function puback(id: number, reasonCode?: number): Buffer {
  return reasonCode === undefined
    ? Buffer.from([0x40, 2, id >> 8, id & 255])
    : Buffer.from([0x40, 3, id >> 8, id & 255, reasonCode])
}

/** Packet id of a PUBLISH with qos 1; null for qos 0. */
export function packetId({ flags, body }: Packet): number | null {
  return (flags & 0b0110) === 0 ? null : body.readUInt16BE(2 + body.readUInt16BE(0))
}

type Script = (packet: Packet, socket: Socket) => void

export class RawBroker {
  readonly packets: Packet[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(script: Script) {
    this.#server = createServer((socket) => {
      let rest = Buffer.alloc(0)
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        rest = Buffer.concat([rest, chunk])
        for (let packet = split(rest); packet !== null; packet = split(rest)) {
          rest = rest.subarray(packet.bytes)
          this.packets.push(packet)
          script(packet, socket)
        }
      })
    })
  }

  static async start(script: Script): Promise<RawBroker> {
    const broker = new RawBroker(script)
    broker.#server.listen(0, '127.0.0.1')
    await once(broker.#server, 'listening')
    return broker
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get publishes(): Packet[] {
    return this.packets.filter((packet) => packetId(packet) !== null && packet.type === PUBLISH)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function split(bytes: Buffer): (Packet & { bytes: number }) | null {
  let length = 0
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    length += (bytes[at]! & 0x7f) * 128 ** (at - 1)
    if (bytes[at]! > 0x7f) continue
    const end = at + 1 + length
    if (bytes.length < end) return null
    return { type: bytes[0]! >> 4, flags: bytes[0]! & 15, body: bytes.subarray(at + 1, end), bytes: end }
  }
  return null
}
