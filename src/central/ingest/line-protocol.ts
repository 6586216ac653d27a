// The line protocol for programs that are no gateway. Pure.
//
//   AUTH <key> <source>                      first; <source> is the program's name: letters, digits, - and _
//   <sensor> <value> [<time>]                a reading; without a dot in its name the sensor is one of the source
//                                            (an empty line)      what came since the last one is kept, all or none
//
//   value   a number, true, false, or a text in double quotes as JSON writes it
//   time    ISO 8601 with a zone, or Unix milliseconds; without one, the time of arrival
//
//   OK <new> <repeated>                      after AUTH (0 0), after an empty line: it is durable; and after 1000 readings
//   ERROR <reason>                           and the end of the connection; what was not answered with OK was not kept

import { TelemetryError } from '#domain/errors.ts'
import type { IngestReading } from '#domain/ingest.ts'
import { isId } from '#domain/ids.ts'

export const MAX_LINE_BYTES = 8192
export const MAX_LINES_AT_ONCE = 1000

/** `2026-11-20T12:00:00.000Z`, `…+01:00` */
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const LINE = /^(\S+)\s+("(?:[^"\\]|\\.)*"|\S+)(?:\s+(\S+))?$/

export interface LineLogin {
  readonly key: string
  readonly source: string
}

/** Throws PROTOCOL. */
export function parseLogin(line: string): LineLogin {
  const [word, key, source, ...rest] = line.trim().split(/\s+/)
  if (word !== 'AUTH' || key === undefined || source === undefined || rest.length > 0)
    throw wrong('The first line must be: AUTH <key> <source>')
  if (!isId(source)) throw wrong('The source must consist of small letters, digits, - and _')
  return { key, source }
}

/** null for an empty line. Throws PROTOCOL. */
export function parseReading(line: string): IngestReading | null {
  const text = line.trim()
  if (text === '') return null
  const match = LINE.exec(text)
  if (match === null) throw wrong('A line must be: <sensor> <value> [<time>]')
  const [, sensor, value, time] = match
  return { sensor: sensor!, value: parseValue(value!), time: time === undefined ? null : parseTime(time) }
}

function parseValue(text: string): number | boolean | string {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('"')) {
    try {
      return String(JSON.parse(text))
    } catch {
      throw wrong('A text must be as JSON writes it')
    }
  }
  const number = NUMBER.test(text) ? Number(text) : Number.NaN
  if (!Number.isFinite(number)) throw wrong('A value must be a number, true, false, or a text in double quotes')
  return number
}

function parseTime(text: string): number {
  const time = /^\d{1,16}$/.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw wrong('A time must be ISO 8601 with a zone, or Unix milliseconds')
  return Math.floor(time)
}

function wrong(reason: string): TelemetryError {
  return new TelemetryError('PROTOCOL', reason)
}
