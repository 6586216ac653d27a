// Several batches of one tenant in one transaction: positions, readings, latest values, alarms, events, all or nothing. One commit,
// one wait for the disk, however many gateways.

import type { Queryable } from '#backing/database.ts'
import type { Entry } from '#domain/alarm.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import { refusalOf } from '#receiver/record-lines.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { AdoptedGateway, Adoption } from '../model/adoption.ts'
import type { AdoptedSensor, Refusal } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import type { TenantDatabase } from '../storage/tenant-database.ts'
import type { TimeTables } from '../storage/time-tables.ts'
import { adoptedSensors, type Outcome, type PendingBatch, type SensorsOfBatch } from './pending-batch.ts'
import { Positions } from './positions.ts'
import { storeEntries, type NewEntry } from './store-entries.ts'
import { NewReadings, timeOf } from './store-readings.ts'
import { touchGateways } from './touch-gateways.ts'

/** Tries while people change the model at the same moment. */
const MAX_TRIES = 5
const MAX_TIME_MS = Date.UTC(9999, 11, 31)

export interface GroupTools {
  readonly database: TenantDatabase
  readonly adoption: Adoption
  readonly times: TimeTables
  readonly now: () => number
}

interface Placed {
  readonly pending: PendingBatch
  readonly gateway: AdoptedGateway
  readonly sensors: SensorsOfBatch
}

/** What became of each batch: an outcome, or the error of that one alone. Throws what goes for all: the database is away. */
export async function takeGroup(
  tools: GroupTools,
  tenant: TenantNumber,
  group: readonly PendingBatch[],
): Promise<(Outcome | TelemetryError)[]> {
  for (let attempt = 1; ; attempt++) {
    const placed = await place(tools, tenant, group)
    await cover(tools, placed)
    try {
      return await tools.database.write(tenant, (queryable) => take(tools, queryable, tenant, placed))
    } catch (cause) {
      // Changed by people at this moment, or a sensor that is gone, or two transactions in each other's way.
      const isPassing = isTelemetryError(cause, 'STALE') || isTelemetryError(cause, 'CONFLICT')
      if (!isPassing || attempt === MAX_TRIES) throw cause
      tools.adoption.forget(tenant)
    }
  }
}

/** Gateways and sensors that central did not know are known afterwards. */
async function place(
  { adoption }: GroupTools,
  tenant: TenantNumber,
  group: readonly PendingBatch[],
): Promise<(Placed | TelemetryError)[]> {
  const placed: (Placed | TelemetryError)[] = []
  for (const pending of group) {
    const { factory, gateway: id } = pending.envelope
    try {
      const gateway = await adoption.adopt(tenant, { id, factory, isProgram: false }, pending.sensors)
      placed.push({ pending, gateway, sensors: adoptedSensors(pending, gateway) })
    } catch (cause) {
      if (!isTelemetryError(cause) || cause.retryable) throw cause
      placed.push(cause)
    }
  }
  return placed
}

/** Partitions for what will be taken. */
async function cover({ now, times }: GroupTools, placed: readonly (Placed | TelemetryError)[]): Promise<void> {
  const span = times.span(now())
  const readings = new Set<number>()
  const entries = new Set<number>()
  const HOUR_MS = 3_600_000
  for (const each of placed) {
    if (each instanceof TelemetryError) continue
    const { batch } = each.pending
    for (let row = 0; row < batch.length; row++) {
      const time = timeOf(batch, row)
      if (time < span.from || time >= span.to) continue
      ;(batch.sensor[row] === ENTRY ? entries : readings).add(Math.floor(time / HOUR_MS) * HOUR_MS)
    }
  }
  await times.coverReadings(readings)
  await times.cover('entry', entries)
}

async function take(
  tools: GroupTools,
  queryable: Queryable,
  tenant: TenantNumber,
  all: readonly (Placed | TelemetryError)[],
): Promise<(Outcome | TelemetryError)[]> {
  const placed = all.filter((each): each is Placed => !(each instanceof TelemetryError))
  await checkModel(queryable, tenant, placed)
  const positions = await Positions.lock(queryable, tenant, placed.map(spanOf))
  const readings = new NewReadings()
  const entries: NewEntry[] = []
  const span = tools.times.span(tools.now())
  const outcomes = all.map((each) => {
    if (each instanceof TelemetryError) return each
    try {
      return sort(each, positions, { readings, entries, span })
    } catch (cause) {
      if (isTelemetryError(cause, 'PROTOCOL')) return cause
      throw cause
    }
  })
  await readings.store(queryable, tenant)
  await storeEntries(queryable, tenant, entries)
  await positions.save(queryable, tenant)
  await touchGateways(queryable, tenant, placed)
  return outcomes
}

/** What this process remembers of the model must be so still: a sensor that people have removed takes nothing. */
export async function checkModel(
  queryable: Queryable,
  tenant: TenantNumber,
  placed: readonly Pick<Placed, 'gateway'>[],
): Promise<void> {
  const [row] = await queryable.query<{ version: number }>(
    'SELECT model_version AS version FROM central.tenant WHERE number = $1 AND is_active',
    [tenant],
  )
  if (row === undefined) throw new TelemetryError('PERMISSION_DENIED', 'The tenant is suspended')
  if (placed.some(({ gateway }) => gateway.modelVersion !== row.version))
    throw new TelemetryError('STALE', 'The model was changed meanwhile', { retryable: true })
}

function spanOf({ gateway, pending: { batch } }: Placed) {
  const { epoch, firstSeq, lastSeq, length, seq } = batch
  const first = firstSeq === 0 ? (length === 0 ? lastSeq : seq[0]!) : firstSeq
  return { gateway: gateway.number, epoch, firstSeq: Math.min(first, lastSeq), lastSeq }
}

interface Sorted {
  readonly readings: NewReadings
  readonly entries: NewEntry[]
  readonly span: { readonly from: number; readonly to: number }
}

/** Which rows of a batch are new, which are refused, and where they go. Throws PROTOCOL. */
function sort({ gateway, pending, sensors }: Placed, positions: Positions, into: Sorted): Outcome {
  const { batch, envelope } = pending
  const { epoch, firstSeq, lastSeq, openSeqs } = batch
  const place = { gateway: gateway.number, epoch }
  const received = positions.of(place)
  const seqs = batch.seq.subarray(0, batch.length)
  const refused: Refusal[] = []
  const rows: number[] = []
  const fresh = received.fresh(epoch, seqs)
  for (const row of fresh) {
    const seq = batch.seq[row]!
    const entry = batch.entries.get(row)
    const sensor = entry === undefined ? sensors.get(batch.sensor[row]!) : undefined
    const reason =
      refusalOf(batch, row, envelope.sensors.get(batch.sensor[row]!)) ?? refusalHere(batch, row, sensor, into.span)
    if (reason !== null) refused.push({ seq, reason })
    else {
      rows.push(row)
      if (entry !== undefined) into.entries.push({ ...place, seq, entry })
      else into.readings.add(batch, row, sensor as AdoptedSensor, gateway.number) // refusalHere has looked
    }
  }
  const holes = refused.map(({ seq }) => seq)
  positions.add(place, received.addBatch({ epoch, seqs, firstSeq, lastSeq, openSeqs, refused: holes }))
  return { pending, sensors, rows, refused, repeated: batch.length - fresh.length }
}

/** Times that the database can keep. */
function isSound(entry: Entry): boolean {
  if (entry.kind === 'event') return true
  const { clearedAt, raisedAt } = entry.alarm
  return [raisedAt, clearedAt ?? 0].every((time) => time >= 0 && time <= MAX_TIME_MS)
}

function refusalHere(
  batch: ReceivedBatch,
  row: number,
  sensor: AdoptedSensor | string | undefined,
  { from, to }: Sorted['span'],
): string | null {
  const received = batch.receivedAt[row]!
  if (!(received >= 0 && received <= MAX_TIME_MS)) return 'Its receive time is none'
  const time = timeOf(batch, row)
  if (!(time >= from)) return 'It is older than what central keeps'
  if (time >= to) return 'Its time lies more than a day ahead'
  const entry = batch.entries.get(row)
  if (entry !== undefined) return isSound(entry) ? null : 'A time of its alarm is none'
  return typeof sensor === 'object' ? null : (sensor ?? 'Its sensor is not in the dictionary')
}
