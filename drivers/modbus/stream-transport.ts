// The transport on any wire with any framing: opens the wire, sends one request at a time when the line is free for it,
// waits for its answer, and gives up in time.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Framing, FramingEvents } from './framing.ts'
import type { Exchange, FrameTrace, Transport, TransportEvents } from './transport.ts'
import type { OpenWire, Wire } from './wire.ts'

const NOTHING = Buffer.alloc(0)
/** Beyond the time that a request itself may take: a line on which noise never ends. */
const LONGEST_WAIT_MS = 5000

export interface StreamTransportOptions {
  readonly openWire: OpenWire
  readonly framing: Framing
  /** The other end, for people: `192.0.2.10:502`, `/dev/ttyUSB0`. */
  readonly where: string
  readonly mayDieSilently: boolean
  /** Times answers and connections. */
  readonly clock: Clock
  /** Times silences of the line. */
  readonly lineClock: Clock
  readonly events: TransportEvents
}

interface Pending {
  readonly request: Exchange
  readonly signal: AbortSignal
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: TelemetryError) => void
  /** Until it is sent: wakes it. After a broadcast: ends its rest. */
  timer: Timer | null
  /** Monotonic time of the line clock since when it waits for the line; 0 while it has not had to. */
  waitsSince: number
  /** Monotonic time at which its answer is too late; Infinity before it is sent. */
  deadline: number
  isSent: boolean
}

export class StreamTransport implements Transport, FramingEvents {
  readonly #options: StreamTransportOptions
  #wire: Wire | null = null
  #cancelOpening: ((cause: TelemetryError) => void) | null = null
  #pending: Pending | null = null
  /** One for all requests of a connection: nearly all are answered, and a timer for each would cost more than the rest. */
  #watch: Timer | null = null
  #watchedUntil = 0
  /** Gets what comes in between two requests. */
  #lastTrace: FrameTrace | null = null
  /** The signal that is listened to: that of the last request, because the next one of a poll has the same. */
  #heard: AbortSignal | null = null
  readonly #onAbort = (): void => {
    if (this.#pending?.signal.aborted === true) this.abandon(this.#aborted(this.#pending.signal))
  }

  constructor(options: StreamTransportOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#wire !== null
  }

  get mayDieSilently(): boolean {
    return this.#options.mayDieSilently
  }

  open(timeoutMs: number): Promise<void> {
    const { openWire, clock, where } = this.#options
    return new Promise((resolve, reject) => {
      let mine: Wire | null = null
      const isCurrent = (): boolean => mine !== null && this.#wire === mine
      const opening = openWire({
        data: (chunk) => {
          if (isCurrent()) this.#options.framing.accept(chunk, this.#waiting, this)
        },
        lost: (cause) => {
          if (isCurrent()) this.fail(this.#error('CONNECTION_LOST', `${where} ended the connection`, cause))
        },
      })
      const giveUp = (cause: TelemetryError): void => {
        timer.cancel()
        this.#cancelOpening = null
        opening.cancel()
        reject(cause)
      }
      const timer = clock.after(timeoutMs, () =>
        giveUp(this.#error('TIMEOUT', `No connection to ${where} within ${timeoutMs} ms`)),
      )
      this.#cancelOpening = giveUp
      opening.opened.then(
        (wire) => {
          if (this.#cancelOpening !== giveUp) return wire.destroy()
          timer.cancel()
          this.#cancelOpening = null
          this.#options.framing.reset()
          mine = wire
          this.#wire = wire
          resolve()
        },
        (cause: NodeJS.ErrnoException) => {
          if (this.#cancelOpening !== giveUp) return
          giveUp(this.#error('CONNECTION_FAILED', `No connection to ${where} (${cause.code ?? cause.message})`, cause))
        },
      )
    })
  }

  exchange(request: Exchange, signal: AbortSignal): Promise<Buffer> {
    if (signal.aborted) return Promise.reject(this.#aborted(signal))
    if (this.#wire === null)
      return Promise.reject(this.#error('CONNECTION_LOST', `There is no connection to ${this.#options.where}`))
    if (this.#pending !== null)
      return Promise.reject(new TelemetryError('INTERNAL', 'Two Modbus requests at once on one wire'))
    return new Promise((resolve, reject) => {
      const deadline = Number.POSITIVE_INFINITY
      this.#pending = { request, signal, resolve, reject, timer: null, waitsSince: 0, deadline, isSent: false }
      this.#hear(signal)
      this.#sendWhenFree(this.#pending)
    })
  }

  abandon(cause: TelemetryError): void {
    const pending = this.#pending
    if (pending === null) return
    this.#settle(pending)
    const problem = pending.isSent ? this.#options.framing.abandon(pending.request, cause, this) : null
    if (problem === null) {
      pending.reject(cause)
      return
    }
    const text = `The connection to ${this.#options.where} was given up: ${problem}`
    const broken = this.#error(cause.code === 'TIMEOUT' ? 'PROTOCOL' : 'CONNECTION_LOST', text)
    pending.reject(cause.code === 'TIMEOUT' ? broken : cause)
    this.fail(broken)
  }

  fail(cause: TelemetryError): void {
    if (this.#wire === null) return
    this.#end(cause)
    this.#options.events.broken(cause)
  }

  close(): void {
    const cause = this.#error('CONNECTION_LOST', `The connection to ${this.#options.where} was closed`)
    this.#cancelOpening?.(cause)
    this.#end(cause)
  }

  answer(pdu: Buffer): void {
    const pending = this.#pending!
    this.#settle(pending)
    pending.resolve(pdu)
  }

  late(unit: number | null): void {
    this.#options.events.lateAnswer(unit)
  }

  damaged(reason: string): void {
    const { unit } = this.#pending!.request
    this.#options.events.damaged(unit)
    this.abandon(this.#error('PROTOCOL', `Unit ${unit} at ${this.#options.where}: ${reason}`))
  }

  broken(reason: string): void {
    this.fail(this.#error('PROTOCOL', `${this.#options.where} ${reason}`))
  }

  received(bytes: Uint8Array): void {
    const trace = this.#pending?.request.trace ?? this.#lastTrace
    trace?.received(bytes)
  }

  /** The request whose answer may come. */
  get #waiting(): Exchange | null {
    const pending = this.#pending
    return pending !== null && pending.isSent ? pending.request : null
  }

  #sendWhenFree(pending: Pending): void {
    const { framing, clock, lineClock } = this.#options
    const { notBeforeMs, timeoutMs } = pending.request
    const again = (): void => this.#sendWhenFree(pending)
    const pauseMs = notBeforeMs > 0 ? notBeforeMs - clock.monotonic() : 0
    if (pauseMs > 0) {
      pending.timer = clock.after(Math.ceil(pauseMs), again)
      return
    }
    const waitMs = framing.waitMs(pending.request)
    if (waitMs <= 0) {
      this.#send(pending)
      return
    }
    const now = lineClock.monotonic()
    pending.waitsSince ||= now
    if (now - pending.waitsSince < timeoutMs + LONGEST_WAIT_MS)
      pending.timer = lineClock.after(Math.ceil(waitMs), again)
    else this.abandon(this.#error('PROTOCOL', `The line ${this.#options.where} is never silent`))
  }

  #send(pending: Pending): void {
    const { framing, clock } = this.#options
    const { request } = pending
    const frame = framing.frame(request)
    pending.isSent = true
    this.#lastTrace = request.trace
    request.trace.sent(frame)
    const lineMs = framing.lineMs(frame.length)
    const restMs = framing.broadcastMs(request)
    if (restMs === null) {
      const waitMs = request.timeoutMs + lineMs
      pending.deadline = clock.monotonic() + waitMs
      // Units on one wire may have timeouts of their own.
      if (this.#watch === null || pending.deadline < this.#watchedUntil) this.#watchFor(waitMs, pending.deadline)
    } else pending.timer = this.#options.lineClock.after(restMs + lineMs, () => this.answer(NOTHING))
    this.#wire!.write(frame)
  }

  readonly #onWatch = (): void => {
    this.#watch = null
    const pending = this.#pending
    if (pending === null || !pending.isSent) return // the next request is watched anew
    const { clock } = this.#options
    const leftMs = pending.deadline - clock.monotonic()
    if (leftMs <= 0) this.#onTimeout(pending)
    else if (leftMs < Number.POSITIVE_INFINITY) this.#watchFor(Math.ceil(leftMs), pending.deadline)
  }

  #watchFor(waitMs: number, deadline: number): void {
    this.#watch?.cancel()
    this.#watchedUntil = deadline
    this.#watch = this.#options.clock.after(waitMs, this.#onWatch)
  }

  #onTimeout({ request }: Pending): void {
    const { unit, timeoutMs } = request
    const { where } = this.#options
    this.abandon(this.#error('TIMEOUT', `Unit ${unit} at ${where} did not answer within ${timeoutMs} ms`))
  }

  #settle(pending: Pending): void {
    this.#pending = null
    pending.timer?.cancel()
  }

  #hear(signal: AbortSignal | null): void {
    if (signal === this.#heard) return
    this.#heard?.removeEventListener('abort', this.#onAbort)
    this.#heard = signal
    signal?.addEventListener('abort', this.#onAbort)
  }

  #end(cause: TelemetryError): void {
    const wire = this.#wire
    this.#wire = null
    wire?.destroy()
    this.#watch?.cancel()
    this.#watch = null
    this.#hear(null)
    const pending = this.#pending
    if (pending === null) return
    this.#settle(pending)
    pending.reject(cause)
  }

  #error(
    code: 'TIMEOUT' | 'CONNECTION_FAILED' | 'CONNECTION_LOST' | 'PROTOCOL',
    message: string,
    cause?: Error,
  ): TelemetryError {
    return new TelemetryError(code, message, { retryable: true, context: { where: this.#options.where }, cause })
  }

  #aborted(signal: AbortSignal): TelemetryError {
    return new TelemetryError('ABORTED', `The request to ${this.#options.where} was stopped`, { cause: signal.reason })
  }
}
