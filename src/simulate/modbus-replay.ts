// Plays back what a device's wire recorder holds (GET /api/v1/devices/{id}/frames, or a support bundle): a simulated
// device that answers each recorded request as the real one did, faults included. For the same request asked again, the
// recorded answers come in turn; the last one stays.
//
//   const replay = await ModbusReplay.start('tcp', framesFromJson(await response.json()))
//   … a device on 127.0.0.1:replay.port …

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'

type Framing = 'tcp' | 'rtu'

/** Bytes that followed a request, in order; none: the device was silent. */
type Answer = readonly Buffer[]

/** Frames as the API gives them, or a list of such items. Throws an Error that names the frame that is none. */
export function framesFromJson(body: unknown): readonly WireFrame[] {
  const items = Array.isArray(body) ? body : (body as { items?: unknown } | null)?.items
  if (!Array.isArray(items)) throw new Error('it holds no frames: { "items": [ … ] } is expected')
  return items.map(frameOf)
}

function frameOf(item: unknown, index: number): WireFrame {
  const { time, direction, bytes } = (item ?? {}) as Partial<Record<'time' | 'direction' | 'bytes', unknown>>
  const isHex = typeof bytes === 'string' && /^(?:[0-9a-f]{2})*$/i.test(bytes)
  if ((direction !== 'sent' && direction !== 'received') || !isHex)
    throw new Error(`frame ${index + 1} is no recorded frame`)
  return { time: Date.parse(String(time)), direction, bytes: Buffer.from(bytes, 'hex') }
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

  /** Listens on a free port of 127.0.0.1 unless told otherwise. Throws PORT_IN_USE. */
  static async start(
    framing: Framing,
    frames: readonly WireFrame[],
    { port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {},
  ): Promise<ModbusReplay> {
    const server = createServer()
    const replay = new ModbusReplay(server, framing, frames)
    server.listen(port, host)
    await once(server, 'listening').catch((cause: unknown) => {
      throw new TelemetryError('PORT_IN_USE', `Cannot listen on ${host}:${port}`, { context: { host, port }, cause })
    })
    return replay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
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
      if (answers === undefined && this.unknown.length < 1000) this.unknown.push(key)
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
