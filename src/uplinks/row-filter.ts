// Which records an uplink wants: include and exclude patterns on full sensor ids, worked out once for each model into one
// byte per sensor number. Alarms go with their sensor; events are always wanted.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'

const UNKNOWN = 0
const WANTED = 1
const FILTERED = 2

export interface Selection {
  /** Row numbers that are wanted, in order; `rowCount` of them. */
  readonly rows: Uint32Array
  readonly rowCount: number
  readonly filtered: number
  /** Rows of sensors that the model does not know. */
  readonly unknown: number
  /** Alarms and events that were passed over as `entriesFrom` says. */
  readonly skipped: number
}

/** Which rows of a batch are looked at; the others are counted nowhere. */
export interface RowPick {
  readonly readings: boolean
  /** Alarms and events in rows before this one are passed over. */
  readonly entriesFrom: number
}

const EVERYTHING: RowPick = { readings: true, entriesFrom: 0 }

export class RowFilter {
  readonly #include: readonly RegExp[]
  readonly #exclude: readonly RegExp[]
  #model: Model | null = null
  #grades = new Uint8Array(0)

  /** Patterns: `*` stands for any characters, `?` for one. No include pattern at all means every sensor. */
  constructor(include: readonly string[], exclude: readonly string[]) {
    this.#include = (include.length === 0 ? ['*'] : include).map(sensorPattern)
    this.#exclude = exclude.map(sensorPattern)
  }

  wants(sensorId: string): boolean {
    return this.#include.some((glob) => glob.test(sensorId)) && !this.#exclude.some((glob) => glob.test(sensorId))
  }

  /** False for a number that the model does not know. */
  wantsNumber(sensor: number, model: Model): boolean {
    if (model !== this.#model) this.#learn(model)
    return this.#grades[sensor] === WANTED
  }

  select(batch: RecordBatch, model: Model, pick: RowPick = EVERYTHING): Selection {
    if (model !== this.#model) this.#learn(model)
    const grades = this.#grades
    const rows = new Uint32Array(batch.length)
    let rowCount = 0
    let filtered = 0
    let unknown = 0
    let skipped = 0
    for (let row = 0; row < batch.length; row++) {
      const sensor = batch.sensor[row]!
      let grade: number
      if (sensor === ENTRY) {
        if (row < pick.entriesFrom) {
          skipped++
          continue
        }
        grade = this.#gradeEntry(batch.texts.get(row), model)
      } else {
        if (!pick.readings) continue
        grade = grades[sensor] ?? UNKNOWN
      }
      if (grade === WANTED) rows[rowCount++] = row
      else if (grade === FILTERED) filtered++
      else unknown++
    }
    return { rows, rowCount, filtered, unknown, skipped }
  }

  #learn(model: Model): void {
    const sensors = [...(model.retired ?? []), ...model.sensors]
    const top = sensors.reduce((highest, sensor) => Math.max(highest, sensor.number), -1)
    this.#grades = new Uint8Array(top + 1)
    for (const { number, id } of sensors) this.#grades[number] = this.wants(id) ? WANTED : FILTERED
    this.#model = model
  }

  #gradeEntry(json: string | undefined, model: Model): number {
    const entry = parseEntry(json)
    if (entry === null) return UNKNOWN
    if (entry.kind === 'event') return WANTED
    if (typeof entry.alarm?.sensor !== 'string' || !isKnown(model, entry.alarm.sensor)) return UNKNOWN
    return this.wants(entry.alarm.sensor) ? WANTED : FILTERED
  }
}

function isKnown(model: Model, id: string): boolean {
  return model.sensor(id) !== undefined || (model.retired?.some((sensor) => sensor.id === id) ?? false)
}

/** As much of a journal entry as the filter looks at. */
interface EntryHead {
  readonly kind?: unknown
  readonly alarm?: { readonly sensor?: unknown } | null
}

function parseEntry(json: string | undefined): EntryHead | null {
  if (json === undefined) return null
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' && parsed !== null ? (parsed as EntryHead) : null
  } catch {
    return null
  }
}
