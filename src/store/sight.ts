// A sight: what a query sees, as the store thread had it when it was asked. It travels in columns to the query thread, which
// reads the bytes behind it over a connection of its own. Records that wait for their commit travel with it.

import type { RecordBatch } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import type { Part } from './recent.ts'
import type { Segment, SegmentKind } from './segments.ts'

export interface Sight {
  /** To be given back: until then nothing that it names is deleted. */
  readonly number: number
  /** Grows when the database was begun anew: the file under its name is another one. */
  readonly file: number
  /** Grows when blocks were stamped anew. */
  readonly stamping: number
  /** Every number of the sensor asked for, one for each value type. */
  readonly sensors: readonly { readonly number: SensorNumber; readonly valueType: ValueType }[]
  /** Nine columns for each live segment, in order of arrival. */
  readonly segments: Float64Array
  /** Six columns for each part in the journal, in order of position. */
  readonly parts: Float64Array
  /** The sensor's records in the parts without a block. */
  readonly pending: readonly PendingRows[]
}

/** Rows of one part, in columns; a class does not travel. */
type PendingRows = Pick<RecordBatch, 'sensor' | 'status' | 'sourceTime' | 'receivedAt' | 'value' | 'texts'>

const KINDS: readonly SegmentKind[] = ['raw', 'minute', 'hour']
const SEGMENT_COLUMNS = 9
const PART_COLUMNS = 6
const NO_BLOCK = -1

export function segmentColumns(segments: readonly Segment[]): Float64Array {
  const columns = new Float64Array(segments.length * SEGMENT_COLUMNS)
  let at = 0
  for (const s of segments) {
    columns[at++] = s.id
    columns[at++] = KINDS.indexOf(s.kind)
    columns[at++] = s.level
    columns[at++] = s.epoch
    columns[at++] = s.seq
    columns[at++] = s.first_time
    columns[at++] = s.last_time
    columns[at++] = s.readings
    columns[at++] = s.bytes
  }
  return columns
}

export function segmentsOf(columns: Float64Array): Segment[] {
  const segments: Segment[] = []
  for (let at = 0; at < columns.length; at += SEGMENT_COLUMNS) {
    segments.push({
      id: columns[at]!,
      kind: KINDS[columns[at + 1]!]!,
      level: columns[at + 2]!,
      epoch: columns[at + 3]!,
      seq: columns[at + 4]!,
      first_time: columns[at + 5]!,
      last_time: columns[at + 6]!,
      readings: columns[at + 7]!,
      bytes: columns[at + 8]!,
    })
  }
  return segments
}

/** The parts, and of those without a block the records of some sensors. */
export function partColumns(
  parts: readonly Part[],
  sensors: ReadonlySet<SensorNumber>,
): Pick<Sight, 'parts' | 'pending'> {
  const columns = new Float64Array(parts.length * PART_COLUMNS)
  const pending: PendingRows[] = []
  let at = 0
  for (const part of parts) {
    columns[at++] = part.epoch
    columns[at++] = part.firstSeq
    columns[at++] = part.count
    columns[at++] = part.firstTime
    columns[at++] = part.lastTime
    columns[at++] = part.block ?? NO_BLOCK
    if (part.block === null) pending.push(rowsOf(part.batch!, sensors))
  }
  return { parts: columns, pending }
}

function rowsOf(batch: RecordBatch, sensors: ReadonlySet<SensorNumber>): PendingRows {
  const rows: number[] = []
  for (let row = 0; row < batch.length; row++) if (sensors.has(batch.sensor[row]!)) rows.push(row)
  const picked = new MutableRecordBatch(batch.epoch, batch.firstSeq, rows.length)
  const bits = new BigInt64Array(batch.value.buffer, batch.value.byteOffset, batch.value.length)
  rows.forEach((row, place) => {
    picked.sensor[place] = batch.sensor[row]!
    picked.status[place] = batch.status[row]!
    picked.sourceTime[place] = batch.sourceTime[row]!
    picked.receivedAt[place] = batch.receivedAt[row]!
    picked.bits[place] = bits[row]!
    const text = batch.texts.get(row)
    if (text !== undefined) picked.texts.set(place, text)
  })
  const { sensor, status, sourceTime, receivedAt, value, texts } = picked
  return { sensor, status, sourceTime, receivedAt, value, texts }
}

export function partsOf({ parts: columns, pending }: Pick<Sight, 'parts' | 'pending'>): Part[] {
  const parts: Part[] = []
  let waiting = 0
  for (let at = 0; at < columns.length; at += PART_COLUMNS) {
    const epoch = columns[at]!
    const firstSeq = columns[at + 1]!
    const block = columns[at + 5]!
    const rows = block === NO_BLOCK ? pending[waiting++]! : null
    parts.push({
      epoch,
      firstSeq,
      count: columns[at + 2]!,
      firstTime: columns[at + 3]!,
      lastTime: columns[at + 4]!,
      batch: rows && { ...rows, epoch, firstSeq, length: rows.sensor.length },
      block: block === NO_BLOCK ? null : block,
      frame: null,
    })
  }
  return parts
}
