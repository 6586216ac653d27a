// A delivery as messages on the wire: SyncRequest { Batch } in columns, as many as the receiver's largest message asks for.
// Runs once for each reading: no objects, no BigInt, memory that is reused.

import { create, toBinary } from '@bufbuild/protobuf'
import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery } from '#domain/uplink.ts'
import { BlockWriter, KINDS } from './block-writer.ts'
import { parseEntry, wireEvent, wireTransition } from './entries.ts'
import { AlarmRecordSchema, EventRecordSchema, Lane } from './generated/telemetryx/v1/ingest_pb.js'
import { WireWriter, requireLittleEndian } from './wire-writer.ts'

/** Messages are not made larger than this, even where the receiver takes more: a stream is shared with others. */
const TARGET_BYTES = 1024 * 1024
/** Beside blocks and entries: tags, lengths and the batch's own fields. */
const OVERHEAD_BYTES = 128
const ROW_BYTES = 32

export const WIRE_LANES = { inOrder: Lane.UNSPECIFIED, live: Lane.LIVE, backlog: Lane.BACKLOG } as const

/** Positions of which nothing else will come (see Batch.first_seq in ingest.proto). */
export interface Coverage {
  readonly firstSeq: number
  readonly lastSeq: number
  /** Positions between them of which it says nothing, rising. */
  readonly openSeqs: readonly number[]
}

export interface EncodeOptions {
  readonly model: Model
  /** Largest message. */
  readonly maxBytes: number
  readonly coverage: Coverage | null
}

export interface EncodedMessage {
  /** A SyncRequest. */
  readonly bytes: Buffer
  /** What its acknowledgement names. */
  readonly lastSeq: number
  /** True once the transport has taken it. */
  isSent: boolean
}

export interface EncodedDelivery {
  readonly messages: readonly EncodedMessage[]
  /** Rows that cannot be sent. */
  readonly rejected: readonly { readonly row: number; readonly reason: string }[]
}

export class BatchEncoder {
  readonly #block = new BlockWriter()
  readonly #blocks = new WireWriter()
  readonly #alarms = new WireWriter()
  readonly #events = new WireWriter()
  readonly #batch = new WireWriter()
  readonly #scratch = new WireWriter()
  #model: Model | null = null
  #kinds = new Uint8Array(0)
  #messages: EncodedMessage[] = []
  #rejected: { row: number; reason: string }[] = []
  #openSeqs: readonly number[] = []
  #partFirstSeq = 0
  #partLastSeq = 0

  constructor() {
    requireLittleEndian()
  }

  encode(delivery: Delivery, options: EncodeOptions): EncodedDelivery {
    if (options.model !== this.#model) this.#learn(options.model)
    const { batch, rowCount, rows } = delivery
    this.#messages = []
    this.#rejected = []
    this.#openSeqs = options.coverage?.openSeqs ?? []
    this.#beginPart(rowCount, options.coverage?.firstSeq ?? 0)
    const limit = Math.min(options.maxBytes, TARGET_BYTES) - OVERHEAD_BYTES
    for (let index = 0; index < rowCount; index++) {
      const row = rows[index]!
      if (batch.sensor[row] === ENTRY) this.#addEntry(delivery, row, limit, rowCount - index)
      else this.#addReading(delivery, row, limit, rowCount - index)
    }
    // A record that is refused here may come again later: nothing is then said of positions beside the records.
    const coverage = this.#rejected.length === 0 ? options.coverage : null
    if (this.#partLastSeq > 0) this.#finishPart(delivery, coverage?.lastSeq ?? this.#partLastSeq)
    this.#openSeqs = []
    return { messages: this.#messages, rejected: this.#rejected }
  }

  #learn(model: Model): void {
    const sensors = [...(model.retired ?? []), ...model.sensors]
    const top = sensors.reduce((highest, sensor) => Math.max(highest, sensor.number), -1)
    this.#kinds = new Uint8Array(top + 1)
    for (const { number, valueType } of sensors) this.#kinds[number] = KINDS[valueType]
    this.#model = model
  }

  #addReading(delivery: Delivery, row: number, limit: number, rowsLeft: number): void {
    const { batch } = delivery
    const kind = this.#kinds[batch.sensor[row]!] ?? 0
    if (kind === 0) return this.#reject(row, 'The sensor is no longer configured')
    const bytes = ROW_BYTES + (kind === KINDS.string ? (batch.texts.get(row)?.length ?? 0) * 3 : 0)
    if (bytes > limit) return this.#reject(row, 'Larger than the receiver accepts')
    this.#makeRoom(delivery, bytes, limit, rowsLeft)
    if (!this.#block.add(batch, row, kind)) {
      this.#closeBlock(rowsLeft)
      this.#block.add(batch, row, kind)
    }
    this.#partLastSeq = batch.firstSeq + row
  }

  #addEntry(delivery: Delivery, row: number, limit: number, rowsLeft: number): void {
    const entry = this.#entryBytes(delivery.batch, row)
    if (entry === null) return this.#reject(row, 'The entry makes no sense')
    if (entry.bytes.length + ROW_BYTES > limit) return this.#reject(row, 'Larger than the receiver accepts')
    this.#makeRoom(delivery, entry.bytes.length + ROW_BYTES, limit, rowsLeft)
    if (entry.kind === 'alarm') this.#alarms.bytesField(7, entry.bytes)
    else this.#events.bytesField(8, entry.bytes)
    this.#partLastSeq = delivery.batch.firstSeq + row
  }

  #entryBytes(batch: RecordBatch, row: number): { kind: 'alarm' | 'event'; bytes: Uint8Array } | null {
    const entry = parseEntry(batch.texts.get(row))
    if (entry === null) return null
    const seq = BigInt(batch.firstSeq + row)
    try {
      const bytes =
        entry.kind === 'alarm'
          ? toBinary(AlarmRecordSchema, create(AlarmRecordSchema, { seq, transition: wireTransition(entry) }))
          : toBinary(EventRecordSchema, create(EventRecordSchema, { seq, event: wireEvent(entry) }))
      return { kind: entry.kind, bytes }
    } catch {
      return null // a time or a word that the schema does not have
    }
  }

  #reject(row: number, reason: string): void {
    this.#rejected.push({ row, reason })
  }

  /** Ends the message when `bytes` more would make it too large. */
  #makeRoom(delivery: Delivery, bytes: number, limit: number, rowsLeft: number): void {
    const used = this.#blocks.length + this.#block.bytes + this.#alarms.length + this.#events.length
    if (used + bytes <= limit || this.#partLastSeq === 0) return
    const next = this.#partFirstSeq === 0 ? 0 : this.#partLastSeq + 1
    this.#finishPart(delivery, this.#partLastSeq)
    this.#beginPart(rowsLeft, next)
  }

  #beginPart(rows: number, firstSeq: number): void {
    this.#blocks.clear()
    this.#alarms.clear()
    this.#events.clear()
    this.#block.begin(rows)
    this.#partFirstSeq = firstSeq
    this.#partLastSeq = 0
  }

  #closeBlock(rowsLeft: number): void {
    if (this.#block.rows > 0) this.#block.finish(this.#blocks, 6, this.#scratch)
    this.#block.begin(rowsLeft)
  }

  #finishPart(delivery: Delivery, lastSeq: number): void {
    const batch = this.#batch
    this.#closeBlock(0)
    batch.clear()
    batch.uintField(1, delivery.batch.epoch)
    batch.uintField(2, WIRE_LANES[delivery.lane])
    batch.uintField(3, delivery.historical ? 1 : 0)
    batch.uintField(4, lastSeq)
    if (this.#rejected.length === 0 && this.#partFirstSeq > 0) this.#writeCoverage(lastSeq)
    batch.raw(this.#blocks.view)
    batch.raw(this.#alarms.view)
    batch.raw(this.#events.view)
    this.#scratch.clear()
    this.#scratch.bytesField(2, batch.view)
    this.#messages.push({ bytes: Buffer.from(this.#scratch.view), lastSeq, isSent: false })
  }

  #writeCoverage(lastSeq: number): void {
    const open = this.#openSeqs.filter((seq) => seq >= this.#partFirstSeq && seq <= lastSeq)
    this.#batch.uintField(5, this.#partFirstSeq)
    if (open.length === 0) return
    this.#scratch.clear()
    for (const seq of open) this.#scratch.uint(seq)
    this.#batch.bytesField(9, this.#scratch.view)
  }
}
