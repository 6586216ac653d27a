// The wire port: bytes to and from the other end, by a socket or a serial port. Knows nothing of Modbus.

export interface WireEvents {
  /** The chunk is valid only during the call: copy what must outlive it. */
  data(chunk: Buffer): void
  /** The other end is gone. At most once, and not after `destroy`. */
  lost(cause?: Error): void
}

export interface Wire {
  write(bytes: Buffer): void
  /** Closes it at once; safe to call twice. */
  destroy(): void
}

export interface WireOpening {
  /** Rejects with the reason as the system gives it. */
  readonly opened: Promise<Wire>
  /** Gives up; should it open all the same, it is closed at once. */
  cancel(): void
}

/** Begins to open a wire; events come after it is open. */
export type OpenWire = (events: WireEvents) => WireOpening
