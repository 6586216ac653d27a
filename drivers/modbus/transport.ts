// The transport port: one wire on which one request at a time is answered. Framing, and the proof that an answer belongs
// to its request, are the transport's; who may use the wire when is the link's.

import type { TelemetryError } from '#domain/errors.ts'

/** Takes note of what goes over the wire. */
export interface FrameTrace {
  sent(bytes: Uint8Array): void
  received(bytes: Uint8Array): void
}

export interface Exchange {
  /** Unit id, 0 … 255. */
  readonly unit: number
  /** The request, function code first. */
  readonly pdu: Buffer
  /** Longest wait for the answer, from when the request is sent. */
  readonly timeoutMs: number
  /** Monotonic time before which it must not be sent. */
  readonly notBeforeMs: number
  readonly trace: FrameTrace
}

export interface TransportEvents {
  /** The wire is gone; nothing works until the next `open`. Once for each `open` that succeeded, never after `close`. */
  broken(cause: TelemetryError): void
  /**
   * Something came that no request waits for, and was thrown away: the answer to a request of `unit` that had been given
   * up, or (null) a repetition of an answer.
   */
  lateAnswer(unit: number | null): void
  /** An answer of `unit` came with a wrong checksum; its request has failed. */
  damaged(unit: number): void
}

export interface Transport {
  readonly isOpen: boolean
  /** True when a wire that stays silent may be dead without saying so, and must be opened anew: a TCP connection. */
  readonly mayDieSilently: boolean
  /** Opens the wire. Throws CONNECTION_FAILED, TIMEOUT; CONNECTION_LOST when `close` comes first. */
  open(timeoutMs: number): Promise<void>
  /**
   * Sends a request and resolves with the PDU of its answer, which may be an exception of the protocol; its length and
   * contents fit the request. Resolves with nothing in it after a broadcast, which nobody answers. Never called while another
   * exchange is under way. Throws TIMEOUT (the wire stays open when a late answer cannot do harm), PROTOCOL,
   * CONNECTION_LOST (the wire is broken), ABORTED.
   */
  exchange(request: Exchange, signal: AbortSignal): Promise<Buffer>
  /** Gives up the exchange under way, which rejects with `cause`; its answer is thrown away should it come. */
  abandon(cause: TelemetryError): void
  /** Closes the wire because of `cause` and says so through `broken`. */
  fail(cause: TelemetryError): void
  /** Closes the wire; safe to call twice. An exchange under way rejects with CONNECTION_LOST. */
  close(): void
}
