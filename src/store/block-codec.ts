// A journal block: consecutive records of one epoch, columns in journal order, values grouped by sensor. Inside a frame:
//
//   u8       version 1
//   varint   epoch, first seq, count
//   sensors · statuses · receive times · source times      (column-codec.ts)
//   texts    of text readings and entries, by row
//   values   for each sensor that has some, in order of its number: its values (value-codec.ts), over the rows that are
//            neither bad nor entries nor texts

import { isBad } from '#domain/quality.ts'
import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { ByteReader, ByteWriter, corrupt } from './bytes.ts'
import {
  readSensors,
  readSourceTimes,
  readStatuses,
  readTexts,
  readTimes,
  writeSensors,
  writeSourceTimes,
  writeStatuses,
  writeTexts,
  writeTimes,
} from './column-codec.ts'
import { seal, unseal } from './frame.ts'
import { readValues, ValueCells, writeDoubles, writeIntegers } from './value-codec.ts'

const VERSION = 1

/** Most records in one block: bounds what a reader must decode, and what a torn block can lose. */
export const MAX_BLOCK_RECORDS = 65_536

/** True for the sensors whose values are 64-bit integers. */
export type IsInteger = (sensor: number) => boolean

/** Turns batches into blocks and back, reusing its working memory. */
export class BlockCodec {
  readonly #out = new ByteWriter(256 * 1024)
  readonly #cells = new ValueCells(MAX_BLOCK_RECORDS)
  readonly #order = new Uint32Array(MAX_BLOCK_RECORDS)
  #starts = new Uint32Array(1024)

  /** A block of the whole batch (at most MAX_BLOCK_RECORDS). */
  encode(batch: RecordBatch, isInteger: IsInteger): Uint8Array<ArrayBuffer> {
    const out = this.#out
    const { length } = batch
    out.reset()
    out.byte(VERSION)
    out.varint(batch.epoch)
    out.varint(batch.firstSeq)
    out.varint(length)
    writeSensors(out, batch.sensor, 0, length)
    writeStatuses(out, batch.status, 0, length)
    writeTimes(out, batch.receivedAt, 0, length)
    writeSourceTimes(out, batch.sourceTime, batch.receivedAt, 0, length)
    writeTexts(out, batch.texts, 0, length)
    const groups = this.#group(batch)
    this.#gather(batch, this.#starts[groups]!)
    for (let sensor = 0; sensor < groups; sensor++) {
      const start = this.#starts[sensor]!
      const end = this.#starts[sensor + 1]!
      if (start === end) continue
      if (isInteger(sensor)) writeIntegers(out, this.#cells, start, end)
      else writeDoubles(out, this.#cells, start, end)
    }
    return seal(out.written)
  }

  /** Throws STORE_CORRUPT. */
  decode(frame: Uint8Array): RecordBatch {
    const input = new ByteReader(unseal(frame))
    if (input.byte() !== VERSION) throw corrupt('A journal block has an unknown version')
    const epoch = input.varint()
    const firstSeq = input.varint()
    const length = input.varint()
    if (length > MAX_BLOCK_RECORDS) throw corrupt('A journal block claims too many records')
    const batch = new MutableRecordBatch(epoch, firstSeq, length)
    batch.length = length
    readSensors(input, batch.sensor, 0, length)
    readStatuses(input, batch.status, 0, length)
    readTimes(input, batch.receivedAt, 0, length)
    readSourceTimes(input, batch.sourceTime, batch.receivedAt, 0, length)
    readTexts(input, batch.texts, 0, length)
    const groups = this.#group(batch)
    for (let sensor = 0; sensor < groups; sensor++) {
      const start = this.#starts[sensor]!
      const end = this.#starts[sensor + 1]!
      if (start < end) readValues(input, this.#cells, start, end)
    }
    input.end()
    const total = this.#starts[groups]!
    const { bits } = this.#cells
    for (let place = 0; place < total; place++) batch.bits[this.#order[place]!] = bits[place]!
    return batch
  }

  /**
   * Orders the rows with a value by sensor, keeping their order within it: the places of sensor s are
   * [starts[s], starts[s + 1]), the row at a place is order[place]. Answers the highest sensor number plus 1.
   */
  #group(batch: RecordBatch): number {
    const { sensor, length } = batch
    let highest = -1
    for (let row = 0; row < length; row++) {
      const number = sensor[row]!
      if (number !== ENTRY && number > highest) highest = number
    }
    if (highest >= 2 ** 24) throw corrupt('A sensor number is impossible')
    const groups = highest + 1
    if (this.#starts.length < groups + 2) this.#starts = new Uint32Array((groups + 2) * 2)
    const starts = this.#starts
    starts.fill(0, 0, groups + 2)
    for (let row = 0; row < length; row++) if (hasValue(batch, row)) starts[sensor[row]! + 2]! += 1
    for (let group = 2; group < groups + 2; group++) starts[group]! += starts[group - 1]!
    for (let row = 0; row < length; row++) {
      if (!hasValue(batch, row)) continue
      const place = starts[sensor[row]! + 1]!
      starts[sensor[row]! + 1] = place + 1
      this.#order[place] = row
    }
    return groups
  }

  #gather(batch: RecordBatch, total: number): void {
    const source = new Uint32Array(batch.value.buffer, batch.value.byteOffset, batch.value.length * 2)
    const { words } = this.#cells
    for (let place = 0; place < total; place++) {
      const row = this.#order[place]!
      words[place * 2] = source[row * 2]!
      words[place * 2 + 1] = source[row * 2 + 1]!
    }
  }
}

/** True when the record's value stands in the value column. */
export function hasValue(batch: RecordBatch, row: number): boolean {
  return batch.sensor[row] !== ENTRY && !isBad(batch.status[row]!) && (batch.texts.size === 0 || !batch.texts.has(row))
}
