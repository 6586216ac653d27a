// Stamps records anew after the wall clock was set: those that were stamped while it was not trusted, and that are still in
// the journal (maintenance.ts holds them there). Receive times and entries move; a source's own times are its own.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import type { BlockCodec } from './block-codec.ts'
import type { Restamp } from './protocol.ts'
import { pendingPart, type Part, type Recent } from './recent.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

export interface RestampOptions {
  readonly tables: StoreTables
  readonly recent: Recent
  readonly codec: BlockCodec
  readonly epoch: number
  readonly onDamage: (block: number, error: unknown) => void
}

/** Rewrites the committed blocks of a span, one transaction each; answers how many records moved. */
export function* restamp(span: Restamp, options: RestampOptions): Steps<number> {
  const { recent, tables, codec, epoch } = options
  let count = 0
  for (const part of recent.parts) {
    if (part.epoch !== epoch || part.block === null) continue
    if (part.firstSeq > span.to || part.firstSeq + part.count - 1 < span.from) continue
    const batch = part.batch ?? readBlock(part, options)
    if (!batch) continue
    const moved = movedRows(batch, span)
    if (moved.length === 0) continue
    const stamped = stampAnew(batch, moved, span.offsetMs)
    const fresh: Part = { ...pendingPart(stamped), block: part.block }
    const { firstTime, lastTime } = fresh
    const data = codec.encode(stamped, tables.sensors.isInteger)
    tables.db.transaction(() => {
      tables.journal.rewrite(part.block!, { firstTime, lastTime, data })
      const entries = moved.filter((row) => batch.sensor[row] === ENTRY).map((row) => batch.firstSeq + row)
      tables.entries.shift(epoch, entries, span.offsetMs)
    })()
    if (part.batch === null) fresh.batch = null
    recent.replace(part, fresh)
    count += moved.length
    yield
  }
  return count
}

function readBlock(part: Part, { tables, codec, onDamage }: RestampOptions): RecordBatch | null {
  try {
    return codec.decode(tables.journal.data(part.block!))
  } catch (error) {
    onDamage(part.block!, error)
    return null
  }
}

/** Rows that were stamped by the old time. */
function movedRows(batch: RecordBatch, { from, to, sure, now, offsetMs }: Restamp): number[] {
  const rows: number[] = []
  for (let row = 0; row < batch.length; row++) {
    const seq = batch.firstSeq + row
    if (seq < from || seq > to) continue
    const time = batch.receivedAt[row]!
    if (seq <= sure || Math.abs(time - (now - offsetMs)) < Math.abs(time - now)) rows.push(row)
  }
  return rows
}

function stampAnew(batch: RecordBatch, rows: readonly number[], offsetMs: number): MutableRecordBatch {
  const copy = new MutableRecordBatch(batch.epoch, batch.firstSeq, batch.length)
  copy.length = batch.length
  copy.sensor.set(batch.sensor.subarray(0, batch.length))
  copy.status.set(batch.status.subarray(0, batch.length))
  copy.sourceTime.set(batch.sourceTime.subarray(0, batch.length))
  copy.receivedAt.set(batch.receivedAt.subarray(0, batch.length))
  copy.bits.set(new BigInt64Array(batch.value.buffer, batch.value.byteOffset, batch.length))
  for (const [row, text] of batch.texts) copy.texts.set(row, text)
  for (const row of rows) {
    copy.receivedAt[row]! += offsetMs
    if (batch.sensor[row] !== ENTRY) continue
    copy.sourceTime[row]! += offsetMs
    copy.texts.set(row, shiftEntry(copy.texts.get(row)!, offsetMs))
  }
  return copy
}

function shiftEntry(json: string, offsetMs: number): string {
  try {
    const entry = JSON.parse(json) as { time?: unknown }
    return typeof entry.time === 'number' ? JSON.stringify({ ...entry, time: entry.time + offsetMs }) : json
  } catch {
    return json // it is no entry; the journal keeps it as it is
  }
}
