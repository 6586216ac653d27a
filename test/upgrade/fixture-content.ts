// What every fixture database of this folder holds, whatever version wrote it: readings of each value type with gaps, late
// ones and bad ones, alarms, an event, cursors. Made by arithmetic alone, so that any version can be checked against it.

import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import { Status } from '#domain/quality.ts'
import type { Value, ValueType } from '#domain/value.ts'
import type { Store } from '#store/store.ts'

export const START = Date.UTC(2026, 0, 1)
export const COMPACTIONS = 17
export const PER_COMPACTION = 40
/** The last ones stay in the journal. */
export const READINGS_PER_SENSOR = COMPACTIONS * PER_COMPACTION + 30

export const SENSORS: readonly { readonly id: string; readonly valueType: ValueType }[] = [
  { id: 'f.number', valueType: 'number' },
  { id: 'f.boolean', valueType: 'boolean' },
  { id: 'f.int64', valueType: 'int64' },
  { id: 'f.uint64', valueType: 'uint64' },
  { id: 'f.string', valueType: 'string' },
]

export interface FixtureReading {
  readonly status: number
  /** NaN: the source gives none. */
  readonly sourceTime: number
  readonly receivedAt: number
  readonly value: Value | null
}

/** Reading `n` of a sensor, in order of arrival. */
export function fixtureReading(valueType: ValueType, n: number): FixtureReading {
  const receivedAt = START + n * 10_000
  const sourceTime = n % 5 === 0 ? receivedAt - 25_000 : Number.NaN // every fifth comes late
  const isBad = n % 13 === 12
  const status = isBad ? Status.BadTimeout : n % 11 === 10 ? Status.UncertainLastUsableValue : Status.Good
  return { status, sourceTime, receivedAt, value: isBad ? null : fixtureValue(valueType, n) }
}

function fixtureValue(valueType: ValueType, n: number): Value {
  switch (valueType) {
    case 'number':
      return n % 17 === 16 ? Math.sqrt(n) : n % 29 === 28 ? -0 : (n % 83) / 10
    case 'boolean':
      return n % 3 === 0
    case 'int64':
      return -(2n ** 62n) + BigInt(n) * 1_000_003n
    case 'uint64':
      return 2n ** 63n + BigInt(n)
    case 'string':
      return `état ${n % 7} ✓`
  }
}

export function fixtureAlarm(n: number): AlarmEntry {
  return {
    kind: 'alarm',
    change: 'raised',
    time: START + n,
    by: null,
    comment: null,
    alarm: {
      id: `1-${n}`,
      sensor: 'f.number',
      check: 'high',
      checkType: 'threshold',
      level: 'high',
      severity: 'medium',
      active: n !== 2,
      acknowledged: n === 2,
      shelvedUntil: null,
      message: 'f.number is high',
      finding: { value: n, limit: 3 },
      raisedAt: START + n,
      clearedAt: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
    },
  }
}

export const FIXTURE_EVENT: EventEntry = {
  kind: 'event',
  type: 'gateway-started',
  severity: 'info',
  time: START,
  message: 'Gateway started',
  source: 'gateway',
}

/** Puts all of it into a new store. */
export async function fillFixture(store: Store): Promise<void> {
  await store.registerSensors(SENSORS)
  await store.journal.cursor('hq')
  for (const entry of [FIXTURE_EVENT, fixtureAlarm(1), fixtureAlarm(2)])
    store.ring.pushEntry(entry.time, JSON.stringify(entry))
  for (let n = 0; n < READINGS_PER_SENSOR; n++) {
    SENSORS.forEach(({ valueType }, sensor) => pushReading(store, sensor, fixtureReading(valueType, n)))
    if (n % PER_COMPACTION === PER_COMPACTION - 1) await store.compact()
  }
  store.journal.settle('hq', { epoch: 1, seq: 3000 }, 'ledger')
  await store.flush()
}

function pushReading(store: Store, sensor: number, { status, sourceTime, receivedAt, value }: FixtureReading): void {
  const { ring } = store
  if (typeof value === 'bigint') ring.pushInteger(sensor, status, sourceTime, receivedAt, BigInt.asIntN(64, value))
  else if (typeof value === 'string') ring.pushText(sensor, status, sourceTime, receivedAt, value)
  else ring.pushNumber(sensor, status, sourceTime, receivedAt, Number(value ?? Number.NaN))
}
