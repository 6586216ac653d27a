// What a line of an instrument may mean: ways to take values out of it, each with what it would give for the line that was heard. Pure.

import type { ConfigTree } from '../client/fields.ts'
import type { Keys, SuggestedDevice, SuggestedSensor } from '../client/scan.ts'

export interface LineReading {
  readonly words: string
  readonly parse: Readonly<Record<string, ConfigTree>>
  readonly sensors: readonly SuggestedSensor[]
}

const NUMBER = /^[-+]? *[0-9]+(?:\.[0-9]+)?$/
const PATTERN = '^[^0-9+-]*(?<value>[-+]? *[0-9]+(?:\\.[0-9]+)?) *(?<unit>[A-Za-z%/]*)[^0-9]*$'

/** The likeliest first; the whole line as text is always possible. */
export function lineReadings(sample: string): readonly LineReading[] {
  const found = [
    jsonReading(sample),
    ...[',', ';', '\t'].map((separator) => csvReading(sample, separator)),
    numberReading(sample),
  ]
  return [...found.filter((reading) => reading !== null), wholeLine(sample)]
}

/** The device with another way to read its lines. */
export function readBy(device: SuggestedDevice, { parse, sensors }: LineReading): SuggestedDevice {
  return { ...device, config: { ...device.config, parse }, sensors }
}

function jsonReading(sample: string): LineReading | null {
  let value: unknown
  try {
    value = JSON.parse(sample)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const sensors = Object.entries(value).flatMap(([key, part]) =>
    // Another name would be taken for a path.
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) &&
    (typeof part === 'number' || typeof part === 'string' || typeof part === 'boolean')
      ? [sensor(key, key, part)]
      : [],
  )
  return sensors.length === 0 ? null : { words: 'JSON, a sensor for each key', parse: { type: 'json' }, sensors }
}

function csvReading(sample: string, separator: string): LineReading | null {
  const cells = sample.split(separator).map((cell) => cell.trim())
  if (cells.length < 2 || !cells.some((cell) => NUMBER.test(cell))) return null
  const name = { ',': 'commas', ';': 'semicolons', '\t': 'tabs' }[separator] ?? separator
  return {
    words: `Columns between ${name}`,
    parse: { type: 'csv', ...(separator !== ',' && { separator }) },
    sensors: cells.flatMap((cell, index) =>
      cell === '' ? [] : [sensor(`column-${index + 1}`, index + 1, NUMBER.test(cell) ? Number(cell) : cell)],
    ),
  }
}

function numberReading(sample: string): LineReading | null {
  const match = new RegExp(PATTERN).exec(sample)
  if (match === null) return null
  const { value, unit } = match.groups as { value: string; unit: string }
  const number = sensor('value', 'value', Number(value.replaceAll(' ', '')))
  const withUnit = unit.trim() === '' ? number : { ...number, config: { ...number.config, unit: unit.trim() } }
  return { words: 'One number, with its unit', parse: { pattern: PATTERN }, sensors: [withUnit] }
}

function wholeLine(sample: string): LineReading {
  return {
    words: 'The whole line as text',
    parse: { pattern: '^(?<line>.*)$' },
    sensors: [sensor('line', 'line', sample)],
  }
}

function sensor(name: string, field: string | number, value: number | string | boolean): SuggestedSensor {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
  const type: Keys = typeof value === 'number' ? {} : { type: typeof value === 'string' ? 'string' : 'boolean' }
  return { config: { id: id === '' ? 'value' : id, field, ...type }, value, alternatives: [] }
}
