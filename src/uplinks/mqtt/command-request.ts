// A command as it comes over MQTT → Command, and its answer back. Topics, under `telemetryx/{gateway}/`:
//
//   request/{command}  or  request/{command}/{id}       response/{command}  or  response/{command}/{id}
//
// Request:   {"id":"tx-17","by":"scada","t":"2026-11-20T12:00:00Z","expires":"…", …}   and by command:
//   write        "sensor":"press-1.set-point","value":40
//   read         "sensors":["press-1.pressure"]
//   acknowledge  "alarm":"3-7","comment":"seen"
//   check        "config":"version: 1\n…"
// Response:  {"id":"tx-17","ok":true,"result":{…}}  or  {"id":"tx-17","ok":false,"error":{"code":"NOT_FOUND","message":"…"}}

import type { Command, CommandAnswer, CommandRequest } from '#domain/command.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { JsonValue } from '#domain/value.ts'

const MAX_PAYLOAD_BYTES = 1024 * 1024

/** `path`: the levels of the topic after `request/`. Throws USAGE with what is wrong; never anything else. */
export function readRequest(path: readonly string[], payload: Uint8Array): Command & { readonly id: string } {
  const fields = readObject(payload)
  const id = textOf(fields, 'id') ?? path[1]
  if (id === undefined || id === '') throw usage('"id" is missing: a request needs a transaction id')
  if (path.length > 1 && path[1] !== id) throw usage('The transaction ids of topic and payload differ')
  return {
    id,
    by: textOf(fields, 'by') ?? null,
    sentAt: timeOf(fields, 't'),
    expiresAt: timeOf(fields, 'expires'),
    request: requestOf(path[0] ?? '', fields),
  }
}

/** The transaction id of a request that makes no sense, as far as it can be seen. */
export function idOf(path: readonly string[], payload: Uint8Array): string | null {
  try {
    return textOf(readObject(payload), 'id') ?? path[1] ?? null
  } catch {
    return path[1] ?? null
  }
}

export function writeAnswer(id: string | null, answer: CommandAnswer): string {
  if (answer.ok) return JSON.stringify({ id, ok: true, result: resultOf(answer.result) })
  return JSON.stringify({ id, ok: false, error: { code: answer.code, message: answer.message } })
}

function resultOf(result: (CommandAnswer & { ok: true })['result']): object {
  const { command, ...rest } = result
  if (result.command !== 'read') return { command, ...rest }
  const readings = result.readings.map(({ sensor, value, quality, status, time }) => ({
    sensor,
    t: new Date(time).toISOString(),
    v: value,
    q: quality,
    ...(status !== 'Good' && { s: status }),
  }))
  return { command, readings }
}

function requestOf(command: string, fields: Fields): CommandRequest {
  switch (command) {
    case 'write':
      return { command, sensor: required(fields, 'sensor'), value: valueOf(fields) }
    case 'read':
      return { command, sensors: sensorsOf(fields) }
    case 'acknowledge':
      return { command, alarm: required(fields, 'alarm'), comment: textOf(fields, 'comment') ?? null }
    case 'check':
      return { command, text: required(fields, 'config') }
    default:
      throw usage('The topic ends in none of write, read, acknowledge, check')
  }
}

type Fields = Readonly<Record<string, unknown>>

function readObject(payload: Uint8Array): Fields {
  if (payload.length > MAX_PAYLOAD_BYTES) throw usage(`A request has at most ${MAX_PAYLOAD_BYTES} bytes`)
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    throw usage('The payload is no JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw usage('The payload is no JSON object')
  return parsed as Fields
}

function textOf(fields: Fields, key: string): string | undefined {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw usage(`"${key}" must be a text`)
  return value
}

function required(fields: Fields, key: string): string {
  const text = textOf(fields, key)
  if (text === undefined) throw usage(`"${key}" is missing`)
  return text
}

function valueOf(fields: Fields): JsonValue {
  const { value } = fields
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
  throw usage('"value" must be a number, a text, true or false')
}

function sensorsOf(fields: Fields): string[] {
  const { sensors } = fields
  if (Array.isArray(sensors) && sensors.every((id) => typeof id === 'string')) return sensors as string[]
  throw usage('"sensors" must be a list of sensor ids')
}

/** Unix milliseconds, or ISO 8601 with a zone. */
function timeOf(fields: Fields, key: string): number | null {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const hasZone = typeof value === 'string' && /T.*(?:Z|[+-]\d{2}:\d{2})$/.test(value)
  const time = hasZone ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) throw usage(`"${key}" must be ISO 8601 with a zone, or Unix milliseconds`)
  return time
}

function usage(message: string): TelemetryError {
  return new TelemetryError('USAGE', message)
}
