// One wire shared by all devices (units) behind one host and port, or on one serial line: opened by the first, closed after the last, requests one
// at a time in the order in which they came. Each device has at most one request, so that order is fair and the queue bounded.

import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { FrameTrace, Transport, TransportEvents } from './transport.ts'

/** A device as the link sees it. */
export interface LinkMember {
  readonly unit: number
  /** Longest wait for a connection and for each answer. */
  readonly timeoutMs: number
  /** Rest of the wire after each of its requests. */
  readonly delayAfterMs: number
  /** Rest of a new connection before its first request. */
  readonly pauseAfterConnectMs: number
  readonly trace: FrameTrace
  lost(cause: unknown): void
  countError(kind: string): void
}

interface Waiter {
  readonly member: LinkMember
  readonly grant: () => void
  readonly refuse: (cause: TelemetryError) => void
}

export class Link {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #members = new Set<LinkMember>()
  readonly #waiting: Waiter[] = []
  #holder: LinkMember | null = null
  #opening: Promise<void> | null = null
  #joining = 0
  #timeoutsInARow = 0
  #openedAt = 0
  /** Monotonic time before which nothing is sent. */
  #readyAt = 0

  constructor(clock: Clock, createTransport: (events: TransportEvents) => Transport) {
    this.#clock = clock
    this.#transport = createTransport({
      broken: (cause) => this.#onBroken(cause),
      lateAnswer: (unit) => this.#onLateAnswer(unit),
      damaged: () => this.#holder?.countError('crc'),
    })
  }

  /** True when no device uses it or waits for it to open. */
  get isUnused(): boolean {
    return this.#members.size === 0 && this.#joining === 0
  }

  /** Joins the link, opening it when it is closed. Throws CONNECTION_FAILED, TIMEOUT, CONNECTION_LOST, ABORTED. */
  async join(member: LinkMember, signal: AbortSignal): Promise<void> {
    this.#joining += 1
    try {
      await untilAborted(this.#open(member.timeoutMs), signal)
      if (!this.#transport.isOpen) throw lostError('The connection broke as soon as it was made')
      this.#members.add(member)
    } finally {
      this.#joining -= 1
      this.#closeIfUnused()
    }
  }

  /** Leaves the link; a request of this device is given up, and the wire closed when it was the last. Safe to call twice. */
  leave(member: LinkMember): void {
    if (!this.#members.delete(member)) return
    const cause = lostError('The device was closed during a request')
    if (this.#holder === member) this.#transport.abandon(cause)
    for (const waiter of this.#waiting.filter((entry) => entry.member === member)) waiter.refuse(cause)
    this.#closeIfUnused()
  }

  /**
   * Sends one request, to another unit of the wire if so wished, and resolves with its answer's PDU, an exception of the
   * protocol included. Throws TIMEOUT, PROTOCOL,
   * CONNECTION_LOST, ABORTED.
   */
  async request(member: LinkMember, pdu: Buffer, signal: AbortSignal, unit = member.unit): Promise<Buffer> {
    if (this.#holder === null) this.#holder = member
    else await this.#turn(member, signal)
    try {
      if (!this.#members.has(member)) throw lostError('The device is not connected')
      const { timeoutMs, trace } = member
      const { pauseAfterConnectMs: pauseMs } = member
      const notBeforeMs = Math.max(this.#readyAt, pauseMs > 0 ? this.#openedAt + pauseMs : 0)
      const answer = await this.#transport.exchange({ unit, pdu, timeoutMs, notBeforeMs, trace }, signal)
      this.#timeoutsInARow = 0
      return answer
    } catch (error) {
      if (isTelemetryError(error, 'TIMEOUT')) this.#onTimeout(error)
      throw error
    } finally {
      if (member.delayAfterMs > 0) this.#readyAt = this.#clock.monotonic() + member.delayAfterMs
      this.#holder = null
      this.#waiting.shift()?.grant()
    }
  }

  #open(timeoutMs: number): Promise<void> {
    if (this.#transport.isOpen) return Promise.resolve()
    this.#opening ??= this.#transport.open(timeoutMs).finally(() => {
      this.#opening = null
      this.#timeoutsInARow = 0
      this.#openedAt = this.#clock.monotonic()
    })
    return this.#opening
  }

  /** Resolves when the wire is this member's. */
  #turn(member: LinkMember, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => waiter.refuse(abortedError(signal))
      const waiter: Waiter = {
        member,
        grant: () => {
          signal.removeEventListener('abort', onAbort)
          this.#holder = member
          resolve()
        },
        refuse: (cause) => {
          signal.removeEventListener('abort', onAbort)
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          reject(cause)
        },
      }
      this.#waiting.push(waiter)
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /**
   * A silent unit must not cost the others their connection, and a silent connection must not stay: it is closed when as
   * many requests in a row as there are devices had no answer.
   */
  #onTimeout(cause: TelemetryError): void {
    this.#timeoutsInARow += 1
    if (this.#transport.mayDieSilently && this.#timeoutsInARow >= this.#members.size) this.#transport.fail(cause)
  }

  #onBroken(cause: TelemetryError): void {
    const members = [...this.#members]
    this.#members.clear()
    // Nobody else counts it: no request fails by what came between two requests.
    if (cause.code === 'PROTOCOL' && this.#holder === null) members[0]?.countError('protocol')
    for (const member of members) member.lost(cause)
  }

  #onLateAnswer(unit: number | null): void {
    const members = [...this.#members]
    const asker = unit === null ? this.#holder : members.find((member) => member.unit === unit)
    ;(asker ?? members[0])?.countError('late-answer')
  }

  #closeIfUnused(): void {
    if (this.isUnused) this.#transport.close()
  }
}

/** The promise, or ABORTED as soon as the signal aborts. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(signal))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function abortedError(signal: AbortSignal): TelemetryError {
  return new TelemetryError('ABORTED', 'The operation was stopped', { cause: signal.reason })
}

function lostError(message: string): TelemetryError {
  return new TelemetryError('CONNECTION_LOST', message, { retryable: true })
}
