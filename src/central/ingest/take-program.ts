// Readings and events of programs that are no gateway: all or none, and what has a time is kept once by (sensor, time), because
// programs have no positions to tell repeats by.

import type { Queryable } from '#backing/database.ts'
import type { EventEntry } from '#domain/alarm.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { IngestEvent, IngestReading } from '#domain/ingest.ts'
import { ENTRY } from '#domain/reading.ts'
import { MAX_TEXT_BYTES, type ValueType } from '#domain/value.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import { ReceivedBatch } from '#rpc/received-batch.ts'
import type { AdoptedGateway } from '../model/adoption.ts'
import type { AdoptedSensor, ProgramBatch } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import { int4Array, timeArray } from './binary-arrays.ts'
import type { SensorsOfBatch } from './pending-batch.ts'
import { storeEntries } from './store-entries.ts'
import { NewReadings, timeOf } from './store-readings.ts'
import { checkModel, type GroupTools } from './take-group.ts'

const MAX_RECORDS = 10_000
const MAX_TRIES = 5
/** Records of one millisecond that keep their order. */
const PER_MS = 1024

export interface ProgramOutcome {
  readonly batch: ReceivedBatch
  readonly sensors: SensorsOfBatch
  readonly rows: readonly number[]
  readonly repeated: number
}

/** A reading with its sensor's full id and kind. */
interface Typed {
  readonly id: string
  readonly reading: IngestReading
  readonly valueType: ValueType
}

/** Throws OUT_OF_RANGE, which says where, and what a transaction throws. */
export async function takeProgram(
  tools: GroupTools,
  tenant: TenantNumber,
  program: ProgramBatch,
): Promise<ProgramOutcome> {
  const { adoption, database, times } = tools
  const now = tools.now()
  const typed = check(program, times.span(now))
  const known = sensorsOf(typed)
  const batch = batchOf(typed, program.events, known, now)
  for (let attempt = 1; ; attempt++) {
    await database.read(tenant, (queryable) => checkTypes(queryable, tenant, program.source, known))
    const source = { id: program.source, factory: '', isProgram: true }
    const gateway = await adoption.adopt(tenant, source, known)
    const sensors = new Map(known.map((sensor) => [sensor.number, found(gateway, sensor)]))
    await times.coverReadings(typed.length === 0 ? [] : daysOf(batch))
    await times.cover('entry', program.events.length === 0 ? [] : daysOf(batch))
    try {
      return await database.write(tenant, (queryable) => store(queryable, tenant, { batch, gateway, sensors, typed }))
    } catch (cause) {
      const isPassing = isTelemetryError(cause, 'STALE') || isTelemetryError(cause, 'CONFLICT')
      if (!isPassing || attempt === MAX_TRIES) throw cause
      adoption.forget(tenant)
    }
  }
}

function check({ events, readings, source }: ProgramBatch, span: { from: number; to: number }): Typed[] {
  if (readings.length + events.length > MAX_RECORDS) throw refused('readings', `are more than ${MAX_RECORDS}`)
  const checkTime = (time: number | null, place: string): void => {
    if (time !== null && !(time >= span.from && time < span.to))
      throw refused(place, 'has a time that is older than what central keeps, or more than a day ahead')
  }
  events.forEach(({ time }, index) => checkTime(time, `events[${index}]`))
  return readings.map((reading, index) => {
    const { sensor, time, value } = reading
    const place = `readings[${index}]`
    checkTime(time, place)
    if (value === null || (typeof value === 'number' && !Number.isFinite(value))) throw refused(place, 'has no value')
    if (typeof value === 'string' && Buffer.byteLength(value) > MAX_TEXT_BYTES)
      throw refused(place, `has a text of more than ${MAX_TEXT_BYTES} bytes`)
    const valueType = typeof value as 'number' | 'boolean' | 'string' // null is refused above
    return { id: sensor.includes('.') ? sensor : `${source}.${sensor}`, reading, valueType }
  })
}

/** One of each id, numbered from 0. */
function sensorsOf(typed: readonly Typed[]): KnownSensor[] {
  const sensors = new Map<string, KnownSensor>()
  for (const [index, { id, valueType }] of typed.entries()) {
    const before = sensors.get(id)
    if (before === undefined) {
      const machine = id.slice(0, id.indexOf('.'))
      const words = {
        unit: '',
        machine,
        machineName: '',
        factory: '',
        factoryName: '',
        description: '',
        writable: false,
      }
      sensors.set(id, { number: sensors.size, id, valueType, ...words })
    } else if (before.valueType !== valueType)
      throw refused(`readings[${index}]`, `is a ${valueType}, and ${id} a ${before.valueType}`)
  }
  return [...sensors.values()]
}

/** A sensor of a program keeps the kind that it had first. */
async function checkTypes(
  queryable: Queryable,
  tenant: TenantNumber,
  source: string,
  known: readonly KnownSensor[],
): Promise<void> {
  const rows = await queryable.query<{ id: string; type: string }>(
    `SELECT s.source_id AS id, s.value_type AS type FROM central.sensor AS s JOIN central.gateway AS g ON g.number = s.gateway
     WHERE s.tenant = $1 AND g.tenant = $1 AND g.id = $2 AND s.source_id = ANY($3)`,
    [tenant, source, known.map(({ id }) => id)],
  )
  const types = new Map(rows.map(({ id, type }) => [id, type]))
  for (const { id, valueType } of known) {
    const type = types.get(id) ?? valueType
    if (type !== valueType) throw refused(id, `takes a ${type}, not a ${valueType}`)
  }
}

function found(gateway: AdoptedGateway, sensor: KnownSensor): AdoptedSensor {
  const adopted = gateway.find(sensor)
  if (typeof adopted === 'string') throw refused(sensor.id, `is not taken: ${adopted}`)
  return adopted
}

function batchOf(
  typed: readonly Typed[],
  events: readonly IngestEvent[],
  known: readonly KnownSensor[],
  now: number,
): ReceivedBatch {
  const length = typed.length + events.length
  const numbers = new Map(known.map(({ id, number }) => [id, number]))
  const head = { epoch: 0, lane: 'inOrder', historical: false, firstSeq: 0, lastSeq: 0, openSeqs: [] } as const
  const batch = new ReceivedBatch(head, length)
  batch.length = length
  typed.forEach(({ id, reading: { time, value } }, row) => {
    batch.sensor[row] = numbers.get(id)!
    batch.sourceTime[row] = time ?? Number.NaN
    if (typeof value === 'string') batch.texts.set(row, value)
    else batch.value[row] = Number(value)
  })
  events.forEach(({ data, message, severity, time, type }, index) => {
    const row = typed.length + index
    const entry: EventEntry = { kind: 'event', type, severity, time: time ?? now, message, source: 'program' }
    batch.sensor[row] = ENTRY
    batch.sourceTime[row] = entry.time
    batch.entries.set(row, data === null ? entry : { ...entry, data })
  })
  for (let row = 0; row < length; row++) {
    batch.receivedAt[row] = now
    batch.seq[row] = timeOf(batch, row) * PER_MS + (row % PER_MS)
  }
  return batch
}

interface Storing {
  readonly batch: ReceivedBatch
  readonly gateway: AdoptedGateway
  readonly sensors: ReadonlyMap<number, AdoptedSensor>
  readonly typed: readonly Typed[]
}

async function store(queryable: Queryable, tenant: TenantNumber, storing: Storing): Promise<ProgramOutcome> {
  const { batch, gateway, sensors, typed } = storing
  await checkModel(queryable, tenant, [storing])
  await queryable.query('SELECT pg_advisory_xact_lock(32289, $1::int4)', [gateway.number]) // the same again at this moment waits
  const before = await already(queryable, storing)
  const readings = new NewReadings()
  const rows: number[] = []
  for (let row = 0; row < batch.length; row++) {
    if (batch.entries.has(row)) rows.push(row)
    else {
      const sensor = sensors.get(batch.sensor[row]!)!
      const key = `${sensor.number}/${timeOf(batch, row)}`
      if (typed[row]!.reading.time !== null && before.has(key)) continue
      before.add(key)
      rows.push(row)
      readings.add(batch, row, sensor, gateway.number)
    }
  }
  await readings.store(queryable, tenant)
  const place = { gateway: gateway.number, epoch: 0 }
  const entries = [...batch.entries].map(([row, entry]) => ({ ...place, seq: batch.seq[row]!, entry }))
  await storeEntries(queryable, tenant, entries)
  await queryable.query(
    'UPDATE central.gateway SET seen_at = now(), record_at = now() WHERE tenant = $1 AND number = $2',
    [tenant, gateway.number],
  )
  return { batch, sensors, rows, repeated: batch.length - rows.length }
}

/** Which of the readings with a time are there. */
async function already(queryable: Queryable, { batch, sensors, typed }: Storing): Promise<Set<string>> {
  const rows = [...typed.keys()].filter((row) => typed[row]!.reading.time !== null)
  if (rows.length === 0) return new Set()
  const times = rows.map((row) => timeOf(batch, row))
  const there = await queryable.query<{ sensor: number; time: number }>(
    `SELECT r.sensor, r.time FROM unnest($1::int4[], $2::timestamptz[]) AS asked(sensor, time)
     JOIN central.reading AS r USING (sensor, time) WHERE r.time >= $3::timestamptz AND r.time <= $4::timestamptz`,
    [
      int4Array(rows.length, (index) => sensors.get(batch.sensor[rows[index]!]!)!.number),
      timeArray(rows.length, (index) => times[index]!),
      isoTime(times.reduce((a, b) => Math.min(a, b))),
      isoTime(times.reduce((a, b) => Math.max(a, b))),
    ],
  )
  return new Set(there.map(({ sensor, time }) => `${sensor}/${time}`))
}

function daysOf(batch: ReceivedBatch): Set<number> {
  const HOUR_MS = 3_600_000
  return new Set(Array.from({ length: batch.length }, (_, row) => Math.floor(timeOf(batch, row) / HOUR_MS) * HOUR_MS))
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

function refused(what: string, why: string): TelemetryError {
  return new TelemetryError('OUT_OF_RANGE', `${what} ${why}`)
}
