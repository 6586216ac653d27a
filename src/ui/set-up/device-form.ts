// A device while it is being added: what was found, which of it is wanted, how it is called. Pure.

import type { ConfigTree } from '../client/fields.ts'
import type { Keys, SuggestedDevice, SuggestedSensor } from '../client/scan.ts'
import type { JsonValue } from '../client/wire.ts'
import type { DeviceEntry } from '../editor/device-yaml.ts'

export interface SensorRow {
  /** Its place in what was found. */
  readonly index: number
  readonly suggested: SuggestedSensor
  readonly isWanted: boolean
  readonly id: string
  readonly unit: string
  /** Which of the alternatives it is read as; null: as it was found. */
  readonly reading: number | null
}

export interface DeviceForm {
  readonly id: string
  readonly machine: string
  /** As in the configuration: `1s`; empty: the default. */
  readonly poll: string
  readonly config: Readonly<Record<string, ConfigTree>>
  readonly rows: readonly SensorRow[]
}

const ID = /^[a-z0-9][a-z0-9_-]*$/
/** So few are mostly all wanted. */
const FEW = 8

/** `taken`: ids of the devices that are there. */
export function formOf({ config, sensors }: SuggestedDevice, taken: ReadonlySet<string>): DeviceForm {
  const { id, ...rest } = config
  return {
    id: freeId(typeof id === 'string' ? id : 'device', taken),
    machine: '',
    poll: '',
    config: rest,
    rows: sensors.map((suggested, index) => ({
      index,
      suggested,
      isWanted: sensors.length <= FEW,
      id: String(suggested.config['id'] ?? `sensor-${index + 1}`),
      unit: String(suggested.config['unit'] ?? ''),
      reading: null,
    })),
  }
}

export function freeId(wanted: string, taken: ReadonlySet<string>): string {
  let id = wanted
  for (let count = 2; taken.has(id); count++) id = `${wanted}-${count}`
  return id
}

export function changedRow(form: DeviceForm, index: number, change: Partial<SensorRow>): DeviceForm {
  return { ...form, rows: form.rows.map((row) => (row.index === index ? { ...row, ...change } : row)) }
}

/** Where it stands: `holding 100`, a node id, a field, a topic. */
export function placeOf({ suggested: { config } }: SensorRow): string {
  if (config['register'] !== undefined) return `${config['register']} ${config['address']}`
  return String(config['node'] ?? config['field'] ?? config['topic'] ?? config['id'] ?? '')
}

/** What it reads now, in the reading that was chosen. */
export function valueOf({ suggested, reading }: SensorRow): JsonValue {
  return reading === null ? suggested.value : (suggested.alternatives[reading]?.value ?? null)
}

/** In words of the configuration: `uint16`, `float32 CDAB`. */
export function readingWords(sensor: SuggestedSensor, reading: number | null): string {
  const config = { ...sensor.config, ...(reading === null ? {} : sensor.alternatives[reading]?.config) }
  const isBit = config['register'] === 'coil' || config['register'] === 'discrete'
  const type = config['type'] ?? (config['register'] === undefined ? 'number' : isBit ? 'bool' : 'uint16')
  return config['order'] === undefined ? String(type) : `${type} ${config['order']}`
}

/** Rows whose register is the second one of the row before: they are no sensors of their own. */
export function coveredRows(rows: readonly SensorRow[]): ReadonlySet<number> {
  const covered = new Set<number>()
  const words = new Map<string, number>()
  for (const row of rows) words.set(placeOf(row), row.index)
  for (const row of rows) {
    const { register, address } = row.suggested.config
    if (row.reading === null || typeof address !== 'number' || !row.isWanted || covered.has(row.index)) continue
    const next = words.get(`${register} ${address + 1}`)
    if (next !== undefined) covered.add(next)
  }
  return covered
}

export function wantedRows(form: DeviceForm): readonly SensorRow[] {
  const covered = coveredRows(form.rows)
  return form.rows.filter((row) => row.isWanted && !covered.has(row.index))
}

/** What a person has to mend before it can be checked by the gateway. */
export function formProblems(form: DeviceForm, taken: ReadonlySet<string>): readonly string[] {
  const problems: string[] = []
  const rows = wantedRows(form)
  if (!ID.test(form.id)) problems.push(`The device's id “${form.id}” ${ID_RULE}`)
  else if (taken.has(form.id)) problems.push(`There is a device ${form.id} already.`)
  if (rows.length === 0) problems.push('Choose at least one sensor.')
  const ids = new Set<string>()
  for (const { id } of rows) {
    if (!ID.test(id)) problems.push(`The sensor's id “${id}” ${ID_RULE}`)
    if (ids.has(id)) problems.push(`Two sensors are called ${id}.`)
    ids.add(id)
  }
  return problems
}

const ID_RULE = 'may have small letters, digits, - and _ only.'

/** As it is written into the configuration. */
export function entryOf(form: DeviceForm): DeviceEntry {
  const { driver, ...rest } = form.config
  const machine = form.machine.trim()
  return {
    config: {
      id: form.id,
      ...(driver !== undefined && { driver }),
      ...(machine !== '' && { machine }),
      ...rest,
      ...(form.poll !== '' && { poll: form.poll }),
    },
    sensors: wantedRows(form).map(sensorOf),
  }
}

function sensorOf({ suggested, reading, id, unit }: SensorRow): Keys {
  const { id: _id, unit: _unit, ...rest } = suggested.config
  return {
    id,
    ...rest,
    ...(reading !== null && suggested.alternatives[reading]?.config),
    ...(unit.trim() !== '' && { unit: unit.trim() }),
  }
}
