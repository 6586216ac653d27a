// Frames out of a stream of bytes, as pure incremental machines: however the stream is cut into chunks, the frames are the
// same. No bytes make them throw, and they hold at most one frame.
//
//   delimiter   body delimiter body delimiter …
//   length      body body …                      a body has `length` bytes; only a pause tells where one begins
//   start, end  … start body end trailer …       bytes between frames are passed over

import type { Frame, FrameSink } from './frame.ts'

export interface Framer {
  /** Bytes of a frame that has begun. */
  readonly held: number
  push(chunk: Uint8Array, sink: FrameSink): void
  /** What had begun is forgotten. `isAtStart`: the next byte begins a frame; else it may lie within one. */
  reset(isAtStart: boolean): void
}

/** Bytes of a delimiter behind the last of `length` bytes in `bytes`? */
function endsWith(bytes: Uint8Array, length: number, tail: Uint8Array): boolean {
  const start = length - tail.length
  if (start < 0) return false
  for (let i = tail.length - 1; i >= 0; i--) if (bytes[start + i] !== tail[i]) return false
  return true
}

export class DelimiterFramer implements Framer {
  readonly #delimiter: Uint8Array
  readonly #bytes: Uint8Array
  #length = 0
  #isInFrame = true

  constructor(delimiter: Uint8Array, maxBytes: number) {
    this.#delimiter = delimiter
    this.#bytes = new Uint8Array(maxBytes + delimiter.length)
  }

  get held(): number {
    return this.#isInFrame ? this.#length : 0
  }

  reset(isAtStart: boolean): void {
    this.#length = 0
    this.#isInFrame = isAtStart
  }

  push(chunk: Uint8Array, sink: FrameSink): void {
    const last = this.#delimiter[this.#delimiter.length - 1]
    for (const byte of chunk) {
      if (this.#length === this.#bytes.length) this.#overflow(sink)
      this.#bytes[this.#length] = byte
      this.#length += 1
      if (byte === last && endsWith(this.#bytes, this.#length, this.#delimiter)) this.#end(sink)
    }
  }

  #end(sink: FrameSink): void {
    const bodyEnd = this.#length - this.#delimiter.length
    const isFrame = this.#isInFrame && bodyEnd > 0 // a delimiter alone is an empty line
    const frame: Frame = { bytes: this.#bytes.slice(0, this.#length), bodyStart: 0, bodyEnd }
    this.reset(true)
    if (isFrame) sink.frame(frame)
  }

  /** Keeps what may be the beginning of a delimiter. */
  #overflow(sink: FrameSink): void {
    const kept = this.#delimiter.length - 1
    this.#bytes.copyWithin(0, this.#length - kept, this.#length)
    this.#length = kept
    if (!this.#isInFrame) return
    this.#isInFrame = false
    sink.tooLong()
  }
}

export class LengthFramer implements Framer {
  readonly #bytes: Uint8Array
  #length = 0
  #isInStep = true

  constructor(length: number) {
    this.#bytes = new Uint8Array(length)
  }

  get held(): number {
    return this.#length
  }

  reset(isAtStart: boolean): void {
    this.#length = 0
    this.#isInStep = isAtStart
  }

  push(chunk: Uint8Array, sink: FrameSink): void {
    if (!this.#isInStep) return
    for (const byte of chunk) {
      this.#bytes[this.#length] = byte
      this.#length += 1
      if (this.#length < this.#bytes.length) continue
      this.#length = 0
      sink.frame({ bytes: this.#bytes.slice(), bodyStart: 0, bodyEnd: this.#bytes.length })
    }
  }
}

export interface MarkedFramerOptions {
  readonly start: Uint8Array
  readonly end: Uint8Array
  readonly maxBytes: number
  /** Bytes behind `end` that belong to the frame: a checksum. */
  readonly trailerBytes: number
}

export class MarkedFramer implements Framer {
  readonly #options: MarkedFramerOptions
  readonly #bytes: Uint8Array
  #length = 0
  #state: 'outside' | 'body' | 'trailer' = 'outside'
  #bodyEnd = 0

  constructor(options: MarkedFramerOptions) {
    this.#options = options
    const { start, end, maxBytes, trailerBytes } = options
    this.#bytes = new Uint8Array(start.length + maxBytes + end.length + trailerBytes)
  }

  get held(): number {
    return this.#state === 'outside' ? 0 : this.#length
  }

  reset(): void {
    this.#length = 0
    this.#state = 'outside'
  }

  push(chunk: Uint8Array, sink: FrameSink): void {
    for (const byte of chunk) {
      switch (this.#state) {
        case 'outside':
          this.#seek(byte)
          break
        case 'body':
          this.#take(byte, sink)
          break
        case 'trailer':
          this.#append(byte)
          this.#finish(sink)
          break
      }
    }
  }

  #append(byte: number): void {
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  /** Holds the last bytes only, as many as `start` has. */
  #seek(byte: number): void {
    const { start } = this.#options
    if (this.#length === start.length) {
      this.#bytes.copyWithin(0, 1, this.#length)
      this.#length -= 1
    }
    this.#append(byte)
    if (endsWith(this.#bytes, this.#length, start)) this.#state = 'body'
  }

  #take(byte: number, sink: FrameSink): void {
    const { start, end, maxBytes } = this.#options
    this.#append(byte)
    const bodyLength = this.#length - start.length
    if (bodyLength >= end.length && endsWith(this.#bytes, this.#length, end)) {
      this.#bodyEnd = this.#length - end.length
      this.#state = 'trailer'
      this.#finish(sink)
    } else if (bodyLength >= start.length && endsWith(this.#bytes, this.#length, start)) {
      // The end of the frame before was lost: what stands between is no frame.
      this.#bytes.set(start)
      this.#length = start.length
      sink.cutShort()
    } else if (bodyLength === maxBytes + end.length) {
      this.reset()
      sink.tooLong()
    }
  }

  #finish(sink: FrameSink): void {
    const { start, end, trailerBytes } = this.#options
    if (this.#length < this.#bodyEnd + end.length + trailerBytes) return
    const frame: Frame = { bytes: this.#bytes.slice(0, this.#length), bodyStart: start.length, bodyEnd: this.#bodyEnd }
    this.reset()
    if (frame.bodyEnd > frame.bodyStart) sink.frame(frame)
  }
}
