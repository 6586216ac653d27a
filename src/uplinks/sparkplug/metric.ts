// Metrics of Sparkplug B payloads: a sensor in a birth, a reading in a DATA message.

import { Status, isBad, isGood, statusName, type StatusCode } from '#domain/quality.ts'
import type { Reading, RecordBatch } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import { valueAt } from '#kit/record-batch.ts'
import { DATATYPE_OF, metricValueOf, type MetricInit, type PropertyInit } from '#kit/sparkplug/encode.ts'
import { DataType } from '#kit/sparkplug/payload.ts'
import type { Value } from '#domain/value.ts'
import type { Point } from './node-points.ts'

const MAX_DATE_MS = 8.64e15 // ECMA-262 §21.4.1.1

/** The only three codes that Sparkplug has (3.0 §6.4.11). What is uncertain is shown as stale; `Status` says what it is. */
export function qualityCode(status: StatusCode): 0 | 192 | 500 {
  return isBad(status) ? 0 : isGood(status) ? 192 : 500
}

/** Unix milliseconds of a reading: the source's time if it gave a sensible one, else the receive time. */
export function timeAt(batch: RecordBatch, row: number): number {
  const source = batch.sourceTime[row]!
  return Math.floor(source >= 0 && source <= MAX_DATE_MS ? source : Math.max(0, batch.receivedAt[row]!))
}

/** A sensor as its birth describes it, with its latest reading. `now`: Unix milliseconds, for a sensor without one. */
export function birthMetric({ sensor, alias }: Point, latest: Reading | null, now: number): MetricInit {
  const status = latest?.status ?? Status.BadWaitingForInitialData
  return {
    name: sensor.name,
    alias,
    timestamp: BigInt(Math.max(0, Math.floor(latest?.time ?? now))),
    datatype: DATATYPE_OF[sensor.valueType],
    properties: birthProperties(sensor, status),
    ...valueFields(latest?.value ?? null),
  }
}

export interface DataMetricOptions {
  readonly batch: RecordBatch
  readonly row: number
  readonly isHistorical: boolean
  /** Quality and status are said only when they are not plain good, or were not in the message before. */
  readonly withStatus: boolean
}

/** A reading of a batch, by alias alone. */
export function dataMetric({ sensor, alias }: Point, options: DataMetricOptions): MetricInit {
  const { batch, row, isHistorical, withStatus } = options
  return {
    alias,
    timestamp: BigInt(timeAt(batch, row)),
    ...(isHistorical ? { isHistorical } : {}),
    ...(withStatus ? { properties: propertySet(statusProperties(batch.status[row]!)) } : {}),
    ...valueFields(valueAt(batch, row, sensor.valueType)),
  }
}

function valueFields(value: Value | null): Pick<MetricInit, 'value' | 'isNull'> {
  const isNull = value === null || (typeof value === 'number' && !Number.isFinite(value))
  return isNull ? { isNull } : { value: metricValueOf(value) }
}

/** Names that host applications know: `engUnit`, `readOnly`, `documentation`. */
function birthProperties(sensor: Sensor, status: StatusCode): MetricInit['properties'] {
  return propertySet([
    ...statusProperties(status),
    ...(sensor.unit === '' ? [] : [textProperty('engUnit', sensor.unit)]),
    ['readOnly', { type: DataType.Boolean, value: { case: 'booleanValue', value: !sensor.writable } }],
    ...(sensor.description === '' ? [] : [textProperty('documentation', sensor.description)]),
    textProperty('machine', sensor.machine),
  ])
}

type Property = readonly [key: string, value: PropertyInit]

function statusProperties(status: StatusCode): Property[] {
  return [
    ['Quality', { type: DataType.Int32, value: { case: 'intValue', value: qualityCode(status) } }],
    textProperty('Status', statusName(status)),
  ]
}

function textProperty(key: string, value: string): Property {
  return [key, { type: DataType.String, value: { case: 'stringValue', value } }]
}

function propertySet(properties: readonly Property[]): NonNullable<MetricInit['properties']> {
  return { keys: properties.map(([key]) => key), values: properties.map(([, value]) => value) }
}
