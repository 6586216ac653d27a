// A Batch from the wire, from any client: checked, and with its records in the order of their positions.

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Entry } from '#domain/alarm.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Lane } from '#domain/uplink.ts'
import type { ValueType } from '#domain/value.ts'
import { countVarints, readBlock, scanBlock, UnusualEncoding, type RawBlock } from './block-reader.ts'
import { eventOf, transitionOf } from './entries.ts'
import {
  AlarmRecordSchema,
  BatchSchema,
  EventRecordSchema,
  Lane as WireLane,
} from './generated/telemetryx/v1/ingest_pb.js'
import { ReceivedBatch } from './received-batch.ts'
import { LENGTH, VARINT } from './wire-writer.ts'
import { malformed, WireReader } from './wire-reader.ts'

/** Value type of a sensor by its number; undefined when no dictionary has told of it. */
export type TypeOf = (sensor: number) => ValueType | undefined

const LANES: ReadonlyMap<number, Lane> = new Map([
  [WireLane.UNSPECIFIED, 'inOrder'],
  [WireLane.LIVE, 'live'],
  [WireLane.BACKLOG, 'backlog'],
])

interface RawEntry {
  readonly seq: number
  readonly entry: Entry
}

interface RawBatch {
  /** Of the blocks so far. */
  rows: number
  epoch: number
  lane: number
  historical: boolean
  lastSeq: number
  firstSeq: number
  readonly openSeqs: number[]
  readonly blocks: RawBlock[]
  readonly entries: RawEntry[]
}

/** `bytes`: a Batch. Throws PROTOCOL, also when it has more records than `maxRecords`, or names more open positions. */
export function decodeBatch(
  bytes: Uint8Array,
  typeOf: TypeOf,
  maxRecords: number = Number.POSITIVE_INFINITY,
): ReceivedBatch {
  const raw = scan(bytes, maxRecords)
  const lane = LANES.get(raw.lane)
  if (lane === undefined) throw malformed(`lane ${raw.lane} is unknown`)
  if (raw.epoch < 1) throw malformed('it has no epoch')
  const batch = new ReceivedBatch({ ...raw, lane }, raw.rows + raw.entries.length)
  for (const block of raw.blocks) readBlock(block, batch, typeOf)
  const ordered = raw.entries.length === 0 ? batch : withEntries(batch, raw)
  checkPositions(ordered)
  return ordered
}

function scan(bytes: Uint8Array, maxRecords: number): RawBatch {
  try {
    return scanFields(new WireReader(bytes), maxRecords)
  } catch (cause) {
    if (!(cause instanceof UnusualEncoding)) throw cause
    countParts(new WireReader(bytes), maxRecords)
    return scanFields(new WireReader(usual(bytes)), maxRecords)
  }
}

function checkCount(count: number, max: number, what = 'records'): void {
  if (count > max) throw malformed(`it has more than ${max} ${what}`)
}

/** An empty block or record costs two bytes on the wire, and as an object some hundreds: counted before they become objects. */
function countParts(reader: WireReader, maxRecords: number): void {
  let records = 0
  let open = 0
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    if (field >= 6 && field <= 8) checkCount((records += 1), maxRecords)
    if (field === 9 && (tag & 7) === LENGTH) open += countVarints(reader.content().view())
    else {
      reader.skip(tag & 7)
      if (field === 9) open += 1
    }
    checkCount(open, maxRecords, 'open positions')
  }
}

/** The same batch as most encoders write it. */
function usual(bytes: Uint8Array): Uint8Array {
  return guarded(() => toBinary(BatchSchema, fromBinary(BatchSchema, bytes), { writeUnknownFields: false }))
}

function scanFields(reader: WireReader, maxRecords: number): RawBatch {
  const raw: RawBatch = {
    rows: 0,
    epoch: 0,
    lane: 0,
    historical: false,
    lastSeq: 0,
    firstSeq: 0,
    openSeqs: [],
    blocks: [],
    entries: [],
  }
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    const wireType = tag & 7
    if (wireType === VARINT && field >= 1 && field <= 5) setNumber(raw, field, reader.uint())
    else if (wireType === VARINT && field === 9) raw.openSeqs.push(reader.uint())
    else if (wireType !== LENGTH) reader.skip(wireType)
    else {
      const content = reader.content()
      if (field === 6) {
        const block = scanBlock(content)
        raw.blocks.push(block)
        raw.rows += block.rows
      } else if (field === 7) raw.entries.push(alarmEntry(content.view()))
      else if (field === 8) raw.entries.push(eventEntry(content.view()))
      else if (field === 9) {
        checkCount(raw.openSeqs.length + countVarints(content.view()), maxRecords, 'open positions')
        while (!content.isAtEnd) raw.openSeqs.push(content.uint())
      }
    }
    checkCount(raw.rows + raw.entries.length, maxRecords)
    checkCount(raw.openSeqs.length, maxRecords, 'open positions')
  }
  return raw
}

function setNumber(raw: RawBatch, field: number, value: number): void {
  if (field === 1) raw.epoch = value
  else if (field === 2) raw.lane = value
  else if (field === 3) raw.historical = value !== 0
  else if (field === 4) raw.lastSeq = value
  else raw.firstSeq = value
}

function alarmEntry(bytes: Uint8Array): RawEntry {
  const { seq, transition } = guarded(() => fromBinary(AlarmRecordSchema, bytes))
  if (transition === undefined) throw malformed('an alarm record is empty')
  return { seq: Number(seq), entry: transitionOf(transition) }
}

function eventEntry(bytes: Uint8Array): RawEntry {
  const { event, seq } = guarded(() => fromBinary(EventRecordSchema, bytes))
  if (event === undefined) throw malformed('an event record is empty')
  return { seq: Number(seq), entry: eventOf(event) }
}

function guarded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (isTelemetryError(cause)) throw cause
    throw malformed(cause instanceof Error ? cause.message : String(cause))
  }
}

/** The same records with alarms and events in their places. */
function withEntries(readings: ReceivedBatch, { entries }: RawBatch): ReceivedBatch {
  const merged = new ReceivedBatch(readings, readings.length + entries.length)
  const sorted = entries.toSorted((a, b) => a.seq - b.seq)
  let next = 0
  for (let row = 0; row <= readings.length; row++) {
    const seq = row < readings.length ? readings.seq[row]! : Number.POSITIVE_INFINITY
    while (next < sorted.length && sorted[next]!.seq < seq) addEntry(merged, sorted[next++]!)
    if (row < readings.length) copyRow(readings, row, merged)
  }
  return merged
}

function addEntry(batch: ReceivedBatch, { entry, seq }: RawEntry): void {
  const row = batch.length++
  batch.seq[row] = seq
  batch.sensor[row] = ENTRY
  batch.sourceTime[row] = entry.time
  batch.receivedAt[row] = entry.time
  batch.entries.set(row, entry)
}

function copyRow(from: ReceivedBatch, row: number, to: ReceivedBatch): void {
  const target = to.length++
  to.seq[target] = from.seq[row]!
  to.sensor[target] = from.sensor[row]!
  to.status[target] = from.status[row]!
  to.sourceTime[target] = from.sourceTime[row]!
  to.receivedAt[target] = from.receivedAt[row]!
  to.bits[target] = from.bits[row]!
  const text = from.texts.get(row)
  if (text !== undefined) to.texts.set(target, text)
}

function checkPositions({ firstSeq, lastSeq, length, seq }: ReceivedBatch): void {
  let before = firstSeq === 0 ? 0 : firstSeq - 1
  for (let row = 0; row < length; row++) {
    if (!(seq[row]! > before)) throw malformed('positions do not rise')
    before = seq[row]!
  }
  if (lastSeq < before || lastSeq < 1) throw malformed('last_seq lies before the last record')
  if (!Number.isSafeInteger(lastSeq)) throw malformed('a position is too large')
}
