// Bytes of protobuf messages, written by hand where it must be fast: into memory that is reused, without objects.
//
//   field  = tag varint (number << 3 | wire type) · payload
//   varint = 7 bits a byte, low first, the top bit says that more follow
//   length-delimited (wire type 2): length varint · bytes; a packed repeated field is one of these
//   (Protocol Buffers, Encoding)

import { endianness } from 'node:os'
import { TelemetryError } from '#domain/errors.ts'

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

/** Longest varint of 64 bits. */
const MAX_VARINT_BYTES = 10

/** Memory of columns is put on the wire as it lies there. */
export function requireLittleEndian(): void {
  if (endianness() !== 'LE')
    throw new TelemetryError('INTERNAL', 'This machine is big-endian: gRPC is not supported on it')
}

export class WireWriter {
  #bytes: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity)
  }

  /** What was written so far; valid until the next write. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count
    if (wanted <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2))
    grown.set(this.view)
    this.#bytes = grown
  }

  /** A value up to 2^32 − 1. The room must have been reserved: five bytes at most. */
  uint32(value: number): void {
    const bytes = this.#bytes
    let at = this.length
    let rest = value
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.length = at
  }

  /** A signed 32-bit value, zigzag: small magnitudes are short. Five bytes at most, reserved before. */
  sint32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0)
  }

  fixed32(value: number): void {
    const bytes = this.#bytes
    bytes[this.length] = value
    bytes[this.length + 1] = value >>> 8
    bytes[this.length + 2] = value >>> 16
    bytes[this.length + 3] = value >>> 24
    this.length += 4
  }

  /** A whole number from 0 to 2^54. Reserves its own room. */
  uint(value: number): void {
    this.reserve(MAX_VARINT_BYTES)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.length++] = rest
  }

  tag(field: number, wireType: number): void {
    this.uint(field * 8 + wireType)
  }

  /** A scalar field of wire type 0; left out when 0, as proto3 says. */
  uintField(field: number, value: number): void {
    if (value === 0) return
    this.tag(field, VARINT)
    this.uint(value)
  }

  /** A sint64 field of a whole number within ±2^52; left out when 0. */
  sintField(field: number, value: number): void {
    this.uintField(field, value < 0 ? -value * 2 - 1 : value * 2)
  }

  /** A message, a text's bytes or a packed column. */
  bytesField(field: number, content: Uint8Array): void {
    this.tag(field, LENGTH)
    this.uint(content.length)
    this.raw(content)
  }

  raw(content: Uint8Array): void {
    this.reserve(content.length)
    this.#bytes.set(content, this.length)
    this.length += content.length
  }
}
