// Rollups as bytes. Inside a frame:
//
//   u8       version 2
//   varint   width in ms, count of rows
//   cell numbers · counts · last times less the cell's start      as times (column-codec.ts)
//   min · max · last                                              as values (value-codec.ts)
//   u8       decimals d, or RAW
//   d:   varints, for each row: sum of (n − n of min), sum of (n − n of min)², where value = n / 10^d
//   RAW: mean · sum of squared deviations, as values
//
// The sums of decimal values are whole numbers: a few bytes, exact, and free of the rounding that adding up floats leaves.
// Version 1 always had RAW, without its byte.

import { ByteReader, ByteWriter, corrupt } from './bytes.ts'
import { readTimes, writeTimes } from './column-codec.ts'
import { seal, unseal } from './frame.ts'
import { Rollup } from './rollup.ts'
import { decimalsOf, POWERS, readValues, ValueCells, writeDoubles } from './value-codec.ts'

const VERSION = 2
const VERSION_WITHOUT_SUMS = 1
const RAW = 255
const MAX_ROLLUP_ROWS = 2 ** 26
const MAX_SUM = 2 ** 50 // products and sums below it are exact in a float64

// Sums that differ more from the floats they stand for come from values with more decimals than min, max and last have.
const MEAN_TOLERANCE = 1e-12
const SQUARES_TOLERANCE = 1e-7

/** Turns rollups into bytes and back, reusing its working memory. */
export class RollupCodec {
  readonly #out = new ByteWriter()

  encode(rollup: Rollup, widthMs: number): Uint8Array<ArrayBuffer> {
    const out = this.#out
    const { length } = rollup
    const cells = new ValueCells(length)
    const scratch = cells.value
    out.reset()
    out.byte(VERSION)
    out.varint(widthMs)
    out.varint(length)
    for (let row = 0; row < length; row++) scratch[row] = rollup.time[row]! / widthMs
    writeTimes(out, scratch, 0, length)
    writeTimes(out, rollup.count, 0, length)
    for (let row = 0; row < length; row++) scratch[row] = rollup.lastTime[row]! - rollup.time[row]!
    writeTimes(out, scratch, 0, length)
    const write = (column: Float64Array): void => {
      scratch.set(column.subarray(0, length))
      writeDoubles(out, cells, 0, length)
    }
    for (const column of [rollup.min, rollup.max, rollup.last]) write(column)
    const mark = out.at
    if (writeSums(out, rollup)) return seal(out.written)
    out.at = mark
    out.byte(RAW)
    for (const column of [rollup.mean, rollup.squares]) write(column)
    return seal(out.written)
  }

  /** Throws STORE_CORRUPT. */
  decode(frame: Uint8Array): Rollup {
    const input = new ByteReader(unseal(frame))
    const version = input.byte()
    if (version !== VERSION && version !== VERSION_WITHOUT_SUMS) throw corrupt('A rollup has an unknown version')
    const widthMs = input.varint()
    const length = input.varint()
    if (length > MAX_ROLLUP_ROWS) throw corrupt('A rollup claims too many rows')
    const rollup = new Rollup(length)
    rollup.length = length
    const cells = new ValueCells(length)
    readTimes(input, rollup.time, 0, length)
    readTimes(input, rollup.count, 0, length)
    readTimes(input, rollup.lastTime, 0, length)
    for (let row = 0; row < length; row++) {
      rollup.time[row]! *= widthMs
      rollup.lastTime[row]! += rollup.time[row]!
    }
    const read = (column: Float64Array): void => {
      readValues(input, cells, 0, length)
      column.set(cells.value)
    }
    for (const column of [rollup.min, rollup.max, rollup.last]) read(column)
    const decimals = version === VERSION ? input.byte() : RAW
    if (decimals === RAW) for (const column of [rollup.mean, rollup.squares]) read(column)
    else readSums(input, rollup, decimals)
    input.end()
    return rollup
  }
}

/** False when the sums are not whole or too large; then what was written is void. */
function writeSums(out: ByteWriter, rollup: Rollup): boolean {
  const { length } = rollup
  const decimals = Math.max(
    ...[rollup.min, rollup.max, rollup.last].map((column) => {
      const own = decimalsOf(column, 0, length)
      return own < 0 ? POWERS.length : own
    }),
  )
  const power = POWERS[decimals]
  if (power === undefined) return false
  out.byte(decimals)
  for (let row = 0; row < length; row++) {
    const count = rollup.count[row]!
    const least = Math.round(rollup.min[row]! * power)
    const sum = Math.round((rollup.mean[row]! - rollup.min[row]!) * power * count)
    const squares = Math.round(rollup.squares[row]! * power * power + (sum * sum) / count)
    if (!(Math.abs(least) * count + sum < MAX_SUM && squares * count < MAX_SUM && sum >= 0 && squares >= 0))
      return false
    const size = Math.max(Math.abs(rollup.min[row]!), Math.abs(rollup.max[row]!))
    if (Math.abs(meanOf(least, sum, count, power) - rollup.mean[row]!) > size * MEAN_TOLERANCE) return false
    const rest = Math.abs(squaresOf(sum, squares, count, power) - rollup.squares[row]!)
    if (rest > rollup.squares[row]! * SQUARES_TOLERANCE) return false
    out.varint(sum)
    out.varint(squares)
  }
  return true
}

function readSums(input: ByteReader, rollup: Rollup, decimals: number): void {
  const power = POWERS[decimals]
  if (power === undefined) throw corrupt('A rollup has too many decimals')
  for (let row = 0; row < rollup.length; row++) {
    const count = rollup.count[row]!
    const sum = input.varint()
    const squares = input.varint()
    rollup.mean[row] = meanOf(Math.round(rollup.min[row]! * power), sum, count, power)
    rollup.squares[row] = squaresOf(sum, squares, count, power)
  }
}

function meanOf(least: number, sum: number, count: number, power: number): number {
  return (least * count + sum) / (count * power)
}

/** Sum of squared deviations from the mean, from sums over deviations from the least value. */
function squaresOf(sum: number, squares: number, count: number, power: number): number {
  return Math.max(0, squares - (sum * sum) / count) / (power * power)
}
