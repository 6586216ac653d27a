// A chunk: readings of one sensor, ordered by time. Inside a frame:
//
//   u8       version 1
//   varint   count
//   receive times · source times · statuses · texts      (column-codec.ts)
//   values   over the rows that are neither bad nor text (value-codec.ts); absent when there is none

import { isBad } from '#domain/quality.ts'
import { ByteReader, ByteWriter, corrupt } from './bytes.ts'
import {
  readSourceTimes,
  readStatuses,
  readTexts,
  readTimes,
  writeSourceTimes,
  writeStatuses,
  writeTexts,
  writeTimes,
} from './column-codec.ts'
import { seal, unseal } from './frame.ts'
import { Series } from './series.ts'
import { readValues, ValueCells, writeDoubles, writeIntegers } from './value-codec.ts'

const VERSION = 1
const MAX_CHUNK_READINGS = 2 ** 26

/** Turns series into chunks and back, reusing its working memory. */
export class ChunkCodec {
  readonly #out = new ByteWriter()
  #cells = new ValueCells(4096)

  /** `series` must be ordered. */
  encode(series: Series, isInteger: boolean): Uint8Array<ArrayBuffer> {
    const out = this.#out
    const { length } = series
    out.reset()
    out.byte(VERSION)
    out.varint(length)
    writeTimes(out, series.receivedAt, 0, length)
    writeSourceTimes(out, series.sourceTime, series.receivedAt, 0, length)
    writeStatuses(out, series.status, 0, length)
    writeTexts(out, series.texts, 0, length)
    const count = this.#gather(series)
    if (count > 0) (isInteger ? writeIntegers : writeDoubles)(out, this.#cells, 0, count)
    return seal(out.written)
  }

  /** Throws STORE_CORRUPT. */
  decode(frame: Uint8Array): Series {
    const input = new ByteReader(unseal(frame))
    if (input.byte() !== VERSION) throw corrupt('A chunk has an unknown version')
    const length = input.varint()
    if (length > MAX_CHUNK_READINGS) throw corrupt('A chunk claims too many readings')
    const series = new Series(length)
    series.length = length
    readTimes(input, series.receivedAt, 0, length)
    readSourceTimes(input, series.sourceTime, series.receivedAt, 0, length)
    readStatuses(input, series.status, 0, length)
    readTexts(input, series.texts, 0, length)
    const count = countValues(series)
    if (count > 0 && count === length) readValues(input, series.cells, 0, length)
    else if (count > 0) {
      this.#reserve(count)
      readValues(input, this.#cells, 0, count)
      this.#scatter(series)
    }
    input.end()
    return series
  }

  #gather(series: Series): number {
    this.#reserve(series.length)
    const { words } = this.#cells
    const source = series.cells.words
    let count = 0
    for (let row = 0; row < series.length; row++) {
      if (isBad(series.status[row]!) || series.texts.has(row)) continue
      words[count * 2] = source[row * 2]!
      words[count * 2 + 1] = source[row * 2 + 1]!
      count += 1
    }
    return count
  }

  #scatter(series: Series): void {
    const { words } = this.#cells
    const target = series.cells.words
    let next = 0
    for (let row = 0; row < series.length; row++) {
      if (isBad(series.status[row]!) || series.texts.has(row)) continue
      target[row * 2] = words[next * 2]!
      target[row * 2 + 1] = words[next * 2 + 1]!
      next += 1
    }
  }

  #reserve(count: number): void {
    if (this.#cells.value.length < count) this.#cells = new ValueCells(count * 2)
  }
}

function countValues(series: Series): number {
  let count = 0
  for (let row = 0; row < series.length; row++) if (!isBad(series.status[row]!) && !series.texts.has(row)) count += 1
  return count
}
