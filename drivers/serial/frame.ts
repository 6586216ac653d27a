// What framers give: whole frames, and word of what was dropped.

export interface Frame {
  /** Everything, delimiters and trailer included; the receiver's own. */
  readonly bytes: Uint8Array
  readonly bodyStart: number
  /** Behind the last byte of the body. */
  readonly bodyEnd: number
}

export interface FrameSink {
  frame(frame: Frame): void
  /** More bytes than a frame may have: dropped up to the next delimiter or start. */
  tooLong(): void
  /** A frame began before the last one had ended. */
  cutShort(): void
}
