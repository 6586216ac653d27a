// From the bytes of an answer to the sink: registers as they came in, values and bad readings out. Knows nothing of
// requests. Integers, floats and BCD cause no garbage; 64-bit integers and text are values that must be made.
//
//   int, uint, float   width × 2 bytes in the point's order; two's complement, IEEE 754
//   bcd                one decimal digit in each nibble; a nibble above 9 is no digit: BadDecodingError
//   bool               coil and discrete: one bit, the lowest first (V1.1b3 §6.1); a register: one bit of it, or "not 0"
//   string             one byte a character, ISO 8859-1, up to the first NUL, without trailing spaces

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { Status } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { wirePlaces } from './byte-order.ts'
import { isBitTable, type ModbusPoint, type PointType } from './point.ts'

/** Where a point stands in its block, worked out once. */
export interface DecodedPoint {
  readonly sensor: SensorNumber
  readonly type: PointType
  readonly ofBitTable: boolean
  /** Byte within the block's data; for single bits the bit within the block. */
  readonly offset: number
  readonly bit: number | null
  readonly bytes: number
  readonly swapped: boolean
  readonly places: Uint8Array
}

/** Prepares a point of a block that begins at `blockAddress`. */
export function decodedPoint(sensor: SensorNumber, point: ModbusPoint, blockAddress: number): DecodedPoint {
  const ofBitTable = isBitTable(point.register)
  const distance = point.address - blockAddress
  return {
    sensor,
    type: point.type,
    ofBitTable,
    offset: ofBitTable ? distance : distance * 2,
    bit: point.bit,
    bytes: point.bytes,
    swapped: point.order === 'BA',
    places: wirePlaces(point.order),
  }
}

/** Decodes points; one for each device, because it works in a buffer of its own. */
export class PointDecoder {
  readonly #bytes = new Uint8Array(8)
  readonly #view = new DataView(this.#bytes.buffer)

  /** Gives the sink exactly one result for the point. `data` holds the whole block from byte `start` on. Never throws. */
  decode(point: DecodedPoint, data: Buffer, start: number, sink: ReadingSink): void {
    const at = start + point.offset
    switch (point.type) {
      case 'bool':
        sink.number(point.sensor, this.#bool(point, data, start), Status.Good, NO_TIME)
        return
      case 'string':
        sink.text(point.sensor, readText(data, at, point.bytes, point.swapped), Status.Good, NO_TIME)
        return
      case 'bcd16':
      case 'bcd32':
        this.#bcd(point, data, at, sink)
        return
      case 'int64':
        this.#arrange(point, data, at)
        sink.integer(point.sensor, this.#view.getBigInt64(0), Status.Good, NO_TIME)
        return
      case 'uint64':
        this.#arrange(point, data, at)
        sink.integer(point.sensor, this.#view.getBigUint64(0), Status.Good, NO_TIME)
        return
      // By far the most common ones: without the detour over the work buffer.
      case 'uint16':
        sink.number(point.sensor, wordAt(point, data, at), Status.Good, NO_TIME)
        return
      case 'int16':
        sink.number(point.sensor, (wordAt(point, data, at) << 16) >> 16, Status.Good, NO_TIME)
        return
      case 'int32':
      case 'uint32':
      case 'float32':
      case 'float64':
        this.#arrange(point, data, at)
        sink.number(point.sensor, this.#number(point.type), Status.Good, NO_TIME)
        return
    }
  }

  /** Puts the bytes of the value into the work buffer, most significant first. */
  #arrange(point: DecodedPoint, data: Buffer, at: number): void {
    const places = point.places
    for (let index = 0; index < places.length; index++) this.#bytes[index] = data[at + places[index]!]!
  }

  #number(type: 'int32' | 'uint32' | 'float32' | 'float64'): number {
    switch (type) {
      case 'int32':
        return this.#view.getInt32(0)
      case 'uint32':
        return this.#view.getUint32(0)
      case 'float32':
        return this.#view.getFloat32(0)
      case 'float64':
        return this.#view.getFloat64(0)
    }
  }

  #bool(point: DecodedPoint, data: Buffer, start: number): number {
    if (point.ofBitTable) return (data[start + (point.offset >> 3)]! >> (point.offset & 7)) & 1
    const word = data.readUInt16BE(start + point.offset)
    return point.bit === null ? Number(word !== 0) : (word >> point.bit) & 1
  }

  #bcd(point: DecodedPoint, data: Buffer, at: number, sink: ReadingSink): void {
    this.#arrange(point, data, at)
    let value = 0
    for (let index = 0; index < point.bytes; index++) {
      const high = this.#bytes[index]! >> 4
      const low = this.#bytes[index]! & 0x0f
      if (high > 9 || low > 9) {
        sink.bad(point.sensor, Status.BadDecodingError, NO_TIME)
        return
      }
      value = value * 100 + high * 10 + low
    }
    sink.number(point.sensor, value, Status.Good, NO_TIME)
  }
}

function wordAt({ places }: DecodedPoint, data: Buffer, at: number): number {
  return (data[at + places[0]!]! << 8) | data[at + places[1]!]!
}

function readText(data: Buffer, at: number, length: number, swapped: boolean): string {
  let text = ''
  for (let index = 0; index < length; index++) {
    const byte = data[at + (swapped ? index ^ 1 : index)]!
    if (byte === 0) break
    text += String.fromCharCode(byte)
  }
  return text.replace(/ +$/, '')
}
