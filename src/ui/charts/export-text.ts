// Readings and buckets as files: CSV after RFC 4180 with a heading, or JSON as the API has it. Times are UTC. Pure.

import type { Range } from '../client/gateway-api.ts'
import type { Bucket, JsonValue, Reading, Sensor } from '../client/wire.ts'

export type ExportFormat = 'csv' | 'json'

/** What is exported: single readings, or buckets of so many seconds. */
export type Exported =
  | { readonly kind: 'readings'; readonly items: readonly Reading[] }
  | { readonly kind: 'buckets'; readonly items: readonly Bucket[]; readonly everySeconds: number }

export function exportText(sensor: Sensor, range: Range, exported: Exported, format: ExportFormat): string {
  return format === 'csv' ? csvText(sensor, exported) : jsonText(sensor, range, exported)
}

/** `press-1.oil-temperature_2026-11-21T140509Z.csv`: sorts by time, and every file system takes it. */
export function exportName(sensor: Sensor, range: Range, format: ExportFormat): string {
  const time = new Date(range.from).toISOString().replace(/:|\.\d+/g, '')
  return `${sensor.id}_${time}.${format}`
}

function csvText(sensor: Sensor, exported: Exported): string {
  const rows =
    exported.kind === 'readings'
      ? [
          ['time', 'sensor', 'value', 'unit', 'quality', 'status'],
          ...exported.items.map(({ time, value, quality, status }) => [
            iso(time),
            sensor.id,
            text(value),
            sensor.unit,
            quality,
            status,
          ]),
        ]
      : [
          ['time', 'sensor', 'count', 'min', 'max', 'mean', 'last', 'unit'],
          ...exported.items.map(({ time, count, min, max, mean, last }) => [
            iso(time),
            sensor.id,
            ...[count, min, max, mean, last].map(String),
            sensor.unit,
          ]),
        ]
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function jsonText(sensor: Sensor, range: Range, exported: Exported): string {
  const head = { sensor: sensor.id, unit: sensor.unit, from: iso(range.from), to: iso(range.to) }
  const every = exported.kind === 'buckets' ? { every: `${exported.everySeconds}s` } : {}
  const items = exported.items.map((item) => ({ ...item, time: iso(item.time) }))
  return `${JSON.stringify({ ...head, ...every, items }, null, 1)}\n`
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function text(value: JsonValue): string {
  return value === null ? '' : String(value)
}

/** Text that a table program would take for a formula is kept from being one. */
function cell(value: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
