// Records of a batch as JSON lines, and the reasons for which a record is refused.

import type { Entry } from '#domain/alarm.ts'
import { isBad, qualityOf, Status, statusName } from '#domain/quality.ts'
import { MAX_TEXT_BYTES, jsonValue } from '#domain/value.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'

const MAX_DATE_MS = 8.64e15 // ECMA-262 §21.4.1.1

export interface LineOptions {
  readonly gateway: string
  readonly sensor: (number: number) => KnownSensor | undefined
}

/** Why a record is not taken; null: it is sound. */
export function refusalOf(batch: ReceivedBatch, row: number, sensor: KnownSensor | undefined): string | null {
  const entry = batch.entries.get(row)
  if (entry !== undefined) return null
  if (sensor === undefined) return 'Its sensor is not in the dictionary'
  const isNumber = sensor.valueType === 'number' && !isBad(batch.status[row]!)
  if (isNumber && !Number.isFinite(batch.value[row]!)) return 'The value is not a finite number'
  const text = batch.texts.get(row)
  if (text !== undefined && Buffer.byteLength(text) > MAX_TEXT_BYTES)
    return `The text is longer than ${MAX_TEXT_BYTES} bytes`
  return null
}

/** One line, with its end. */
export function recordLine(batch: ReceivedBatch, row: number, { gateway, sensor }: LineOptions): string {
  const id = `${gateway}/${batch.epoch}/${batch.seq[row]!}`
  const entry = batch.entries.get(row)
  if (entry !== undefined) return `${JSON.stringify({ ...entryObject(id, entry), ...laneOf(batch) })}\n`
  const { id: sensorId, unit, valueType } = sensor(batch.sensor[row]!)!
  const status = batch.status[row]!
  const sourceTime = batch.sourceTime[row]!
  const receivedAt = batch.receivedAt[row]!
  return `${JSON.stringify({
    id,
    sensor: sensorId,
    t: isoTime(Number.isNaN(sourceTime) ? receivedAt : sourceTime),
    v: jsonValue(batch.valueOf(row, valueType)),
    ...(unit === '' ? {} : { unit }),
    q: qualityOf(status),
    ...(status === Status.Good ? {} : { s: statusName(status) }),
    receivedAt: isoTime(receivedAt),
    ...laneOf(batch),
  })}\n`
}

function entryObject(id: string, entry: Entry): object {
  return { id, ...entry, time: isoTime(entry.time) }
}

/** Said only where it says something. */
function laneOf({ historical, lane }: ReceivedBatch): object {
  return { ...(lane === 'inOrder' ? {} : { lane }), ...(historical ? { historical } : {}) }
}

function isoTime(time: number): string | null {
  return Math.abs(time) <= MAX_DATE_MS ? new Date(time).toISOString() : null
}
