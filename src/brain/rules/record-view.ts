// Records as conditions see them. A reading's view is one object that is used again for each row: nothing is made for a reading
// that no rule speaks about.

import type { Entry } from '#domain/alarm.ts'
import { isBad, qualityOf, Status, statusName } from '#domain/quality.ts'
import { ENTRY } from '#domain/reading.ts'
import { numericValue, type Value } from '#domain/value.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'

/** Aggregates by name; filled in for each rule. */
export type WindowView = Record<string, number | null>

export interface RecordView {
  kind: string
  sensor: string
  gateway: string
  /** Unix milliseconds. */
  time: number
  receivedAt: number
  windows: WindowView
  [field: string]: unknown
}

/** `value` is null exactly when the quality is bad. */
export interface ReadingView extends RecordView {
  value: number | boolean | string | null
  quality: string
  status: string
  unit: string
  machine: string
  factory: string
}

/** Of a record that no window was worked out for. Never written to. */
export const NO_WINDOWS: WindowView = Object.freeze({})

export function emptyReading(): ReadingView {
  return {
    kind: 'reading',
    sensor: '',
    gateway: '',
    time: 0,
    receivedAt: 0,
    windows: NO_WINDOWS,
    value: null,
    quality: 'good',
    status: 'Good',
    unit: '',
    machine: '',
    factory: '',
  }
}

/** Fills `view` with row `row`, which is a reading. */
export function fillReading(view: ReadingView, batch: ReceivedBatch, row: number, sensor: KnownSensor): void {
  const status = batch.status[row]!
  const source = batch.sourceTime[row]!
  const receivedAt = batch.receivedAt[row]!
  view.sensor = sensor.id
  view.receivedAt = receivedAt
  view.time = Number.isNaN(source) ? receivedAt : source
  view.value =
    sensor.valueType === 'number'
      ? isBad(status)
        ? null
        : batch.value[row]!
      : conditionValue(batch.valueOf(row, sensor.valueType))
  view.quality = status === Status.Good ? 'good' : qualityOf(status)
  view.status = status === Status.Good ? 'Good' : statusName(status)
  view.unit = sensor.unit
  view.machine = sensor.machine
  view.factory = sensor.factory
}

/** 64-bit integers are rounded to float64. */
export function conditionValue(value: Value | null): number | boolean | string | null {
  return typeof value === 'bigint' ? numericValue(value) : value
}

export function entryView(entry: Entry, gateway: string): RecordView {
  const base = { gateway, time: entry.time, receivedAt: entry.time, windows: NO_WINDOWS }
  if (entry.kind === 'alarm') {
    const { alarm, by, change, comment } = entry
    return { ...base, kind: 'alarm', sensor: alarm.sensor, change, by, comment, alarm }
  }
  const { data = {}, message, severity, source, type } = entry
  return { ...base, kind: 'event', sensor: '', event: { type, severity, message, source, data } }
}

export function isEntryRow(batch: ReceivedBatch, row: number): boolean {
  return batch.sensor[row] === ENTRY
}
