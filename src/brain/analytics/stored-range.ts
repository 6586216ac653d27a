// Stored readings of the sensors that a request names, within bounds.

import { TelemetryError } from '#domain/errors.ts'
import { CallError } from '../rpc/answers.ts'
import type { SensorMatcher } from '../rules/sensor-glob.ts'
import type { SensorKey } from './accepted-numbers.ts'
import type { KeyedColumns } from './analyze-window.ts'
import { checkSignal } from './calls.ts'
import type { ReadingHistory } from './history.ts'

export interface StoredRange {
  readonly tenant: string
  /** '': of all. */
  readonly gateway: string
  readonly patterns: readonly SensorMatcher[]
  readonly from: number
  readonly to: number
}

const MAX_SENSORS = 1000
/** 16 bytes each. */
const MAX_READINGS = 2_000_000

/** Throws NOT_FOUND when no stored sensor matches, RESOURCE_EXHAUSTED when too many do. */
export async function matchingSensors(
  history: ReadingHistory,
  { gateway, patterns, tenant }: Pick<StoredRange, 'tenant' | 'gateway' | 'patterns'>,
  maxSensors = MAX_SENSORS,
): Promise<SensorKey[]> {
  const all = await history.sensors(tenant, gateway)
  const found = all.filter(({ sensor }) => patterns.some((pattern) => pattern.test(sensor)))
  if (found.length === 0) throw new TelemetryError('NOT_FOUND', 'No sensor with stored readings matches')
  if (found.length > maxSensors)
    throw new CallError('RESOURCE_EXHAUSTED', `${found.length} sensors match, at most ${maxSensors} are taken at once`)
  return found
}

/** Throws RESOURCE_EXHAUSTED when there are too many readings, and as `matchingSensors`. */
export async function readRange(
  history: ReadingHistory,
  range: StoredRange,
  signal: AbortSignal,
): Promise<KeyedColumns[]> {
  const series: KeyedColumns[] = []
  let readings = 0
  for (const key of await matchingSensors(history, range)) {
    checkSignal(signal)
    const columns = await history.read(key, range.from, range.to)
    readings += columns.times.length
    if (readings > MAX_READINGS)
      throw new CallError(
        'RESOURCE_EXHAUSTED',
        `The range has more than ${MAX_READINGS} readings; ask for less at once`,
      )
    series.push({ gateway: key.gateway, sensor: key.sensor, ...columns })
  }
  return series
}

/** The part within [from, to): the same memory. */
export function windowOf(one: KeyedColumns, from: number, to: number): KeyedColumns {
  const [start, end] = [firstAt(one.times, from), firstAt(one.times, to)]
  return { ...one, times: one.times.subarray(start, end), values: one.values.subarray(start, end) }
}

function firstAt(times: Float64Array, time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Its own memory, to be handed to a thread: of a part only the part. */
export function copied(one: KeyedColumns): KeyedColumns {
  return { ...one, times: one.times.slice(), values: one.values.slice() }
}
