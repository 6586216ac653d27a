// Framing of Modbus RTU, on a serial line or through a TCP connection. There is no transaction id: a late answer would
// answer the next request (Modbus over Serial Line V1.02 §2.5). So an answer counts only while its unit is asked, and a unit
// that did not answer in time is not asked again until as much time has passed once more, or its late answer has come.

import type { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Framing, FramingEvents } from './framing.ts'
import { isIdentification } from './identification.ts'
import { dataBytes, isRead, MASK_WRITE, mismatch, READ_DATA_START } from './pdu.ts'
import { answerLength, hasGoodCrc, MAX_RTU_FRAME_BYTES, RTU_OVERHEAD_BYTES, rtuFrame } from './rtu-frame.ts'
import type { Exchange } from './transport.ts'

/** Rest for the devices to carry out a broadcast. Modbus over Serial Line V1.02 §2.4.1: 100 to 200 ms. */
const BROADCAST_REST_MS = 150
const BROADCAST_UNIT = 0
/** Room for an answer after as much noise; more without an answer is thrown away. */
const MAX_INPUT_BYTES = 2 * MAX_RTU_FRAME_BYTES

export interface RtuFramingOptions {
  readonly clock: Clock
  /** Milliseconds of one character on the line; 0 when it is not known. */
  readonly charMs: number
  /** Silence that must lie between two frames. */
  readonly gapMs: number
  /** The line hands back what is sent on it. */
  readonly hasEcho: boolean
}

export class RtuFraming implements Framing {
  readonly name = 'Modbus RTU'
  readonly #options: RtuFramingOptions
  readonly #input = Buffer.alloc(MAX_INPUT_BYTES)
  #inputBytes = 0
  #lastByteAt = Number.NEGATIVE_INFINITY
  /** The frame whose echo has not come yet. */
  #echo: Buffer | null = null
  /** Units whose answer may still come, and until when it is waited for. */
  readonly #late = new Map<number, number>()

  constructor(options: RtuFramingOptions) {
    this.#options = options
  }

  reset(): void {
    this.#inputBytes = 0
    this.#echo = null
    this.#lastByteAt = this.#options.clock.monotonic() // what is under way on the line must end first
  }

  waitMs({ unit }: Exchange): number {
    const now = this.#options.clock.monotonic()
    const late = this.#late.get(unit)
    if (late !== undefined && late <= now) this.#late.delete(unit)
    return Math.max(this.#lastByteAt + this.#options.gapMs, late ?? now) - now
  }

  frame({ unit, pdu }: Exchange): Buffer {
    const frame = rtuFrame(unit, pdu)
    this.#inputBytes = 0
    this.#echo = this.#options.hasEcho ? frame : null
    this.#lastByteAt = this.#options.clock.monotonic() + this.lineMs(frame.length)
    return frame
  }

  lineMs(bytes: number): number {
    return bytes * this.#options.charMs
  }

  broadcastMs({ unit }: Exchange): number | null {
    return unit === BROADCAST_UNIT ? BROADCAST_REST_MS : null
  }

  accept(chunk: Buffer, request: Exchange | null, events: FramingEvents): void {
    this.#lastByteAt = this.#options.clock.monotonic()
    if (request === null) {
      events.received(chunk)
      this.#noteLate(chunk[0]!, events)
      return
    }
    if (chunk.length > MAX_INPUT_BYTES - this.#inputBytes) this.#discard(this.#inputBytes, events)
    const taken = Math.min(chunk.length, MAX_INPUT_BYTES)
    chunk.copy(this.#input, this.#inputBytes, 0, taken)
    this.#inputBytes += taken
    if (this.#isEchoOver()) this.#read(request, events)
  }

  abandon({ unit, timeoutMs }: Exchange, _cause: TelemetryError, events: FramingEvents): string | null {
    if (this.#inputBytes > 0) this.#discard(this.#inputBytes, events)
    this.#late.set(unit, this.#options.clock.monotonic() + timeoutMs)
    return null
  }

  /** False while more of the echo must come. */
  #isEchoOver(): boolean {
    const echo = this.#echo
    if (echo === null) return true
    const common = Math.min(echo.length, this.#inputBytes)
    const isEcho = this.#input.compare(echo, 0, common, 0, common) === 0
    if (isEcho && common < echo.length) return false
    if (isEcho) this.#drop(echo.length)
    this.#echo = null
    return this.#inputBytes > 0
  }

  /** Looks for the answer; what stands before it is noise, or the late answer of another unit. */
  #read(request: Exchange, events: FramingEvents): void {
    this.#takeStrays(request, events)
    let isDamaged = false
    for (let at = 0; at < this.#inputBytes; at++) {
      const length = this.#answerAt(at, request)
      if (length === 0) continue
      if (length === null || at + length > this.#inputBytes) {
        if (at === 0) return // very likely the answer: the rest must come first
        continue
      }
      if (!hasGoodCrc(this.#input, at, length)) {
        // Of the very length that was asked for: hardly noise, or the echo of a two-wire adapter.
        isDamaged ||= at === 0 && length === longestAnswer(request.pdu)
        continue
      }
      const pdu = Buffer.from(this.#input.subarray(at + 1, at + length - 2))
      if (mismatch(request.pdu, pdu) !== null) continue
      events.received(this.#input.subarray(0, at + length))
      this.#inputBytes = 0
      events.answer(pdu)
      return
    }
    if (isDamaged) events.damaged('the checksum of its answer is wrong')
  }

  /** Whole frames at the beginning that cannot be the answer. */
  #takeStrays(request: Exchange, events: FramingEvents): void {
    while (this.#inputBytes > 0) {
      const length = answerLength(this.#input, 0, this.#inputBytes)
      if (length === null || length === 0 || length > this.#inputBytes) return
      if (!hasGoodCrc(this.#input, 0, length)) return
      const pdu = this.#input.subarray(1, length - 2)
      if (this.#input[0] === request.unit && mismatch(request.pdu, pdu) === null) return
      const unit = this.#input[0]!
      this.#discard(length, events)
      if (!this.#noteLate(unit, events)) events.late(unit)
    }
  }

  /** Length of what may be the answer to the request; 0 when it cannot be, null when more bytes will tell. */
  #answerAt(at: number, { unit, pdu }: Exchange): number | null {
    const available = this.#inputBytes - at
    if (this.#input[at] !== unit) return 0
    if (available >= 2 && (this.#input[at + 1]! & 0x7f) !== pdu[0]) return 0
    const length = answerLength(this.#input, at, available)
    // Noise that announces more than was asked for must not swallow the answer behind it.
    return length !== null && length > longestAnswer(pdu) ? 0 : length
  }

  #noteLate(unit: number, events: FramingEvents): boolean {
    if (!this.#late.delete(unit)) return false
    events.late(unit)
    return true
  }

  #discard(bytes: number, events: FramingEvents): void {
    events.received(this.#input.subarray(0, bytes))
    this.#drop(bytes)
  }

  #drop(bytes: number): void {
    this.#input.copy(this.#input, 0, bytes, this.#inputBytes)
    this.#inputBytes -= bytes
  }
}

/** Most bytes of the frame that answers this request. */
function longestAnswer(request: Buffer): number {
  if (isRead(request)) return dataBytes(request) + READ_DATA_START + RTU_OVERHEAD_BYTES
  if (isIdentification(request)) return MAX_RTU_FRAME_BYTES
  return request[0] === MASK_WRITE ? 10 : 8
}
