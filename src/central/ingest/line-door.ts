// The line protocol over TCP, plain or TLS (line-protocol.ts has its grammar). Lines, connections and times are bounded.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { IngestReading } from '#domain/ingest.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { ServerTls } from '#rpc/server.ts'
import type { IngestPort } from '../ingest-ports.ts'
import { MAX_LINE_BYTES, MAX_LINES_AT_ONCE, parseLogin, parseReading } from './line-protocol.ts'
import type { Authenticate, Sender } from './sender.ts'

const LOGIN_MS = 10_000
const IDLE_MS = 300_000
const MAX_CONNECTIONS = 1000
const NEW_LINE = 0x0a

export interface LineDoorOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls: ServerTls | null
  readonly authenticate: Authenticate
  readonly ingest: IngestPort
  readonly clock: Clock
  readonly log: Log
}

interface Speaker extends Sender {
  readonly key: string
  /** The program's name. */
  readonly source: string
}

export class LineDoor {
  readonly name = 'line'
  readonly #options: LineDoorOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What is being answered. */
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: LineDoorOptions) {
    this.#options = options
    const { tls } = options
    const serve = (socket: Socket): void => this.#serve(socket)
    const mutual = tls?.clientCa ? { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } : {}
    this.#server = tls
      ? createTlsServer({ cert: tls.cert, key: tls.key, handshakeTimeout: LOGIN_MS, ...mutual }, serve)
      : createServer(serve)
    this.#server.maxConnections = MAX_CONNECTIONS
    if (tls) this.#server.on('tlsClientError', () => {}) // it closes the connection by itself
  }

  /** Throws PORT_IN_USE. */
  async listen(): Promise<number> {
    const { host, port } = this.#options
    try {
      this.#server.listen(port, host)
      await once(this.#server, 'listening')
    } catch (cause) {
      throw new TelemetryError('PORT_IN_USE', `The line protocol cannot listen on ${host}:${port}`, { cause })
    }
    return (this.#server.address() as AddressInfo).port // it listens on a port, not on a pipe
  }

  async stop(signal: AbortSignal): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve()
    if (this.#server.listening) this.#server.close()
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([Promise.all(this.#underWay), aborted])
    for (const socket of this.#sockets) socket.destroySoon()
    await Promise.race([closed, aborted])
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    // Whatever trickles in: who has shown no key by then is none of ours.
    const login = this.#options.clock.after(LOGIN_MS, () => socket.destroy())
    socket.once('close', () => login.cancel())
    void this.#converse(socket, login).catch((cause: unknown) => this.#refuse(socket, toTelemetryError(cause)))
    socket.once('close', () => this.#sockets.delete(socket))
  }

  async #converse(socket: Socket, login: Timer): Promise<void> {
    let sender: Speaker | null = null
    let readings: IngestReading[] = []
    let number = 0
    for await (const line of linesOf(socket)) {
      number += 1
      try {
        if (sender === null) {
          sender = await this.#login(line)
          login.cancel()
          socket.write('OK 0 0\n')
          continue
        }
        const reading = parseReading(line)
        if (reading) readings.push(reading)
        if (reading && readings.length < MAX_LINES_AT_ONCE) continue
        const given = readings
        readings = []
        await this.#keep(socket, sender, given)
      } catch (cause) {
        if (isTelemetryError(cause)) throw new TelemetryError(cause.code, `line ${number}: ${cause.message}`, { cause })
        throw cause
      }
    }
    socket.end()
  }

  async #keep(socket: Socket, { key, source, tenant }: Speaker, readings: IngestReading[]): Promise<void> {
    await this.#options.authenticate(key) // a connection can outlive its key
    const taking = this.#options.ingest.takeProgram(tenant, { source, readings, events: [] })
    const kept = taking.then(
      ({ accepted, repeated }) => void socket.write(`OK ${accepted} ${repeated}\n`),
      () => {}, // thrown below
    )
    this.#underWay.add(kept)
    try {
      await taking
      await kept
    } finally {
      this.#underWay.delete(kept)
    }
  }

  async #login(line: string): Promise<Speaker> {
    const { key, source } = parseLogin(line)
    const sender = await this.#options.authenticate(key)
    if (sender.gateway !== null && sender.gateway !== source)
      throw new TelemetryError('PERMISSION_DENIED', 'The key is that of another sender')
    return { ...sender, key, source }
  }

  #refuse(socket: Socket, { code, message }: TelemetryError): void {
    if (socket.destroyed) return
    this.#options.log.info({ from: socket.remoteAddress, code, reason: message }, 'A program was refused')
    socket.end(`ERROR ${message.replaceAll(/[\r\n]+/g, ' ')}\n`)
  }
}

/** The socket stays open when reading ends early: the reason is still to be written. */
function chunksOf(socket: Socket): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer> }
}

/** Lines without their ends. Throws PROTOCOL when one is too long. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunksOf(socket)) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE)) {
      if (end > MAX_LINE_BYTES) break
      yield bytes.toString('utf8', 0, end)
      bytes = bytes.subarray(end + 1)
    }
    if (bytes.length > MAX_LINE_BYTES)
      throw new TelemetryError('PROTOCOL', `A line has at most ${MAX_LINE_BYTES} bytes`)
    rest = Buffer.from(bytes)
  }
}
