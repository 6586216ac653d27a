// One serial port and the devices on it: opened for the first, closed after the last. Devices that are asked take turns
// (acquisition sees to it); a device that sends by itself has the port for itself.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { Conversation, type Ask, type Asker } from './conversation.ts'
import { openPort, type OpenPort, type PortSettings } from '#kit/serial-port.ts'

export interface LineMember {
  /** Of devices that listen: everything that comes. */
  receive?(chunk: Uint8Array): void
  lost(cause: TelemetryError): void
}

export class Line {
  readonly #members = new Set<LineMember>()
  readonly #conversation: Conversation
  #port: OpenPort | null = null
  #opening: Promise<void> | null = null
  #closing: Promise<void> = Promise.resolve()
  #asking: LineMember | null = null

  constructor(clock: Clock) {
    this.#conversation = new Conversation(clock, (bytes) => this.#port?.write(bytes))
  }

  /** Opens the port unless it is open. Throws CONNECTION_FAILED, ABORTED. */
  async join(member: LineMember, settings: PortSettings, signal: AbortSignal): Promise<void> {
    this.#members.add(member)
    try {
      await untilAborted(this.#open(settings), signal)
      if (!this.#members.has(member)) throw lostError('The port was lost while it was being opened')
    } catch (error) {
      await this.leave(member)
      throw error
    }
  }

  /** Ends the member's request; closes the port after the last member. Safe to call twice. */
  async leave(member: LineMember): Promise<void> {
    this.#members.delete(member)
    if (this.#asking === member) this.#conversation.fail(lostError('The device was closed during a request'))
    await this.#closeIfUnused()
  }

  /** As Conversation.ask; throws CONNECTION_LOST without a connection. */
  ask<T>(member: LineMember, ask: Ask<T>, signal: AbortSignal): Promise<T> {
    return this.#hold(member, (alive) => this.#conversation.ask(ask, alive), signal)
  }

  /** As Conversation.tell. */
  tell(member: LineMember, message: { asker: Asker; bytes: Uint8Array }, signal: AbortSignal): Promise<void> {
    return this.#hold(member, (alive) => this.#conversation.tell(message.asker, message.bytes, alive), signal)
  }

  distrust(): void {
    this.#conversation.distrust()
  }

  async #hold<T>(member: LineMember, use: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#port === null || !this.#members.has(member)) throw lostError('The device is not connected')
    if (this.#asking !== null) throw new TelemetryError('INTERNAL', 'Two devices used one serial line at a time')
    this.#asking = member
    try {
      return await use(signal)
    } finally {
      this.#asking = null
    }
  }

  #open(settings: PortSettings): Promise<void> {
    if (this.#port !== null) return Promise.resolve()
    this.#opening ??= this.#openPort(settings).finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #openPort(settings: PortSettings): Promise<void> {
    await this.#closing
    const early: TelemetryError[] = []
    const port = await openPort(settings, {
      data: (chunk) => this.#receive(chunk),
      lost: (cause) => {
        early.push(cause)
        this.#lose(cause)
      },
    })
    if (early[0] !== undefined) throw early[0]
    this.#port = port
    await this.#closeIfUnused()
  }

  #receive(chunk: Uint8Array): void {
    let isHeard = false
    for (const member of this.#members) {
      if (member.receive === undefined) continue
      isHeard = true
      member.receive(chunk)
    }
    if (!isHeard) this.#conversation.receive(chunk)
  }

  #lose(cause: TelemetryError): void {
    if (this.#port === null) return
    this.#port = null
    const members = [...this.#members]
    this.#members.clear()
    this.#conversation.fail(cause)
    for (const member of members) member.lost(cause)
  }

  async #closeIfUnused(): Promise<void> {
    if (this.#members.size === 0 && this.#port !== null) {
      this.#closing = this.#port.close()
      this.#port = null
    }
    await this.#closing
  }
}

/** The promise, or ABORTED as soon as the signal aborts. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new TelemetryError('ABORTED', 'The operation was stopped', { cause: signal.reason }))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function lostError(message: string): TelemetryError {
  return new TelemetryError('CONNECTION_LOST', message, { retryable: true })
}
