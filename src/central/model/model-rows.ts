// Rows of the model as records, and what people may write into them.

import { TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { ValueType } from '#domain/value.ts'
import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import type { FactoryRecord, Labels, MachineRecord, SensorRecord } from '../ports.ts'

const MAX_METADATA_BYTES = 16 * 1024
const MAX_TAGS = 50
const MAX_TAG = 64
const MAX_ID = 128

interface LabelsRow {
  readonly [name: string]: unknown
  readonly metadata: Labels['metadata']
  readonly tags: readonly string[]
  readonly revision: number
}

export interface FactoryRow extends LabelsRow {
  readonly id: string
  readonly name: string
}

export interface MachineRow extends FactoryRow {
  readonly factory: string
  readonly sensors: number
}

export interface SensorRow extends LabelsRow {
  readonly number: number
  readonly id: string
  readonly gateway: string
  readonly gateway_number: number
  readonly source_id: string
  readonly machine: string
  readonly factory: string
  readonly unit: string
  readonly value_type: ValueType
  readonly writable: boolean
  readonly description: string
}

export const FACTORY = 'id, name, metadata, tags, revision'
export const MACHINE = `m.id, m.name, m.factory, m.metadata, m.tags, m.revision,
  (SELECT count(*) FROM central.sensor AS s WHERE s.tenant = m.tenant AND s.machine = m.id AND s.is_current) AS sensors`
/** FROM SENSORS. */
export const SENSOR = `s.number, s.id, g.id AS gateway, s.gateway AS gateway_number, s.source_id, s.machine, m.factory, s.unit, s.value_type,
  s.writable, s.description, s.metadata, s.tags, s.revision`
/** $1 is the tenant. */
export const SENSORS = `central.sensor AS s JOIN central.gateway AS g ON g.number = s.gateway AND g.tenant = $1
  JOIN central.machine AS m ON m.tenant = $1 AND m.id = s.machine`

export function factoryOf({ id, metadata, name, revision, tags }: FactoryRow): FactoryRecord {
  return { id, name, metadata, tags, revision }
}

export function machineOf(row: MachineRow): MachineRecord {
  return { ...factoryOf(row), factory: row.factory, sensors: row.sensors }
}

export function sensorOf(row: SensorRow): SensorRecord {
  const {
    description,
    factory,
    gateway,
    id,
    machine,
    metadata,
    number,
    revision,
    source_id,
    tags,
    unit,
    value_type,
    writable,
  } = row
  const dot = source_id.lastIndexOf('.')
  return {
    number,
    id,
    gateway,
    device: source_id.slice(0, dot),
    name: source_id.slice(dot + 1),
    machine,
    factory,
    unit,
    valueType: value_type,
    writable,
    description,
    metadata,
    tags,
    revision,
  }
}

/** Throws OUT_OF_RANGE. */
export function checkedId(id: string, what: string): string {
  if (!isId(id) || id.length > MAX_ID) throw new TelemetryError('OUT_OF_RANGE', `${id} is no id of a ${what}`)
  return id
}

/** JSON and tags for the database; null: left as they are. Throws OUT_OF_RANGE. */
export function checkedLabels({ metadata, tags }: Partial<Labels>): [string | null, readonly string[] | null] {
  const text = metadata === undefined ? null : cleanJson(metadata)
  if (text !== null && Buffer.byteLength(text) > MAX_METADATA_BYTES)
    throw new TelemetryError('OUT_OF_RANGE', `Metadata have at most ${MAX_METADATA_BYTES} bytes`)
  if (tags !== undefined && (tags.length > MAX_TAGS || tags.some((tag) => tag === '' || tag.length > MAX_TAG)))
    throw new TelemetryError('OUT_OF_RANGE', `There are at most ${MAX_TAGS} tags, each of 1 to ${MAX_TAG} characters`)
  return [text, tags === undefined ? null : [...new Set(tags.map((tag) => cleanText(tag)))]]
}

/** null: left as it is. */
export function checkedText(text: string | undefined, maxLength: number): string | null {
  return text === undefined ? null : cleanText(text, maxLength)
}
