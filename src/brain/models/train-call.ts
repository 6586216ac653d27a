// TrainModel: readings from the history or the request, a grid for them, training and judgement in a thread, then the registry.

import type { Model, TrainModelRequest } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { TelemetryError } from '#domain/errors.ts'
import { onGrid } from '../analytics/describe.ts'
import type { TimedSeries } from '../analytics/detect.ts'
import { isFitted, type FittedSpec } from '../analytics/detector-spec.ts'
import type { KeyedColumns } from '../analytics/analyze-window.ts'
import type { AnalyticsParts } from '../analytics/parts.ts'
import { readDetector } from '../analytics/read-detector.ts'
import { FieldReader } from '../analytics/read-fields.ts'
import { readSeries } from '../analytics/read-series.ts'
import { readRange } from '../analytics/stored-range.ts'
import { CallError, invalidArgument } from '../rpc/answers.ts'
import type { Caller } from '../service.ts'
import { readName, type ModelCalls } from './model-calls.ts'
import type { StoredBody } from './training-jobs.ts'

const MAX_SENSORS = 50
const MAX_SLOTS = 1_000_000
/** Of the readings, for the profile. */
const MAX_PROFILE_READINGS = 50_000
const DEFAULT_HOLD_OUT = 0.2

interface TrainAsk {
  readonly name: string
  readonly spec: FittedSpec
  readonly sensors: readonly string[]
  readonly from: number
  readonly to: number
  readonly everyMs: number | null
  readonly gateway: string
  readonly handedIn: readonly TimedSeries[] | null
  readonly holdOut: number
}

/** What is trained on, and how it was before it was brought to a grid. */
interface Material {
  readonly series: readonly TimedSeries[]
  readonly readings: readonly Float64Array[]
  readonly spanMs: number
}

export async function trainModel(
  parts: AnalyticsParts,
  calls: ModelCalls,
  { caller, request, signal }: { caller: Caller; request: TrainModelRequest; signal: AbortSignal },
): Promise<Model> {
  const { tenant } = caller
  const ask = readRequest(request, parts.maxPoints)
  await parts.models.reach()
  const material =
    ask.handedIn === null ? await storedMaterial(parts, tenant, ask, signal) : handedMaterial(ask.handedIn)
  const active = await activeBody(parts, tenant, ask.name)
  const { everyMs, holdOut, spec } = ask
  const trained = await parts.pool.run('train', { spec, ...material, everyMs, holdOut, active }, signal)
  const { activeScore, body, checksum, evaluation, trainedOn } = trained
  const description = {
    kind: spec.method,
    sensors: material.series.map(({ sensor }) => sensor),
    gateway: ask.gateway,
    spec,
    everyMs,
    trainedOn,
    evaluation,
    activeScore,
    createdBy: caller.name,
  }
  const record = await parts.models.add(tenant, ask.name, description, { body, checksum })
  if (!request.promote) return calls.wire(record)
  try {
    return calls.wire(await parts.models.promote(tenant, ask.name, record.version, false))
  } catch (cause) {
    // Judged worse: it stays a candidate, as the answer says.
    if (cause instanceof CallError && cause.code === 'FAILED_PRECONDITION') return calls.wire(record)
    throw cause
  }
}

function readRequest(request: TrainModelRequest, maxPoints: number): TrainAsk {
  const reader = new FieldReader()
  const name = readName(reader, request.name)
  const detector = readDetector(reader, 'detector', request.detector)
  const spec = detector !== null && detector.method !== 'model' && isFitted(detector) ? detector : null
  if (detector !== null && spec === null)
    reader.refuse('detector', 'must be isolation_forest or arima: the others learn as they go')
  const handedIn =
    request.series.length === 0 ? null : readSeries(reader, request.series, { maxPoints, isTogether: true })
  const sensors = handedIn === null ? request.sensors : handedIn.map(({ sensor }) => sensor)
  if (sensors.length === 0) reader.refuse('sensors', 'names no sensor')
  if (sensors.length > MAX_SENSORS) reader.refuse('sensors', `names more than ${MAX_SENSORS}`)
  if (new Set(sensors).size < sensors.length) reader.refuse('sensors', 'names a sensor twice')
  if (spec?.method === 'arima' && sensors.length > 1) reader.refuse('sensors', 'must be one for ARIMA')
  const everyMs = reader.duration('every', request.every)
  const needsGrid = handedIn === null && (sensors.length > 1 || spec?.method === 'arima')
  if (needsGrid && everyMs === null) reader.refuse('every', 'is needed for ARIMA and for more than one sensor')
  const from = reader.time('from', request.from) ?? -Infinity
  const to = reader.time('to', request.to) ?? Infinity
  if (from >= to) reader.refuse('to', 'must be after from')
  const holdOut = request.holdOut === 0 ? DEFAULT_HOLD_OUT : request.holdOut
  if (!(holdOut >= 0.05 && holdOut <= 0.5)) reader.refuse('hold_out', 'must be in [0.05, 0.5]')
  reader.done()
  if (spec === null) throw invalidArgument({ field: 'detector', description: 'has no method' })
  return { name, spec, sensors, from, to, everyMs, gateway: request.gateway, handedIn, holdOut }
}

async function storedMaterial(
  { history }: AnalyticsParts,
  tenant: string,
  { everyMs, from, gateway, sensors, to }: TrainAsk,
  signal: AbortSignal,
): Promise<Material> {
  const patterns = [{ test: (sensor: string) => sensors.includes(sensor) }]
  const stored = await readRange(history, { tenant, gateway, patterns, from, to }, signal)
  const columns = sensors.map((sensor) => columnOf(stored, sensor))
  const first = Math.max(...columns.map(({ times }) => times[0] ?? Infinity))
  const last = Math.min(...columns.map(({ times }) => times.at(-1) ?? -Infinity))
  if (!(first < last))
    throw new TelemetryError('OUT_OF_RANGE', 'There is no time of which all the sensors have readings')
  const readings = columns.map(({ values }) => thinned(values))
  if (everyMs === null) {
    const series = columns.map(({ sensor, times, values }) => ({ sensor, times, values }))
    return { series, readings, spanMs: last - first }
  }
  const start = Math.floor(first / everyMs) * everyMs
  const slots = Math.floor((last - start) / everyMs) + 1
  if (slots > MAX_SLOTS)
    throw invalidArgument({ field: 'every', description: `divides the range into more than ${MAX_SLOTS}` })
  const times = Float64Array.from({ length: slots }, (_, slot) => start + slot * everyMs)
  const series = columns.map((one) => ({
    sensor: one.sensor,
    times,
    values: onGrid(one.times, one.values, { from: start, everyMs, slots }),
  }))
  return { series, readings, spanMs: last - first }
}

/** Throws INVALID_ARGUMENT when two gateways have it. */
function columnOf(stored: readonly KeyedColumns[], sensor: string): KeyedColumns {
  const found = stored.filter((one) => one.sensor === sensor)
  if (found.length > 1)
    throw invalidArgument({
      field: 'gateway',
      description: `is needed: ${found.map(({ gateway }) => gateway).join(', ')} have ${sensor}`,
    })
  if (found.length === 0) throw new TelemetryError('NOT_FOUND', `There are no stored readings of ${sensor}`)
  return found[0]!
}

function handedMaterial(series: readonly TimedSeries[]): Material {
  const readings = series.map(({ values }) => thinned(values.filter((value) => !Number.isNaN(value))))
  const empty = series.find((_, at) => readings[at]!.length === 0)
  if (empty !== undefined) throw new TelemetryError('OUT_OF_RANGE', `${empty.sensor} has no value`)
  const { times } = series[0]!
  return { series, readings, spanMs: Math.max(0, times.at(-1)! - times[0]!) }
}

/** Every n-th, so that not too many are left. */
function thinned(values: Float64Array): Float64Array {
  const step = Math.ceil(values.length / MAX_PROFILE_READINGS)
  return step <= 1 ? values.slice() : values.filter((_, at) => at % step === 0)
}

async function activeBody({ models }: AnalyticsParts, tenant: string, name: string): Promise<StoredBody | null> {
  try {
    const { body, record } = await models.load(tenant, name, null)
    return { body, checksum: record.checksum }
  } catch (cause) {
    const isNone = cause instanceof TelemetryError && (cause.code === 'NOT_FOUND' || cause.code === 'STORE_CORRUPT')
    if (isNone) return null
    throw cause
  }
}
