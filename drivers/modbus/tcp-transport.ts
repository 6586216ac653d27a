// Modbus TCP: one socket, one request in flight, framing by modbus-serial. Whatever does not fit the request breaks the
// connection, except answers that come too late: their transaction id is never given out again, so they are thrown away.

import { connect, type Socket } from 'node:net'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { MbapGuard } from './mbap-guard.ts'
import { mismatch } from './pdu.ts'
import { tcpPort, type TcpPort } from './tcp-port.ts'
import { Transactions } from './transactions.ts'
import type { Exchange, Transport, TransportEvents } from './transport.ts'

/** So many strays without an answer in between are a flood, not a slow device. */
const MAX_STRAYS = 64
const KEEP_ALIVE_AFTER_MS = 30_000

export interface TcpTransportOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly events: TransportEvents
}

interface Pending {
  readonly id: number
  readonly request: Exchange
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: TelemetryError) => void
  readonly timer: Timer
}

/** What belongs to one connection and ends with it. */
interface Connection {
  readonly socket: Socket
  readonly port: TcpPort
  readonly guard: MbapGuard
  readonly transactions: Transactions
}

export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions
  readonly #where: string
  #connection: Connection | null = null
  #cancelOpening: ((cause: TelemetryError) => void) | null = null
  #pending: Pending | null = null
  #strays = 0

  constructor(options: TcpTransportOptions) {
    this.#options = options
    this.#where = `${options.host}:${options.port}`
  }

  get isOpen(): boolean {
    return this.#connection !== null
  }

  open(timeoutMs: number): Promise<void> {
    const { host, port, clock } = this.#options
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS })
      const give = (cause: TelemetryError): void => {
        timer.cancel()
        this.#cancelOpening = null
        socket.removeListener('error', refused)
        socket.on('error', () => {}) // what it still has to say comes too late
        socket.destroy()
        reject(cause)
      }
      const refused = (cause: NodeJS.ErrnoException): void =>
        give(
          this.#error('CONNECTION_FAILED', `No connection to ${this.#where} (${cause.code ?? cause.message})`, cause),
        )
      const timer = clock.after(timeoutMs, () =>
        give(this.#error('TIMEOUT', `No connection to ${this.#where} within ${timeoutMs} ms`)),
      )
      this.#cancelOpening = give
      socket.once('error', refused)
      socket.once('connect', () => {
        timer.cancel()
        this.#cancelOpening = null
        socket.removeListener('error', refused)
        this.#adopt(socket)
        resolve()
      })
    })
  }

  exchange(request: Exchange, signal: AbortSignal): Promise<Buffer> {
    const connection = this.#connection
    if (signal.aborted) return Promise.reject(this.#aborted(signal))
    if (connection === null)
      return Promise.reject(this.#error('CONNECTION_LOST', `There is no connection to ${this.#where}`))
    if (this.#pending !== null)
      return Promise.reject(new TelemetryError('INTERNAL', 'Two Modbus requests at once on one wire'))
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.abandon(this.#aborted(signal))
      const settled = <T>(settle: (result: T) => void): ((result: T) => void) => {
        return (result) => {
          this.#pending = null
          timer.cancel()
          signal.removeEventListener('abort', onAbort)
          settle(result)
        }
      }
      const timer = this.#options.clock.after(request.timeoutMs, () => this.#onTimeout(request))
      signal.addEventListener('abort', onAbort, { once: true })
      const id = connection.transactions.issue()
      this.#pending = { id, request, resolve: settled(resolve), reject: settled(reject), timer }
      connection.port.send(id, request.unit, request.pdu)
    })
  }

  abandon(cause: TelemetryError): void {
    const pending = this.#pending
    const connection = this.#connection
    if (pending === null || connection === null) return
    const noted = connection.transactions.abandon(pending.id, pending.request.unit)
    pending.reject(cause)
    // After half a frame the next answer would be taken for the missing half.
    if (connection.guard.isMidFrame) {
      this.fail(this.#error('CONNECTION_LOST', `A request to ${this.#where} was given up in the middle of its answer`))
    } else if (!noted) {
      this.fail(this.#error('CONNECTION_LOST', `Too many requests to ${this.#where} were never answered`))
    }
  }

  fail(cause: TelemetryError): void {
    if (this.#connection === null) return
    this.#end(cause)
    this.#options.events.broken(cause)
  }

  close(): void {
    const cause = this.#error('CONNECTION_LOST', `The connection to ${this.#where} was closed`)
    this.#cancelOpening?.(cause)
    this.#end(cause)
  }

  #end(cause: TelemetryError): void {
    const connection = this.#connection
    this.#connection = null
    this.#strays = 0
    connection?.socket.destroy()
    this.#pending?.reject(cause)
  }

  #adopt(socket: Socket): void {
    const guard = new MbapGuard()
    const isCurrent = (): boolean => this.#connection?.socket === socket
    const lost = (cause?: Error): void => {
      if (isCurrent()) this.fail(this.#error('CONNECTION_LOST', `${this.#where} ended the connection`, cause))
    }
    // Before the port's own listener, so that it never acts on what the guard refuses.
    socket.on('data', (chunk) => {
      const problem = isCurrent() ? guard.accept(chunk) : null
      if (problem !== null) this.fail(this.#error('PROTOCOL', `${this.#where} does not speak Modbus TCP: ${problem}`))
    })
    socket.on('error', lost)
    socket.on('end', () => lost())
    socket.on('close', () => lost())
    const port = tcpPort(socket, (id, unit, pdu) => {
      if (isCurrent()) this.#onFrame(id, unit, pdu)
    })
    this.#connection = { socket, port, guard, transactions: new Transactions() }
  }

  #onFrame(id: number, unit: number, answer: Buffer): void {
    const pending = this.#pending
    if (pending === null || pending.id !== id) {
      this.#onStray(id)
      return
    }
    const { request } = pending
    const problem =
      unit === request.unit ? mismatch(request.pdu, answer) : `unit ${unit} answered for unit ${request.unit}`
    if (problem === null) {
      this.#strays = 0
      pending.resolve(answer)
    } else {
      this.fail(this.#error('PROTOCOL', `${this.#where} gave an answer that does not fit the request: ${problem}`))
    }
  }

  #onStray(id: number): void {
    const stray = this.#connection!.transactions.settle(id)
    this.#strays += 1
    if (stray.kind === 'unknown' || this.#strays > MAX_STRAYS) {
      this.fail(this.#error('PROTOCOL', `${this.#where} answered a request that was never made (transaction ${id})`))
    } else {
      this.#options.events.lateAnswer(stray.kind === 'late' ? stray.unit : null)
    }
  }

  #onTimeout({ unit, timeoutMs }: Exchange): void {
    if (this.#connection?.guard.isMidFrame === true) {
      this.fail(this.#error('PROTOCOL', `Unit ${unit} at ${this.#where} stopped in the middle of an answer`))
    } else {
      this.abandon(this.#error('TIMEOUT', `Unit ${unit} at ${this.#where} did not answer within ${timeoutMs} ms`))
    }
  }

  #error(
    code: 'TIMEOUT' | 'CONNECTION_FAILED' | 'CONNECTION_LOST' | 'PROTOCOL',
    message: string,
    cause?: Error,
  ): TelemetryError {
    return new TelemetryError(code, message, {
      retryable: true,
      context: { host: this.#options.host, port: this.#options.port },
      cause,
    })
  }

  #aborted(signal: AbortSignal): TelemetryError {
    return new TelemetryError('ABORTED', `The request to ${this.#where} was stopped`, { cause: signal.reason })
  }
}
