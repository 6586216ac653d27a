// Payloads of an mqtt uplink, one JSON object for each record:
//
//   reading  {"t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good","id":"edge-01/3/1042"}
//            q: good | uncertain | bad; v is null exactly when q is bad; "s" names the status when it is not Good
//            "h":true: from the backlog of liveFirst, where later records may have come before
//            json-batch: an array of these, each with its "sensor"
//   alarm    {"t":…,"id":…,"change":"raised","alarm":"3-7","sensor":"press-1.pressure","check":…,"level":"high",…}
//   event    {"t":…,"id":…,"type":"gateway-started","severity":"info","source":"gateway","message":…,"data":…}
//
// id is gateway/epoch/seq: the same record always carries the same id, so that a receiver can drop repeats.
// Readings are put together by hand, without objects: this runs once for each reading.

import type { AlarmEntry, Entry, EventEntry } from '#domain/alarm.ts'
import { Status, isBad, qualityOf, statusName } from '#domain/quality.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { jsonValue, type ValueType } from '#domain/value.ts'
import { valueAt } from '#kit/record-batch.ts'

const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z","v":`)
const MAX_DATE_MS = 8.64e15 // ECMA-262 §21.4.1.1

export class PayloadEncoder {
  /** What follows comes from the backlog, behind live records. */
  isLate = false
  readonly #gateway: string
  #second = Number.NaN
  #head = ''
  #epoch = -1
  #idPrefix = ''

  /** @param gateway the gateway's id. */
  constructor(gateway: string) {
    this.#gateway = gateway
  }

  /** JSON of the reading in `row`, of a sensor with `valueType`. `sensor`: its id, where the topic does not tell. */
  reading(batch: RecordBatch, row: number, valueType: ValueType, sensor?: string): string {
    if (batch.epoch !== this.#epoch) this.#beginEpoch(batch.epoch)
    const status = batch.status[row]!
    const time = timeOf(batch, row)
    const second = Math.floor(time / 1000)
    if (second !== this.#second) this.#beginSecond(second)
    const grade = status === Status.Good ? ',"q":"good","id":"' : gradeOf(status)
    const seq = batch.firstSeq + row
    const late = this.isLate ? '","h":true' : '"'
    const tail = sensor === undefined ? '}' : `,"sensor":"${sensor}"}`
    return `${this.#head}${MILLISECONDS[time - second * 1000]}${valueJson(batch, row, valueType)}${grade}${this.#idPrefix}${seq}${late}${tail}`
  }

  /** JSON of an alarm's change or an event. `seq`: its place in `epoch`. */
  entry(entry: Entry, epoch: number, seq: number): string {
    const id = `${this.#gateway}/${epoch}/${seq}`
    const message = entry.kind === 'alarm' ? alarmMessage(entry, id) : eventMessage(entry, id)
    return JSON.stringify(this.isLate ? { ...message, h: true } : message)
  }

  #beginEpoch(epoch: number): void {
    this.#epoch = epoch
    this.#idPrefix = JSON.stringify(`${this.#gateway}/${epoch}/`).slice(1, -1)
  }

  #beginSecond(second: number): void {
    this.#second = second
    this.#head = `{"t":"${new Date(second * 1000).toISOString().slice(0, -4)}`
  }
}

/** Whole Unix milliseconds: the source's time when there is a sensible one, else the receive time. */
function timeOf(batch: RecordBatch, row: number): number {
  const sourceTime = batch.sourceTime[row]!
  const time = Math.abs(sourceTime) <= MAX_DATE_MS ? sourceTime : batch.receivedAt[row]!
  return Math.floor(time)
}

function valueJson(batch: RecordBatch, row: number, valueType: ValueType): string | number {
  if (isBad(batch.status[row]!)) return 'null'
  if (valueType !== 'number') return JSON.stringify(jsonValue(valueAt(batch, row, valueType)))
  const value = batch.value[row]!
  return Number.isFinite(value) ? value : 'null'
}

function gradeOf(status: number): string {
  return `,"q":"${qualityOf(status)}","s":"${statusName(status)}","id":"`
}

function isoTime(time: number | null): string | null {
  return time !== null && Math.abs(time) <= MAX_DATE_MS ? new Date(time).toISOString() : null
}

function alarmMessage({ alarm, change, time, by, comment }: AlarmEntry, id: string): object {
  return {
    t: isoTime(time),
    id,
    change,
    alarm: alarm.id,
    sensor: alarm.sensor,
    check: alarm.check,
    type: alarm.checkType,
    level: alarm.level,
    severity: alarm.severity,
    active: alarm.active,
    acknowledged: alarm.acknowledged,
    raisedAt: isoTime(alarm.raisedAt),
    clearedAt: isoTime(alarm.clearedAt),
    shelvedUntil: isoTime(alarm.shelvedUntil),
    message: alarm.message,
    value: alarm.finding.value,
    limit: alarm.finding.limit,
    score: alarm.finding.score,
    by,
    comment,
  }
}

function eventMessage({ type, severity, source, message, data, time }: EventEntry, id: string): object {
  return { t: isoTime(time), id, type, severity, source, message, data }
}
