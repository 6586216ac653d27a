// A store with a little of everything that can be stored, for the tests of export, backup and SQL.

import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Store } from '#store/store.ts'
import { pushed } from './open-test-store.ts'

export const START = Date.UTC(2026, 0, 1)

export const GREAT = 9_007_199_254_740_993n // 2^53 + 1: no double holds it
export const GREATEST = 18_446_744_073_709_551_615n // 2^64 − 1
export const TEXT = 'said "on", then\r\nö; 1,5'

const ALARM: AlarmEntry = {
  kind: 'alarm',
  change: 'raised',
  time: START + 2000,
  by: null,
  comment: null,
  alarm: {
    id: '1-1',
    sensor: 'press-1.power',
    check: 'threshold',
    checkType: 'threshold',
    level: 'high',
    severity: 'medium',
    active: true,
    acknowledged: false,
    shelvedUntil: null,
    raisedAt: START + 2000,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    message: 'power 22.5 is at or above 20',
    finding: { value: 22.5, limit: 20 },
  },
}

const EVENT: EventEntry = {
  kind: 'event',
  type: 'gateway-started',
  severity: 'info',
  time: START,
  message: 'Gateway edge-01 started',
  source: 'gateway',
  data: { epoch: 1 },
}

/**
 * press-1.power: 120 numbers 0, 0.5, … one a second, −0 in place of 0, the last one bad; press-1.running: booleans;
 * press-1.count: int64 beyond 2^53 and negative; press-1.energy: uint64; press-1.state: texts; press-2.power: 7 uncertain.
 */
export async function fillStore(store: Store): Promise<void> {
  const numbers = await store.registerSensors([
    { id: 'press-1.power', valueType: 'number' },
    { id: 'press-1.running', valueType: 'boolean' },
    { id: 'press-1.count', valueType: 'int64' },
    { id: 'press-1.energy', valueType: 'uint64' },
    { id: 'press-1.state', valueType: 'string' },
    { id: 'press-2.power', valueType: 'number' },
  ])
  const [power, running, count, energy, state, other] = numbers as [number, number, number, number, number, number]
  const { ring } = store
  for (let n = 0; n < 119; n++)
    await pushed(() => ring.pushNumber(power, Status.Good, NO_TIME, START + n * 1000, n === 0 ? -0 : n / 2))
  await pushed(() => ring.pushNumber(power, Status.BadCommunicationError, NO_TIME, START + 119_000, 0))
  await pushed(() => ring.pushNumber(running, Status.Good, NO_TIME, START, 1))
  await pushed(() => ring.pushNumber(running, Status.Good, NO_TIME, START + 1000, 0))
  await pushed(() => ring.pushInteger(count, Status.Good, NO_TIME, START, GREAT))
  await pushed(() => ring.pushInteger(count, Status.Good, NO_TIME, START + 1000, -GREAT))
  await pushed(() => ring.pushInteger(count, Status.Good, NO_TIME, START + 2000, 7n))
  await pushed(() => ring.pushInteger(energy, Status.Good, NO_TIME, START, BigInt.asIntN(64, GREATEST)))
  await pushed(() => ring.pushText(state, Status.Good, NO_TIME, START, TEXT))
  await pushed(() => ring.pushText(state, Status.Good, NO_TIME, START + 1000, ''))
  await pushed(() => ring.pushNumber(other, Status.UncertainLastUsableValue, START + 500, START + 900, 7))
  await pushed(() => ring.pushEntry(EVENT.time, JSON.stringify(EVENT)))
  await pushed(() => ring.pushEntry(ALARM.time, JSON.stringify(ALARM)))
  await store.flush()
}
