// What the detectors of all checks have learnt, as bytes for a file and back. A state belongs to one check with its
// settings: one whose settings or sensor are otherwise now begins anew.
//
// Layout, little-endian: magic, u32 version, f64 Unix milliseconds; for each state u32 length of a JSON text
// [sensor, check, settings], u32 count of numbers, the text, the numbers as float64; at the end u32 CRC-32 of all before.

import { crc32 } from 'node:zlib'
import type { CheckSpec } from '#domain/check.ts'
import type { Sensor } from '#domain/sensor.ts'

/** Grows whenever a detector saves otherwise: states of another version are dropped. */
const VERSION = 1
const MAGIC = 'TXLEARNT'
const HEAD_BYTES = MAGIC.length + 4 + 8
const CRC_BYTES = 4
const NUMBER_BYTES = 8

export interface LearntState {
  readonly key: string
  readonly numbers: Float64Array
}

/** Names a check with all that its numbers depend on. */
export function memoryKey(sensor: Sensor, check: string, spec: CheckSpec): string {
  return JSON.stringify([sensor.id, check, { spec, scale: sensor.scale, unit: sensor.unit, type: sensor.valueType }])
}

/** States by key, as they were saved. */
export class DetectorMemory {
  /** Unix milliseconds. */
  readonly savedAt: number
  readonly #states: Map<string, Float64Array>

  constructor(savedAt: number, states: Iterable<LearntState>) {
    this.savedAt = savedAt
    this.#states = new Map([...states].map(({ key, numbers }) => [key, numbers]))
  }

  get size(): number {
    return this.#states.size
  }

  /** Gives a state away: each is taken up once. */
  take(key: string): Float64Array | undefined {
    const state = this.#states.get(key)
    this.#states.delete(key)
    return state
  }
}

export function encodeHead(savedAt: number): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.writeUInt32LE(VERSION, MAGIC.length)
  bytes.writeDoubleLE(savedAt, MAGIC.length + 4)
  return bytes
}

export function encodeState({ key, numbers }: LearntState): Uint8Array {
  const text = Buffer.from(key)
  const bytes = Buffer.alloc(8 + text.length + numbers.length * NUMBER_BYTES)
  bytes.writeUInt32LE(text.length, 0)
  bytes.writeUInt32LE(numbers.length, 4)
  text.copy(bytes, 8)
  for (let at = 0; at < numbers.length; at++) bytes.writeDoubleLE(numbers[at]!, 8 + text.length + at * NUMBER_BYTES)
  return bytes
}

/** All parts as one, with its check sum. */
export function sealed(parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts)
  const sum = Buffer.alloc(CRC_BYTES)
  sum.writeUInt32LE(crc32(body))
  return Buffer.concat([body, sum])
}

/** Why the bytes are of no use, or what they hold. Never throws, whatever they are. */
export function decodeMemory(given: Uint8Array): DetectorMemory | string {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  const end = bytes.length - CRC_BYTES
  if (end < HEAD_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'it is not such a file'
  const version = bytes.readUInt32LE(MAGIC.length)
  if (version !== VERSION) return `it has version ${version}, this gateway reads ${VERSION}`
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return 'its check sum is wrong'
  const states: LearntState[] = []
  for (let at = HEAD_BYTES; at < end;) {
    if (at + 8 > end) return 'it is cut off'
    const textEnd = at + 8 + bytes.readUInt32LE(at)
    const next = textEnd + bytes.readUInt32LE(at + 4) * NUMBER_BYTES
    if (next > end) return 'it is cut off'
    const numbers = new Float64Array((next - textEnd) / NUMBER_BYTES)
    for (let n = 0; n < numbers.length; n++) numbers[n] = bytes.readDoubleLE(textEnd + n * NUMBER_BYTES)
    states.push({ key: bytes.toString('utf8', at + 8, textEnd), numbers })
    at = next
  }
  return new DetectorMemory(bytes.readDoubleLE(MAGIC.length + 4), states)
}
