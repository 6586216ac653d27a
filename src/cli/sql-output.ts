// Rows of a query as a table for people, as CSV, or as JSON; each as it comes, so that memory does not grow with the answer.

import { jsonValue } from '#domain/value.ts'
import type { SqlResult, SqlValue } from '#gateway/stored-data.ts'

export const SQL_FORMATS = ['table', 'csv', 'json'] as const
export type SqlFormat = (typeof SQL_FORMATS)[number]

type Write = (text: string) => Promise<void>

const MEASURED_ROWS = 500 // the widths of a table's columns come from these
const CHUNK_CHARACTERS = 64 * 1024
const MAX_WIDTH = 80

/** Writes a result; answers how many rows. */
export async function writeResult(result: SqlResult, format: SqlFormat, write: Write): Promise<number> {
  let rows = 0
  let text = ''
  for (const part of partsOf(format, result, () => (rows += 1))) {
    text += part
    if (text.length < CHUNK_CHARACTERS) continue
    await write(text)
    text = ''
  }
  await write(text)
  return rows
}

function partsOf(format: SqlFormat, result: SqlResult, onRow: () => void): Generator<string> {
  switch (format) {
    case 'table':
      return tableParts(result, onRow)
    case 'csv':
      return csvParts(result, onRow)
    case 'json':
      return jsonParts(result, onRow)
  }
}

function* csvParts({ columns, rows }: SqlResult, onRow: () => void): Generator<string> {
  yield `${columns.map(cell).join()}\r\n`
  for (const row of rows) {
    onRow()
    yield `${row.map((value) => (value === '' ? '""' : cell(shown(value)))).join()}\r\n`
  }
}

function* jsonParts({ columns, rows }: SqlResult, onRow: () => void): Generator<string> {
  const names = columns.map((name) => JSON.stringify(name))
  let isFirst = true
  for (const row of rows) {
    onRow()
    yield `${isFirst ? '[\n' : ',\n'}{${row.map((value, at) => `${names[at]}:${json(value)}`).join()}}`
    isFirst = false
  }
  yield isFirst ? '[]\n' : '\n]\n'
}

function* tableParts({ columns, rows }: SqlResult, onRow: () => void): Generator<string> {
  const first: (readonly SqlValue[])[] = []
  const rest = rows[Symbol.iterator]()
  let next = rest.next()
  for (; next.done !== true && first.length < MEASURED_ROWS; next = rest.next()) first.push(next.value)
  const widths = columns.map((name, at) =>
    Math.min(
      MAX_WIDTH,
      first.reduce((width, row) => Math.max(width, inOneLine(row[at]!).length), name.length),
    ),
  )
  const line = (cells: readonly string[]): string => `${cells.join('  ').trimEnd()}\n`
  yield line(columns.map((name, at) => name.padEnd(widths[at]!)))
  yield line(widths.map((width) => '-'.repeat(width)))
  const rowLine = (row: readonly SqlValue[]): string => line(row.map((value, at) => padded(value, widths[at]!)))
  for (const row of first) {
    onRow()
    yield rowLine(row)
  }
  for (; next.done !== true; next = rest.next()) {
    onRow()
    yield rowLine(next.value)
  }
}

/** Numbers to the right, all else to the left; nothing is cut off. */
function padded(value: SqlValue, width: number): string {
  const text = inOneLine(value)
  return typeof value === 'number' || typeof value === 'bigint' ? text.padStart(width) : text.padEnd(width)
}

/** Control characters escaped: a text from a device must not move the cursor of the terminal that shows it. */
function inOneLine(value: SqlValue): string {
  return shown(value).replace(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

function shown(value: SqlValue): string {
  if (value === null) return ''
  if (Buffer.isBuffer(value)) return value.toString('hex')
  return Object.is(value, -0) ? '-0' : String(value)
}

function json(value: SqlValue): string {
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('hex'))
  return Object.is(value, -0) ? '-0' : JSON.stringify(jsonValue(value))
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
