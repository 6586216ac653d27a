// Rows as CSV (RFC 4180): a head line, times as ISO 8601 in UTC, numbers with all their digits.

import {
  BUCKET_COLUMNS,
  READING_COLUMNS,
  type ExportSink,
  type ExportWriter,
  type Row,
  type RowKind,
} from './export-rows.ts'

const FLUSH_CHARACTERS = 256 * 1024

export class CsvWriter implements ExportWriter {
  readonly #sink: ExportSink
  #text: string

  constructor(sink: ExportSink, kind: RowKind) {
    this.#sink = sink
    this.#text = `${(kind === 'readings' ? READING_COLUMNS : BUCKET_COLUMNS).join(',')}\r\n`
  }

  async row(row: Row): Promise<void> {
    const head = `${new Date(row.time).toISOString()},${cell(row.gateway)},${cell(row.sensor)}`
    const numbers = 'count' in row ? [row.count, row.min, row.max, row.mean, row.last] : [row.value]
    this.#text += `${head},${numbers.join(',')}\r\n`
    if (this.#text.length >= FLUSH_CHARACTERS) await this.#flush()
  }

  async end(): Promise<void> {
    await this.#flush()
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    await this.#sink.write(bytes)
  }
}

/** Quoted where it must be. A spreadsheet would take a leading =, +, - or @ for a formula: a quote in front says it is text. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
