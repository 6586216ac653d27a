// Reads protobuf by hand where it must be fast. Every length is checked against what is there: bytes of a stranger neither
// throw anything but PROTOCOL nor make memory grow beyond their own size.

import { TelemetryError } from '#domain/errors.ts'
import { FIXED32, FIXED64, LENGTH, VARINT } from './wire-writer.ts'

export function malformed(what: string): TelemetryError {
  return new TelemetryError('PROTOCOL', `The message is malformed: ${what}`)
}

export class WireReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.at >= this.end
  }

  /** The low 32 bits of a varint, unsigned. */
  uint32(): number {
    const { bytes } = this
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw malformed('it ends within a number')
      const byte = bytes[this.at++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw malformed('a number is too long')
  }

  sint32(): number {
    const value = this.uint32()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A whole number up to 2^53 − 1. */
  uint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      if (this.at >= this.end) throw malformed('it ends within a number')
      const byte = this.bytes[this.at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number is too large')
        return value
      }
    }
    throw malformed('a number is too long')
  }

  /** A zigzag number within ±2^52. */
  sint(): number {
    const value = this.uint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A reader of the next length-delimited field's content. */
  content(): WireReader {
    const length = this.uint32()
    if (length > this.end - this.at) throw malformed('it ends within a field')
    const start = this.at
    this.at += length
    return new WireReader(this.bytes, start, start + length)
  }

  view(): Uint8Array {
    return this.bytes.subarray(this.at, this.end)
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.uint32()
    else if (wireType === LENGTH) this.content()
    else if (wireType === FIXED64) this.#advance(8)
    else if (wireType === FIXED32) this.#advance(4)
    else throw malformed(`wire type ${wireType}`)
  }

  #advance(count: number): void {
    if (count > this.end - this.at) throw malformed('it ends within a field')
    this.at += count
  }
}
