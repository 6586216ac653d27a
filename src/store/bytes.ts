// Growing output and checked input of bytes, with variable-length integers (LEB128) of up to 53 bits. Signed numbers go
// through zigzag: 0, −1, 1, −2 … become 0, 1, 2, 3 …, so that small steps are short whichever way they go.

import { TelemetryError } from '#domain/errors.ts'

/** Bytes that the longest varint of 53 bits takes. */
export const MAX_VARINT_BYTES = 8

const TWO_32 = 2 ** 32

/** Writes an unsigned integer below 2^53 at `at` and returns the place behind it. The caller has reserved the room. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= TWO_32) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  let small = rest >>> 0
  while (small >= 0x80) {
    bytes[at++] = (small & 0x7f) | 0x80
    small >>>= 7
  }
  bytes[at++] = small
  return at
}

/** Zigzag of an integer within ±2^52. */
export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

export function unzigzag(value: number): number {
  if (value < 2 ** 31) return (value >>> 1) ^ -(value & 1)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/** Output that grows. Hot loops call `reserve` once and write through `bytes` and `at`. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>
  at = 0
  #view: DataView

  constructor(capacity = 64 * 1024) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  reserve(count: number): void {
    const needed = this.at + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  reset(): void {
    this.at = 0
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  varint(value: number): void {
    this.reserve(MAX_VARINT_BYTES)
    this.at = putVarint(this.bytes, this.at, value)
  }

  signed(value: number): void {
    this.varint(zigzag(value))
  }

  word(value: number): void {
    this.reserve(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** What was written; shares memory with the writer, valid until the next write. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.at)
  }
}

/** Input with bounds: reading past the end is STORE_CORRUPT. */
export class ByteReader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  byte(): number {
    this.#need(1)
    return this.bytes[this.at++]!
  }

  varint(): number {
    const bytes = this.bytes
    let byte = bytes[this.at++]!
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let scale = 128
    do {
      if (scale > 2 ** 49) throw corrupt('A number is too long')
      byte = bytes[this.at++]!
      value += (byte & 0x7f) * scale
      scale *= 128
    } while (byte >= 0x80)
    if (!(this.at <= bytes.length)) throw corrupt('The data end too early')
    return value
  }

  signed(): number {
    return unzigzag(this.varint())
  }

  word(): number {
    this.#need(4)
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 4).getUint32(0, true)
    this.at += 4
    return value
  }

  /** The next `count` bytes; shares memory with the input. */
  raw(count: number): Uint8Array {
    this.#need(count)
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  /** Throws unless all was read, and nothing past the end. */
  end(): void {
    if (this.at !== this.bytes.length) throw corrupt('The data have another length than their content')
  }

  #need(count: number): void {
    if (!(count >= 0 && this.at + count <= this.bytes.length)) throw corrupt('The data end too early')
  }
}

/** STORE_CORRUPT with a reason. */
export function corrupt(message: string): TelemetryError {
  return new TelemetryError('STORE_CORRUPT', message)
}
