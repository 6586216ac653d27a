// Ask and answer on a line whose frames carry no id, so that an answer is known only by its moment. Rules:
//
//   An answer that did not come may come late: before the next request the line is listened to for as long again as the
//   answer had; a whole frame in that time is the late answer, and is dropped.
//   What nobody asked for, or what made no sense, must be followed by silence before the next request.

import { TelemetryError } from '#domain/errors.ts'
import type { FrameRecorder } from '#kit/frame-recorder.ts'
import type { Clock } from '#kit/clock.ts'
import type { Frame } from './frame.ts'
import type { Framer } from './framer.ts'

/** Silence after which a disturbed line is believed again: longer than any pause of a USB adapter. */
export const SETTLE_MS = 50
/** A line that stays noisy for this many time limits is given up for this time. */
const MAX_SETTLE_TIMEOUTS = 4

export interface Asker {
  readonly framer: Framer
  readonly log: FrameRecorder
  readonly timeoutMs: number
  countError(kind: string): void
}

export interface Ask<T> {
  readonly asker: Asker
  readonly bytes: Uint8Array
  /** What a frame says; null: this frame is to be passed over. */
  readonly read: (frame: Frame) => T | null
}

interface Waiting {
  /** True when the frame was the answer. */
  offer(frame: Frame): boolean
  fail(error: TelemetryError): void
}

export class Conversation {
  readonly #clock: Clock
  readonly #send: (bytes: Uint8Array) => void
  /** Whoever asked last: what comes is taken for an answer to it. */
  #asker: Asker | null = null
  #waiting: Waiting | null = null
  /** Until when the last request may still be answered; monotonic. Negative: it was answered. */
  #owedUntil = -1
  #isDisturbed = false
  #lastByteAt = Number.NEGATIVE_INFINITY
  #sawJunk = false
  /** Ends the present wait for silence: to look again, or with an error. */
  #interrupt: ((error?: TelemetryError) => void) | null = null

  constructor(clock: Clock, send: (bytes: Uint8Array) => void) {
    this.#clock = clock
    this.#send = send
  }

  receive(chunk: Uint8Array): void {
    this.#lastByteAt = this.#clock.monotonic()
    if (this.#asker === null) this.#isDisturbed = true
    else {
      this.#asker.log.received(chunk)
      this.#asker.framer.push(chunk, this)
    }
    this.#interrupt?.()
  }

  /** Called by the framer. */
  frame(frame: Frame): void {
    if (this.#waiting !== null) {
      this.#waiting.offer(frame)
    } else if (this.#owedUntil >= 0) {
      this.#owedUntil = -1
      this.#asker?.countError('late-answer')
    } else {
      this.#isDisturbed = true
      this.#asker?.countError('unasked')
    }
  }

  tooLong(): void {
    this.#sawJunk = true
    this.#asker?.countError('frame-too-long')
  }

  cutShort(): void {
    this.#sawJunk = true
    this.#asker?.countError('frame-cut')
  }

  /** What was received last made no sense: more of it may follow. */
  distrust(): void {
    this.#isDisturbed = true
  }

  /** Ends the request under way. */
  fail(error: TelemetryError): void {
    this.#waiting?.fail(error)
    this.#interrupt?.(error)
  }

  /** Sends, and resolves with what `read` makes of the answer. Throws TIMEOUT, PROTOCOL, ABORTED, CONNECTION_LOST. */
  async ask<T>(ask: Ask<T>, signal: AbortSignal): Promise<T> {
    await this.#begin(ask.asker, signal)
    if (signal.aborted) throw abortedError(signal)
    return await new Promise<T>((resolve, reject) => {
      const end = (isAnswered: boolean): void => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
        this.#waiting = null
        this.#owedUntil = isAnswered ? -1 : this.#clock.monotonic() + ask.asker.timeoutMs
      }
      const fail = (error: TelemetryError): void => {
        end(false)
        reject(error)
      }
      const onAbort = (): void => fail(abortedError(signal))
      const timer = this.#clock.after(ask.asker.timeoutMs, () => fail(this.#unanswered(ask.asker)))
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting = {
        offer: (frame) => {
          const answer = ask.read(frame)
          if (answer === null) return false
          end(true)
          resolve(answer)
          return true
        },
        fail,
      }
      this.#say(ask.asker, ask.bytes)
    })
  }

  /** Sends something whose answer, if there is one, does not matter. */
  async tell(asker: Asker, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#begin(asker, signal)
    this.#say(asker, bytes)
    this.#isDisturbed = true
    this.#lastByteAt = this.#clock.monotonic()
  }

  #say(asker: Asker, bytes: Uint8Array): void {
    asker.log.sent(bytes)
    this.#send(bytes)
  }

  #unanswered({ framer, timeoutMs }: Asker): TelemetryError {
    const context = { timeoutMs, bytes: framer.held }
    return framer.held > 0 || this.#sawJunk
      ? new TelemetryError('PROTOCOL', `No whole answer came within ${timeoutMs} ms`, { retryable: true, context })
      : new TelemetryError('TIMEOUT', `No answer came within ${timeoutMs} ms`, { retryable: true, context })
  }

  /** Waits until the line can be believed, and makes it the asker's. */
  async #begin(asker: Asker, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal)
    const patience = Math.max(0, this.#unsettledMs()) + MAX_SETTLE_TIMEOUTS * asker.timeoutMs
    const givenUpAt = this.#clock.monotonic() + patience
    for (let wait = this.#unsettledMs(); wait > 0; wait = this.#unsettledMs()) {
      const left = givenUpAt - this.#clock.monotonic()
      if (left <= 0) throw new TelemetryError('PROTOCOL', 'The line does not fall silent', { retryable: true })
      await this.#pause(Math.min(wait, left), signal)
    }
    this.#asker = asker
    this.#owedUntil = -1
    this.#isDisturbed = false
    this.#sawJunk = false
    asker.framer.reset(true)
  }

  /** How long the line must still be listened to before the next request; not above 0: not at all. */
  #unsettledMs(): number {
    const now = this.#clock.monotonic()
    const isBusy = this.#isDisturbed || (this.#asker?.framer.held ?? 0) > 0
    return Math.max(this.#owedUntil >= 0 ? this.#owedUntil - now : 0, isBusy ? this.#lastByteAt + SETTLE_MS - now : 0)
  }

  /** Resolves after some time, or when something comes. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: TelemetryError): void => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
        this.#interrupt = null
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = (): void => end(abortedError(signal))
      const timer = this.#clock.after(ms, () => end())
      this.#interrupt = end
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

function abortedError(signal: AbortSignal): TelemetryError {
  return new TelemetryError('ABORTED', 'The operation was stopped', { cause: signal.reason })
}
