// Plays back what a device's wire recorder holds (GET /api/v1/devices/{id}/frames, or a support bundle): a simulated
// device that answers each recorded request as the real one did, faults included. For the same request asked again, the
// recorded answers come in turn; the last one stays.
//
//   const replay = await ModbusReplay.start('tcp', framesFromJson(await response.json()))
//   … a device on 127.0.0.1:replay.port …

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { WireFrame } from '#domain/driver.ts'

type Framing = 'tcp' | 'rtu'

/** Bytes that followed a request, in order; none: the device was silent. */
type Answer = readonly Buffer[]

/** Frames as the API gives them. */
export function framesFromJson(body: {
  items: readonly { time: string; direction: string; bytes: string }[]
}): readonly WireFrame[] {
  return body.items.map(({ time, direction, bytes }) => ({
    time: Date.parse(time),
    direction: direction === 'sent' ? 'sent' : 'received',
    bytes: Buffer.from(bytes, 'hex'),
  }))
}

export class ModbusReplay {
  readonly #server: Server
  readonly #framing: Framing
  readonly #sockets = new Set<Socket>()
  readonly #answers = new Map<string, Answer[]>()
  /** Requests that the recording does not hold; they are not answered. */
  readonly unknown: string[] = []

  private constructor(server: Server, framing: Framing, frames: readonly WireFrame[]) {
    this.#server = server
    this.#framing = framing
    let answer: Buffer[] | null = null // what was received before the first request belongs to none
    for (const { direction, bytes } of frames) {
      if (direction === 'received') answer?.push(Buffer.from(bytes))
      else {
        answer = []
        const key = this.#keyOf(Buffer.from(bytes))
        this.#answers.set(key, [...(this.#answers.get(key) ?? []), answer])
      }
    }
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(framing: Framing, frames: readonly WireFrame[]): Promise<ModbusReplay> {
    const server = createServer()
    const replay = new ModbusReplay(server, framing, frames)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return replay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    // One request at a time is in flight, and each is written at once: a chunk is a request.
    socket.on('data', (request) => {
      const key = this.#keyOf(request)
      const answers = this.#answers.get(key)
      if (answers === undefined) this.unknown.push(key)
      const answer = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0]
      for (const bytes of answer ?? []) socket.write(this.#fitted(bytes, request))
    })
  }

  /** The request without its transaction id. */
  #keyOf(request: Buffer): string {
    return request.subarray(this.#framing === 'tcp' ? 2 : 0).toString('hex')
  }

  /** The recorded answer with the transaction id of the present request. */
  #fitted(recorded: Buffer, request: Buffer): Buffer {
    return this.#framing === 'rtu' ? recorded : Buffer.concat([request.subarray(0, 2), recorded.subarray(2)])
  }
}
