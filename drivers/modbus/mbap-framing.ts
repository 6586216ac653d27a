// Framing of Modbus TCP. An answer belongs to its request when transaction id, unit, function and lengths fit. Whatever
// does not fit breaks the connection, except answers that come too late: their id is never given out again.
//
//   transaction id u16 · protocol id u16, 0 · length u16, of what follows · unit id u8 · PDU, 1 to 253 bytes
//   Modbus Messaging on TCP/IP Implementation Guide V1.0b §3.1.3

import type { TelemetryError } from '#domain/errors.ts'
import type { Framing, FramingEvents } from './framing.ts'
import { mismatch } from './pdu.ts'
import { Transactions } from './transactions.ts'
import type { Exchange } from './transport.ts'

const HEADER_BYTES = 6
const MIN_LENGTH = 3 // unit, function and one byte: an exception
const MAX_LENGTH = 254 // unit and a PDU of 253. Modbus Application Protocol V1.1b3 §4.1
/** So many strays without an answer in between are a flood, not a slow device. */
const MAX_STRAYS = 64

export class MbapFraming implements Framing {
  readonly name = 'Modbus TCP'
  /** The beginning of a frame whose rest has not come yet. */
  readonly #partial = Buffer.alloc(HEADER_BYTES + MAX_LENGTH)
  #partialBytes = 0
  #transactions = new Transactions()
  #waitingId = -1
  #strays = 0

  reset(): void {
    this.#partialBytes = 0
    this.#transactions = new Transactions()
    this.#waitingId = -1
    this.#strays = 0
  }

  /** True after half a frame. */
  get isMidFrame(): boolean {
    return this.#partialBytes > 0
  }

  waitMs(): number {
    return 0
  }

  lineMs(): number {
    return 0
  }

  broadcastMs(): null {
    return null // unit 0 is the device itself on TCP. Implementation Guide V1.0b §3.1.3
  }

  frame({ unit, pdu }: Exchange): Buffer {
    const id = this.#transactions.issue()
    this.#waitingId = id
    const frame = Buffer.allocUnsafe(HEADER_BYTES + 1 + pdu.length)
    frame.writeUInt16BE(id, 0)
    frame.writeUInt16BE(0, 2)
    frame.writeUInt16BE(pdu.length + 1, 4)
    frame[HEADER_BYTES] = unit
    frame.set(pdu, HEADER_BYTES + 1)
    return frame
  }

  accept(chunk: Buffer, request: Exchange | null, events: FramingEvents): void {
    // Nearly always a chunk is one whole frame.
    if (this.#partialBytes === 0 && chunk.length > HEADER_BYTES && lengthIn(chunk, 0) === chunk.length - HEADER_BYTES) {
      const problem = headerProblem(chunk, 0)
      if (problem === null) {
        this.#take(chunk, request, events)
        return
      }
    }
    this.#acceptPieces(chunk, request, events)
  }

  abandon({ unit }: Exchange, _cause: TelemetryError, events: FramingEvents): string | null {
    const isNoted = this.#waitingId < 0 || this.#transactions.abandon(this.#waitingId, unit)
    this.#waitingId = -1
    if (this.isMidFrame) {
      events.received(this.#partial.subarray(0, this.#partialBytes))
      // The next answer would be taken for the missing half.
      return 'it stopped in the middle of an answer'
    }
    return isNoted ? null : 'too many requests were never answered'
  }

  /** Looks at all headers first: a stream that is no Modbus further on gives nothing, not even what looks good before. */
  #acceptPieces(chunk: Buffer, request: Exchange | null, events: FramingEvents): void {
    const stream = Buffer.concat([this.#partial.subarray(0, this.#partialBytes), chunk])
    const frames: Buffer[] = []
    let at = 0
    while (stream.length - at >= HEADER_BYTES) {
      const problem = headerProblem(stream, at)
      if (problem !== null) {
        events.received(stream)
        events.broken(`does not speak Modbus TCP: ${problem}`)
        return
      }
      const end = at + HEADER_BYTES + lengthIn(stream, at)
      if (end > stream.length) break
      frames.push(stream.subarray(at, end))
      at = end
    }
    stream.copy(this.#partial, 0, at)
    this.#partialBytes = stream.length - at
    let waiting = request
    for (const frame of frames) {
      const isAnswer = waiting !== null && frame.readUInt16BE(0) === this.#waitingId
      if (!this.#take(frame, waiting, events)) return
      if (isAnswer) waiting = null
    }
  }

  /** False when the wire must be closed. */
  #take(frame: Buffer, request: Exchange | null, events: FramingEvents): boolean {
    events.received(frame)
    const id = frame.readUInt16BE(0)
    if (request === null || id !== this.#waitingId) return this.#takeStray(id, events)
    const unit = frame[HEADER_BYTES]!
    const answer = copyFrom(frame, HEADER_BYTES + 1)
    const problem =
      unit === request.unit ? mismatch(request.pdu, answer) : `unit ${unit} answered for unit ${request.unit}`
    if (problem !== null) {
      events.broken(`gave an answer that does not fit the request: ${problem}`)
      return false
    }
    this.#strays = 0
    this.#waitingId = -1
    events.answer(answer)
    return true
  }

  #takeStray(id: number, events: FramingEvents): boolean {
    const stray = this.#transactions.settle(id)
    this.#strays += 1
    if (stray.kind === 'unknown' || this.#strays > MAX_STRAYS) {
      events.broken(`answered a request that was never made (transaction ${id})`)
      return false
    }
    events.late(stray.kind === 'late' ? stray.unit : null)
    return true
  }
}

/** The frame lies in a buffer that the next one overwrites. */
function copyFrom(frame: Buffer, start: number): Buffer {
  const copy = Buffer.allocUnsafe(frame.length - start)
  frame.copy(copy, 0, start)
  return copy
}

function lengthIn(bytes: Buffer, at: number): number {
  return (bytes[at + 4]! << 8) | bytes[at + 5]!
}

function headerProblem(bytes: Buffer, at: number): string | null {
  const protocol = (bytes[at + 2]! << 8) | bytes[at + 3]!
  const length = lengthIn(bytes, at)
  if (protocol !== 0) return `protocol id ${protocol} instead of 0`
  if (length < MIN_LENGTH || length > MAX_LENGTH)
    return `frame length ${length} is not between ${MIN_LENGTH} and ${MAX_LENGTH}`
  return null
}
