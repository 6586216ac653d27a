// A batch that became durable, as one process tells it to the others: a head in JSON and the new rows in columns.
//
//   message = u32 length of the head, head (JSON), zeros up to a multiple of 8, columns           little endian, as all of NATS's peers
//   head    = { gateway, rows, epoch, lane, historical, firstSeq, lastSeq, sensors, texts, entries }
//   columns = seq f64[rows], source time f64[rows], receive time f64[rows], value 64 bits[rows], sensor u32[rows], status u32[rows]

import type { Entry } from '#domain/alarm.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Lane } from '#domain/uplink.ts'
import { ReceivedBatch } from '#rpc/received-batch.ts'
import type { AdoptedSensor, TakenBatch } from '../ingest-ports.ts'
import type { BrainAlert, TenantNumber } from '../ports.ts'

const ROW_BYTES = 40
const ALIGNMENT = 8

interface Head {
  readonly gateway: string
  readonly rows: number
  readonly epoch: number
  readonly lane: Lane
  readonly historical: boolean
  readonly firstSeq: number
  readonly lastSeq: number
  /** By the number in the batch. */
  readonly sensors: readonly (readonly [number, AdoptedSensor])[]
  readonly texts: readonly (readonly [row: number, text: string])[]
  readonly entries: readonly (readonly [row: number, entry: Entry])[]
}

export type LiveMessage =
  | { readonly kind: 'batch'; readonly taken: TakenBatch }
  | { readonly kind: 'alert'; readonly alert: BrainAlert }

/** Stands where a batch has the length of its head; no head is that long. */
const ALERT_MARK = 0xff_ff_ff_ff

export function encodeTaken({ batch, gateway, rows, sensorOf }: TakenBatch): Uint8Array {
  const sensors = new Map<number, AdoptedSensor>()
  const texts: [number, string][] = []
  const entries: [number, Entry][] = []
  for (const [to, row] of rows.entries()) {
    const number = batch.sensor[row]!
    const sensor = number === ENTRY ? undefined : sensorOf(number)
    if (sensor) sensors.set(number, sensor)
    const text = batch.texts.get(row)
    if (text !== undefined) texts.push([to, text])
    const entry = batch.entries.get(row)
    if (entry !== undefined) entries.push([to, entry])
  }
  const { epoch, firstSeq, historical, lane, lastSeq } = batch
  const head: Head = {
    gateway,
    rows: rows.length,
    epoch,
    lane,
    historical,
    firstSeq,
    lastSeq,
    sensors: [...sensors],
    texts,
    entries,
  }
  const bytes = withHead(head, rows.length * ROW_BYTES)
  const columns = columnsOf(bytes.message, bytes.start, rows.length)
  for (const [to, row] of rows.entries()) {
    columns.seq[to] = batch.seq[row]!
    columns.sourceTime[to] = batch.sourceTime[row]!
    columns.receivedAt[to] = batch.receivedAt[row]!
    columns.bits[to] = batch.bits[row]!
    columns.sensor[to] = batch.sensor[row]!
    columns.status[to] = batch.status[row]!
  }
  return bytes.message
}

export function encodeAlert(alert: BrainAlert): Uint8Array {
  const body = Buffer.from(JSON.stringify(alert))
  const message = Buffer.alloc(4 + body.length)
  message.writeUInt32LE(ALERT_MARK)
  message.set(body, 4)
  return message
}

/** null for bytes that make no sense: of another version. */
export function decodeLive(tenant: TenantNumber, data: Uint8Array): LiveMessage | null {
  try {
    const view = Buffer.from(data.buffer, data.byteOffset, data.length)
    const length = view.readUInt32LE()
    if (length !== ALERT_MARK) return { kind: 'batch', taken: decodeTaken(tenant, view, length) }
    return { kind: 'alert', alert: JSON.parse(view.subarray(4).toString()) as BrainAlert } // written by `encodeAlert`
  } catch {
    return null
  }
}

function decodeTaken(tenant: TenantNumber, view: Buffer, length: number): TakenBatch {
  const head = JSON.parse(view.subarray(4, 4 + length).toString()) as Head // written by `encodeTaken`
  const start = aligned(4 + length)
  if (view.length !== start + head.rows * ROW_BYTES) throw new RangeError('The columns are not whole')
  const copy = Uint8Array.from(view) // its own memory begins where numbers may
  const columns = columnsOf(copy, start, head.rows)
  const batch = new ReceivedBatch({ ...head, openSeqs: [] }, head.rows)
  batch.length = head.rows
  batch.seq.set(columns.seq)
  batch.sourceTime.set(columns.sourceTime)
  batch.receivedAt.set(columns.receivedAt)
  batch.bits.set(columns.bits)
  batch.sensor.set(columns.sensor)
  batch.status.set(columns.status)
  for (const [row, text] of head.texts) batch.texts.set(row, text)
  for (const [row, entry] of head.entries) batch.entries.set(row, entry)
  const sensors = new Map(head.sensors)
  return {
    tenant,
    gateway: head.gateway,
    batch,
    rows: Array.from({ length: head.rows }, (_, row) => row),
    sensorOf: (number) => sensors.get(number),
  }
}

function withHead(head: Head, more: number): { message: Uint8Array; start: number } {
  const text = Buffer.from(JSON.stringify(head))
  const start = aligned(4 + text.length)
  const message = new Uint8Array(start + more)
  new DataView(message.buffer).setUint32(0, text.length, true)
  message.set(text, 4)
  return { message, start }
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT
}

/** `bytes` begins where its memory begins. */
function columnsOf({ buffer }: Uint8Array, start: number, rows: number) {
  return {
    seq: new Float64Array(buffer, start, rows),
    sourceTime: new Float64Array(buffer, start + rows * 8, rows),
    receivedAt: new Float64Array(buffer, start + rows * 16, rows),
    bits: new BigInt64Array(buffer, start + rows * 24, rows),
    sensor: new Uint32Array(buffer, start + rows * 32, rows),
    status: new Uint32Array(buffer, start + rows * 36, rows),
  }
}
