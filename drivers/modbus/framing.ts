// The framing port: how requests and answers are packed on one kind of wire, and how an answer is known to belong to its
// request. Does no I/O; one object serves all connections of a transport, one after the other.

import type { TelemetryError } from '#domain/errors.ts'
import type { Exchange } from './transport.ts'

/** What came in, as the framing understands it. */
export interface FramingEvents {
  /** The answer to the request that waits; it fits. Nothing that came after it in the same bytes is looked at. */
  answer(pdu: Buffer): void
  /** Something that nobody waits for any more, from `unit`, or (null) twice. */
  late(unit: number | null): void
  /** The answer to the request that waits came damaged. */
  damaged(reason: string): void
  /** The stream cannot be this protocol, or cannot be trusted any more: the wire must be closed. */
  broken(reason: string): void
  /** Bytes for the recorder: a whole frame, or what was no frame. */
  received(bytes: Uint8Array): void
}

export interface Framing {
  /** For people: `Modbus TCP`. */
  readonly name: string
  /** A new connection: nothing of the old one counts. */
  reset(): void
  /** Milliseconds for which the line must still be left alone before this request. */
  waitMs(request: Exchange): number
  /** The frame of a request that is sent now. */
  frame(request: Exchange): Buffer
  /** Milliseconds that so many bytes take on the line. */
  lineMs(bytes: number): number
  /** Milliseconds of rest after a request that nobody answers; null when it is answered. */
  broadcastMs(request: Exchange): number | null
  /** Takes what came in, a chunk that is valid only during the call; `request` is the one that was sent and waits, null for none. */
  accept(chunk: Buffer, request: Exchange | null, events: FramingEvents): void
  /** Nobody waits for the answer to this request any more. Answers why the wire cannot be used further, or null. */
  abandon(request: Exchange, cause: TelemetryError, events: FramingEvents): string | null
}
