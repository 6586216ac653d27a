// Reads the protobuf wire format (protobuf.dev/programming-guides/encoding), as much as Sparkplug B needs.
//
//   message = *field      field = key value      key = varint: number << 3 | type
//   type 0  varint: 1 to 10 bytes, 7 bits each, low first      type 1  8 bytes, little endian
//   type 2  varint length, then as many bytes                  type 5  4 bytes, little endian
//
// Types 3 and 4 (groups) are given up on. Every length is checked before anything is taken: damaged bytes throw PROTOCOL.

import { TelemetryError } from '#domain/errors.ts'

const MAX_VARINT_BYTES = 10
const decoder = new TextDecoder('utf-8', { fatal: true })

export class WireReader {
  /** Number of the present field. */
  field = 0
  #type = 0
  #at = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Goes to the next field; false at the end. Its value must then be taken or skipped. */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false
    const key = Number(this.#readVarint())
    this.#type = key & 7
    this.field = Math.floor(key / 8)
    if (this.field === 0) throw damaged('a field has the number 0')
    return true
  }

  /** An unsigned 64-bit integer. */
  varint(): bigint {
    this.#expect(0)
    return this.#readVarint()
  }

  /** The low 32 bits of a varint, unsigned. */
  uint32(): number {
    return Number(BigInt.asUintN(32, this.varint()))
  }

  bool(): boolean {
    return this.varint() !== 0n
  }

  float(): number {
    this.#expect(5)
    return this.#view.getFloat32(this.#take(4), true)
  }

  double(): number {
    this.#expect(1)
    return this.#view.getFloat64(this.#take(8), true)
  }

  /** A part of the input, not a copy. */
  bytes(): Uint8Array {
    this.#expect(2)
    return this.#readBytes()
  }

  text(): string {
    try {
      return decoder.decode(this.bytes())
    } catch (cause) {
      if (cause instanceof TelemetryError) throw cause
      throw damaged('a text is no UTF-8')
    }
  }

  skip(): void {
    if (this.#type === 0) this.#readVarint()
    else if (this.#type === 1) this.#take(8)
    else if (this.#type === 2) this.#readBytes()
    else if (this.#type === 5) this.#take(4)
    else throw damaged(`a field has the wire type ${this.#type}`)
  }

  #readBytes(): Uint8Array {
    const length = Number(this.#readVarint())
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  #readVarint(): bigint {
    let value = 0n
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#bytes[this.#take(1)]!
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw damaged('a varint has more than 10 bytes')
  }

  /** Where the next `count` bytes begin; they are there. */
  #take(count: number): number {
    const start = this.#at
    if (count > this.#bytes.length - start) throw damaged('it ends within a field')
    this.#at = start + count
    return start
  }

  #expect(type: number): void {
    if (this.#type !== type) throw damaged(`field ${this.field} has the wire type ${this.#type} instead of ${type}`)
  }
}

function damaged(reason: string): TelemetryError {
  return new TelemetryError('PROTOCOL', `The protobuf message is damaged: ${reason}`)
}
