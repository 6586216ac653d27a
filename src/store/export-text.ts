// Exports as text: CSV (RFC 4180: CRLF, quotes where needed) and JSON Lines. Every value comes back to the bit: numbers as
// their shortest exact decimals, 64-bit integers in full.
//
//   readings   time,sensor,value,quality,status,unit            buckets   time,sensor,count,min,max,mean,last,unit

import type { Bucket } from '#domain/history.ts'
import { isBad, qualityOf, statusName, type StatusCode } from '#domain/quality.ts'
import { jsonValue } from '#domain/value.ts'
import { csvCell, exactNumber } from '#kit/export-cells.ts'
import { IsoTimes, type ExportedSensor, type ExportOutput, type ExportWriter } from './export-format.ts'
import { seriesValue } from './numeric-values.ts'
import type { Series } from './series.ts'

const NEWLINE = '\r\n'
const READINGS_HEADER = `time,sensor,value,quality,status,unit${NEWLINE}`
const BUCKETS_HEADER = `time,sensor,count,min,max,mean,last,unit${NEWLINE}`

export class CsvWriter implements ExportWriter {
  readonly #output: ExportOutput
  readonly #isBuckets: boolean
  readonly #iso = new IsoTimes()

  constructor(output: ExportOutput, { isBuckets }: { isBuckets: boolean }) {
    this.#output = output
    this.#isBuckets = isBuckets
  }

  begin(): Promise<void> {
    return this.#output.write(this.#isBuckets ? BUCKETS_HEADER : READINGS_HEADER)
  }

  readings({ id, unit, valueType }: ExportedSensor, batch: Series): Promise<void> {
    const tails = new StatusTexts((status) => `,${qualityOf(status)},${statusName(status)},${csvCell(unit)}${NEWLINE}`)
    const isNumber = valueType === 'number'
    const values = batch.cells.value
    let text = ''
    for (let row = 0; row < batch.length; row++) {
      const status = batch.status[row]!
      const value = isBad(status)
        ? ''
        : isNumber
          ? exactNumber(values[row]!)
          : cellOf(seriesValue(batch, row, valueType))
      text += `${this.#iso.of(batch.timeAt(row))},${id},${value}${tails.of(status)}`
    }
    return this.#output.write(text)
  }

  buckets({ id, unit }: ExportedSensor, buckets: readonly Bucket[]): Promise<void> {
    let text = ''
    for (const { time, count, min, max, mean, last } of buckets) {
      const numbers = [min, max, mean, last].map(exactNumber).join()
      text += `${this.#iso.of(time)},${id},${count},${numbers},${csvCell(unit)}${NEWLINE}`
    }
    return this.#output.write(text)
  }

  end(): Promise<void> {
    return Promise.resolve()
  }
}

export class JsonLinesWriter implements ExportWriter {
  readonly #output: ExportOutput
  readonly #iso = new IsoTimes()

  constructor(output: ExportOutput) {
    this.#output = output
  }

  begin(): Promise<void> {
    return Promise.resolve()
  }

  readings({ id, unit, valueType }: ExportedSensor, batch: Series): Promise<void> {
    const tails = new StatusTexts(
      (status) =>
        `,"quality":"${qualityOf(status)}","status":${JSON.stringify(statusName(status))},"unit":${JSON.stringify(unit)}}\n`,
    )
    let text = ''
    for (let row = 0; row < batch.length; row++) {
      const value = seriesValue(batch, row, valueType)
      const json = Object.is(value, -0) ? '-0' : JSON.stringify(jsonValue(value))
      text += `{"time":"${this.#iso.of(batch.timeAt(row))}","sensor":"${id}","value":${json}${tails.of(batch.status[row]!)}`
    }
    return this.#output.write(text)
  }

  buckets({ id, unit }: ExportedSensor, buckets: readonly Bucket[]): Promise<void> {
    let text = ''
    for (const { time, count, min, max, mean, last } of buckets) {
      const numbers = `"min":${jsonNumber(min)},"max":${jsonNumber(max)},"mean":${jsonNumber(mean)},"last":${jsonNumber(last)}`
      text += `{"time":"${this.#iso.of(time)}","sensor":"${id}","count":${count},${numbers},"unit":${JSON.stringify(unit)}}\n`
    }
    return this.#output.write(text)
  }

  end(): Promise<void> {
    return Promise.resolve()
  }
}

function jsonNumber(value: number): string {
  return Number.isFinite(value) ? exactNumber(value) : 'null'
}

/** The end of a line by status: nearly all readings share a few. */
class StatusTexts {
  readonly #texts = new Map<StatusCode, string>()
  readonly #make: (status: StatusCode) => string

  constructor(make: (status: StatusCode) => string) {
    this.#make = make
  }

  of(status: StatusCode): string {
    let text = this.#texts.get(status)
    if (text === undefined) {
      text = this.#make(status)
      this.#texts.set(status, text)
    }
    return text
  }
}

function cellOf(value: ReturnType<typeof seriesValue>): string {
  if (typeof value === 'number') return exactNumber(value)
  if (typeof value === 'string') return value === '' ? '""' : csvCell(value) // nothing at all means: no value
  return value === null ? '' : String(value)
}
