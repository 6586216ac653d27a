// What programs may send to /ingest/{device}: an object with readings and events, one of them alone, an array of both, or NDJSON
// with one a line. Everything is looked at before anything is taken; all that is wrong is told, up to MAX_ERRORS.

import type { EventSeverity } from '#domain/alarm.ts'
import type { IngestBatch, IngestEvent, IngestReading } from '#domain/ingest.ts'
import type { JsonValue } from '#domain/value.ts'
import type { FieldError } from './problem.ts'

const MAX_ERRORS = 100
const MAX_MESSAGE = 4000
const MAX_DATA_BYTES = 16 * 1024
/** A source further ahead than this has a wrong clock. */
const MAX_AHEAD_MS = 86_400_000
const SEVERITIES: readonly EventSeverity[] = ['debug', 'info', 'warning', 'error']
const TYPE = /^[a-z0-9][a-z0-9_.-]{0,63}$/
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

export interface ParsedBody {
  readonly batch: IngestBatch
  /** Where each reading stands, for messages about it. */
  readonly places: readonly string[]
  readonly errors: readonly FieldError[]
}

/** `text` for NDJSON, else the parsed JSON. */
export function parseBody(body: unknown, now: number): ParsedBody {
  const parser = new BodyParser(now)
  if (typeof body === 'string') parser.lines(body)
  else if (Array.isArray(body)) for (const [index, entry] of body.entries()) parser.either(entry, `body[${index}]`)
  else parser.object(body)
  return parser
}

class BodyParser implements ParsedBody {
  readonly errors: FieldError[] = []
  readonly places: string[] = []
  readonly #readings: IngestReading[] = []
  readonly #events: IngestEvent[] = []
  readonly #now: number

  constructor(now: number) {
    this.#now = now
  }

  get batch(): IngestBatch {
    return { readings: this.#readings, events: this.#events }
  }

  lines(text: string): void {
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue
      let entry: unknown
      try {
        entry = JSON.parse(line)
      } catch {
        this.#error(`line ${index + 1}`, 'is no JSON')
        continue
      }
      this.either(entry, `line ${index + 1}`)
    }
  }

  object(body: unknown): void {
    if (!isRecord(body)) return this.#error('body', 'must be an object, an array, or NDJSON')
    if (Object.hasOwn(body, 'sensor') || Object.hasOwn(body, 'message')) return this.either(body, 'body')
    const { readings = [], events = [], ...rest } = body
    for (const key of Object.keys(rest)) this.#error(`body.${key.slice(0, 100)}`, 'is unknown here')
    if (Array.isArray(readings)) {
      for (const [index, entry] of readings.entries()) this.#reading(entry, `body.readings[${index}]`)
    } else this.#error('body.readings', 'must be an array')
    if (Array.isArray(events)) {
      for (const [index, entry] of events.entries()) this.#event(entry, `body.events[${index}]`)
    } else this.#error('body.events', 'must be an array')
  }

  either(entry: unknown, place: string): void {
    if (isRecord(entry) && Object.hasOwn(entry, 'sensor')) this.#reading(entry, place)
    else if (isRecord(entry) && Object.hasOwn(entry, 'message')) this.#event(entry, place)
    else this.#error(place, 'must be a reading (sensor, value, time) or an event (severity, message)')
  }

  #reading(entry: unknown, place: string): void {
    if (!isRecord(entry)) return this.#error(place, 'must be an object')
    const { sensor, value, time, ...rest } = entry
    const before = this.errors.length
    for (const key of Object.keys(rest)) this.#error(`${place}.${key.slice(0, 100)}`, 'is unknown here')
    if (typeof sensor !== 'string' || sensor === '' || sensor.length > 256)
      return this.#error(`${place}.sensor`, 'must be the name of a sensor')
    if (!isJsonValue(value)) return this.#error(`${place}.value`, 'must be a number, true, false, a string or null')
    const at = this.#time(time, place)
    if (this.errors.length > before) return
    this.#readings.push({ sensor, value, time: at })
    this.places.push(place)
  }

  #event(entry: unknown, place: string): void {
    if (!isRecord(entry)) return this.#error(place, 'must be an object')
    const { severity = 'info', message, type = 'application', time, data: given = null, ...further } = entry
    const before = this.errors.length
    // What an application tells beside the fields that are known belongs to its data.
    const isAlone = Object.keys(further).length === 0 || (given !== null && !isRecord(given))
    const data = isAlone ? given : { ...further, ...(given as Record<string, unknown> | null) }
    const known = SEVERITIES.find((word) => word === severity)
    if (!known) this.#error(`${place}.severity`, `must be one of ${SEVERITIES.join(', ')}`)
    if (typeof message !== 'string' || message === '' || message.length > MAX_MESSAGE)
      return this.#error(`${place}.message`, `must be text of 1 to ${MAX_MESSAGE} characters`)
    if (typeof type !== 'string' || !TYPE.test(type))
      return this.#error(`${place}.type`, 'must be a word of a to z, 0 to 9, - _ and .')
    if (data !== null && (!isRecord(data) || JSON.stringify(data).length > MAX_DATA_BYTES))
      return this.#error(`${place}.data`, `must be an object of at most ${MAX_DATA_BYTES / 1024} KiB`)
    const at = this.#time(time, place)
    if (!known || this.errors.length > before) return
    this.#events.push({ severity: known, message, type, time: at, data })
  }

  #time(time: unknown, place: string): number | null {
    if (time === undefined || time === null) return null
    const isIso = typeof time === 'string' && ISO.test(time)
    const ms = typeof time === 'number' ? Math.round(time) : isIso ? Date.parse(time) : Number.NaN
    if (ms > 0 && ms <= this.#now + MAX_AHEAD_MS) return ms
    const words = Number.isNaN(ms)
      ? 'must be ISO 8601 with a zone, or Unix milliseconds'
      : 'is not a time that can be true'
    this.#error(`${place}.time`, words)
    return null
  }

  #error(path: string, message: string): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push({ path, message })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isJsonValue(value: unknown): value is JsonValue {
  return value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
}
