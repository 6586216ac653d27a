// Values of one sensor, in order, exact to the bit. One byte says how, then the values follow:
//
//   mode | decimals << 3      mode 0 RAW64     8 bytes each, little endian
//                             mode 1 DECIMAL   zigzag varints: first n, then differences; value = n / 10^decimals
//                             mode 2 RAW32     4 bytes each: values that are float32
//                             mode 3 DECIMAL32 like DECIMAL; value = float32(n / 10^decimals)
//                             mode 4 INTEGER   64-bit integers: varints of zigzagged differences modulo 2^64
//
// A mode is taken only when each value comes back with the same 64 bits, so −0 and NaN end in RAW64 by themselves.

import { type ByteReader, type ByteWriter, corrupt, putVarint, unzigzag, zigzag } from './bytes.ts'

const RAW64 = 0
const DECIMAL = 1
const RAW32 = 2
const DECIMAL32 = 3
const INTEGER = 4

const MAX_DECIMALS = 12
const MAX_SCALED = 2 ** 51 // differences then stay within 2^52, their zigzag within 2^53
/** 10^n at n. */
export const POWERS = Float64Array.from({ length: MAX_DECIMALS + 1 }, (_, exponent) => Number(`1e${exponent}`))

/** Cells of 64 bits, seen as float64 and as pairs of 32-bit words (low word first: all supported machines are little endian). */
export class ValueCells {
  readonly value: Float64Array<ArrayBuffer>
  readonly words: Uint32Array<ArrayBuffer>
  readonly bits: BigInt64Array<ArrayBuffer>

  /** @param room how many cells, or the memory to use. */
  constructor(room: number | Float64Array<ArrayBuffer>) {
    this.value = typeof room === 'number' ? new Float64Array(room) : room
    const { buffer, byteOffset, length } = this.value
    this.words = new Uint32Array(buffer, byteOffset, length * 2)
    this.bits = new BigInt64Array(buffer, byteOffset, length)
  }
}

/** Writes cells [start, end) as float64 values. */
export function writeDoubles(out: ByteWriter, cells: ValueCells, start: number, end: number): void {
  const { value } = cells
  const mark = out.at
  const decimals = decimalsOf(value, start, end)
  if (decimals >= 0 && tryDecimal(out, value, start, end, decimals)) return
  out.at = mark
  if (!areFloat32(value, start, end)) {
    writeRaw64(out, cells, start, end)
    return
  }
  const decimals32 = decimals32Of(value, start, end)
  if (decimals32 >= 0 && tryDecimal32(out, value, start, end, decimals32)) return
  out.at = mark
  writeRaw32(out, value, start, end)
}

/** Writes cells [start, end) as 64-bit integers. */
export function writeIntegers(out: ByteWriter, cells: ValueCells, start: number, end: number): void {
  const { words } = cells
  out.byte(INTEGER)
  out.reserve((end - start) * 10)
  const { bytes } = out
  let at = out.at
  let low = 0
  let high = 0
  for (let i = start; i < end; i++) {
    const nextLow = words[i * 2]!
    const nextHigh = words[i * 2 + 1]!
    const stepLow = (nextLow - low) >>> 0
    const stepHigh = (nextHigh - high - (nextLow < low ? 1 : 0)) | 0
    const sign = stepHigh >> 31
    let zigHigh = ((stepHigh << 1) | (stepLow >>> 31)) ^ sign
    let zigLow = (stepLow << 1) ^ sign
    while (zigHigh !== 0 || zigLow >>> 0 >= 0x80) {
      bytes[at++] = (zigLow & 0x7f) | 0x80
      zigLow = (zigLow >>> 7) | (zigHigh << 25)
      zigHigh >>>= 7
    }
    bytes[at++] = zigLow
    low = nextLow
    high = nextHigh
  }
  out.at = at
}

/** Reads `end − start` values, however they were written, into cells [start, end). Throws STORE_CORRUPT. */
export function readValues(input: ByteReader, cells: ValueCells, start: number, end: number): void {
  const head = input.byte()
  const mode = head & 7
  const decimals = head >> 3
  if (decimals > MAX_DECIMALS) throw corrupt('Values have too many decimals')
  switch (mode) {
    case RAW64:
      new Uint8Array(cells.value.buffer, cells.value.byteOffset + start * 8, (end - start) * 8).set(
        input.raw((end - start) * 8),
      )
      return
    case DECIMAL:
      readDecimal(input, cells.value, start, end, POWERS[decimals]!)
      return
    case RAW32:
      readRaw32(input, cells.value, start, end)
      return
    case DECIMAL32:
      readDecimal(input, cells.value, start, end, POWERS[decimals]!)
      for (let i = start; i < end; i++) cells.value[i] = Math.fround(cells.value[i]!)
      return
    case INTEGER:
      readIntegers(input, cells.words, start, end)
      return
    default:
      throw corrupt('Values are written in an unknown way')
  }
}

/** Fewest decimals with which every value seems to be n / 10^decimals; −1 when there are none. */
export function decimalsOf(value: Float64Array, start: number, end: number): number {
  let decimals = 0
  let power = 1
  for (let i = start; i < end; i++) {
    const v = value[i]!
    for (;;) {
      const n = Math.round(v * power)
      if (n / power === v && n <= MAX_SCALED && n >= -MAX_SCALED) break
      if (++decimals > MAX_DECIMALS || v - v !== 0) return -1
      power = POWERS[decimals]!
    }
  }
  return decimals
}

/** Writes in mode DECIMAL; false when a value would not come back as it is (then what was written is void). */
function tryDecimal(out: ByteWriter, value: Float64Array, start: number, end: number, decimals: number): boolean {
  out.byte(DECIMAL | (decimals << 3))
  out.reserve((end - start) * 8)
  const { bytes } = out
  const power = POWERS[decimals]!
  let at = out.at
  let last = 0
  for (let i = start; i < end; i++) {
    const v = value[i]!
    const n = Math.round(v * power)
    if (n / power !== v || n > MAX_SCALED || n < -MAX_SCALED || (n === 0 && 1 / v < 0)) return false
    const step = zigzag(n - last)
    if (step < 0x80) bytes[at++] = step
    else at = putVarint(bytes, at, step)
    last = n
  }
  out.at = at
  return true
}

function areFloat32(value: Float64Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (Math.fround(value[i]!) !== value[i]) return false // refuses NaN too
  return true
}

function decimals32Of(value: Float64Array, start: number, end: number): number {
  let decimals = 0
  let power = 1
  for (let i = start; i < end; i++) {
    const v = value[i]!
    for (;;) {
      const n = Math.round(v * power)
      if (Math.fround(n / power) === v && n < 2 ** 31 && n > -(2 ** 31)) break
      if (++decimals > 9 || v - v !== 0) return -1
      power = POWERS[decimals]!
    }
  }
  return decimals
}

function tryDecimal32(out: ByteWriter, value: Float64Array, start: number, end: number, decimals: number): boolean {
  out.byte(DECIMAL32 | (decimals << 3))
  out.reserve((end - start) * 8)
  const { bytes } = out
  const power = POWERS[decimals]!
  let at = out.at
  let last = 0
  for (let i = start; i < end; i++) {
    const v = value[i]!
    const n = Math.round(v * power)
    if (Math.fround(n / power) !== v || n >= 2 ** 31 || n <= -(2 ** 31) || (n === 0 && 1 / v < 0)) return false
    at = putVarint(bytes, at, zigzag(n - last))
    last = n
  }
  out.at = at
  return true
}

function writeRaw64(out: ByteWriter, cells: ValueCells, start: number, end: number): void {
  out.byte(RAW64)
  out.raw(new Uint8Array(cells.value.buffer, cells.value.byteOffset + start * 8, (end - start) * 8))
}

function writeRaw32(out: ByteWriter, value: Float64Array, start: number, end: number): void {
  out.byte(RAW32)
  out.reserve((end - start) * 4)
  const view = new DataView(out.bytes.buffer)
  let at = out.at
  for (let i = start; i < end; i++) {
    view.setFloat32(at, value[i]!, true)
    at += 4
  }
  out.at = at
}

function readRaw32(input: ByteReader, value: Float64Array, start: number, end: number): void {
  const raw = input.raw((end - start) * 4)
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  for (let i = start; i < end; i++) value[i] = view.getFloat32((i - start) * 4, true)
}

function readDecimal(input: ByteReader, value: Float64Array, start: number, end: number, power: number): void {
  let n = 0
  for (let i = start; i < end; i++) {
    n += unzigzag(input.varint())
    value[i] = n / power
  }
}

function readIntegers(input: ByteReader, words: Uint32Array, start: number, end: number): void {
  let low = 0
  let high = 0
  for (let i = start; i < end; i++) {
    let zigLow = 0
    let zigHigh = 0
    let shift = 0
    let byte: number
    do {
      if (shift > 63) throw corrupt('A 64-bit integer is too long')
      byte = input.byte()
      const part = byte & 0x7f
      if (shift < 28) zigLow |= part << shift
      else if (shift === 28) {
        zigLow |= part << 28
        zigHigh |= part >>> 4
      } else zigHigh |= part << (shift - 32)
      shift += 7
    } while (byte >= 0x80)
    const sign = -(zigLow & 1)
    const stepLow = (((zigLow >>> 1) | (zigHigh << 31)) ^ sign) >>> 0
    const stepHigh = (zigHigh >>> 1) ^ sign
    const sum = low + stepLow
    high = (high + stepHigh + (sum >= 2 ** 32 ? 1 : 0)) >>> 0
    low = sum >>> 0
    words[i * 2] = low
    words[i * 2 + 1] = high
  }
}
