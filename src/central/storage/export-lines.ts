// Stored readings and buckets as lines of an exported file, as a gateway writes them (src/store/export-text.ts): CSV (RFC 4180) and JSON
// Lines. Every value comes back to the bit.
//
//   readings   time,sensor,value,quality,status,unit            buckets   time,sensor,count,min,max,mean,last,unit

import type { Bucket, StoredReading } from '#domain/history.ts'
import { isBad, qualityOf, statusName } from '#domain/quality.ts'
import { jsonValue, type Value } from '#domain/value.ts'
import { csvCell, exactNumber } from '#kit/export-cells.ts'

export interface ExportedSensor {
  readonly id: string
  readonly unit: string
}

/** Text of a batch of one sensor. */
export interface ExportLines {
  readonly header: string
  readings(sensor: ExportedSensor, batch: readonly StoredReading[]): string
  buckets(sensor: ExportedSensor, batch: readonly Bucket[]): string
}

const NEWLINE = '\r\n'

export function csvLines({ isBuckets }: { readonly isBuckets: boolean }): ExportLines {
  const columns = isBuckets ? 'count,min,max,mean,last,unit' : 'value,quality,status,unit'
  return {
    header: `time,sensor,${columns}${NEWLINE}`,
    readings({ id, unit }, batch) {
      const tail = csvCell(unit)
      return batch
        .map(({ status, time, value }) => {
          const cell = isBad(status) || value === null ? '' : valueCell(value)
          return `${iso(time)},${id},${cell},${qualityOf(status)},${statusName(status)},${tail}${NEWLINE}`
        })
        .join('')
    },
    buckets({ id, unit }, batch) {
      const tail = csvCell(unit)
      return batch
        .map(({ count, last, max, mean, min, time }) => {
          const numbers = [min, max, mean, last].map(exactNumber).join()
          return `${iso(time)},${id},${count},${numbers},${tail}${NEWLINE}`
        })
        .join('')
    },
  }
}

export function jsonLines(): ExportLines {
  return {
    header: '',
    readings({ id, unit }, batch) {
      const tail = `"unit":${JSON.stringify(unit)}}\n`
      return batch
        .map(({ status, time, value }) => {
          const known = isBad(status) ? null : value
          const json = Object.is(known, -0) ? '-0' : JSON.stringify(jsonValue(known))
          const words = `"quality":"${qualityOf(status)}","status":${JSON.stringify(statusName(status))}`
          return `{"time":"${iso(time)}","sensor":"${id}","value":${json},${words},${tail}`
        })
        .join('')
    },
    buckets({ id, unit }, batch) {
      const tail = `"unit":${JSON.stringify(unit)}}\n`
      return batch
        .map(({ count, last, max, mean, min, time }) => {
          const numbers = Object.entries({ min, max, mean, last }).map(
            ([key, value]) => `"${key}":${jsonNumber(value)}`,
          )
          return `{"time":"${iso(time)}","sensor":"${id}","count":${count},${numbers.join()},${tail}`
        })
        .join('')
    },
  }
}

function valueCell(value: Value): string {
  if (typeof value === 'number') return exactNumber(value)
  if (typeof value === 'string') return value === '' ? '""' : csvCell(value) // nothing at all means: no value
  return String(value)
}

function jsonNumber(value: number): string {
  return Number.isFinite(value) ? exactNumber(value) : 'null'
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
