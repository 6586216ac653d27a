import { describe, expect, it } from 'vitest'
import type { Alarm, Latest } from '../../../src/ui/client/wire.ts'
import {
  compareAlarms,
  deviceCondition,
  isStale,
  sensorCondition,
  valueCondition,
  worst,
  worstAlarmBySensor,
} from '../../../src/ui/state/condition.ts'
import { makeAlarm } from './make.ts'

const NOW = 1_000_000
const FRESH = { isConnected: true, now: NOW, longestPauseMs: 1000 }
const GOOD: Latest = { sensor: 'a.b', value: 5, quality: 'good', status: 'Good', time: NOW, receivedAt: NOW }

const alarm = (more: Partial<Alarm>): Alarm => makeAlarm('1-1', 'a.b', more)

describe('the condition of a value', () => {
  it('is normal only when it is good, fresh and connected', () => {
    expect(valueCondition(GOOD, FRESH)).toBe('normal')
    expect(valueCondition({ ...GOOD, quality: 'uncertain' }, FRESH)).toBe('uncertain')
    expect(valueCondition({ ...GOOD, quality: 'bad', value: null }, FRESH)).toBe('bad')
    expect(valueCondition({ ...GOOD, receivedAt: null, quality: 'bad' }, FRESH)).toBe('waiting')
  })

  it('is stale at once when the page is not connected', () => {
    expect(valueCondition(GOOD, { ...FRESH, isConnected: false })).toBe('stale')
  })

  it('is stale after three times the longest pause, at least 15 s', () => {
    const aged = (ageMs: number, longestPauseMs: number | null) =>
      isStale({ ...GOOD, receivedAt: NOW - ageMs }, { ...FRESH, longestPauseMs })
    expect([aged(15_000, 1000), aged(15_001, 1000)]).toEqual([false, true])
    expect([aged(180_000, 60_000), aged(180_001, 60_000)]).toEqual([false, true])
    expect(aged(10_000_000, null)).toBe(false)
  })
})

describe('the worst of several', () => {
  it('puts an urgent alarm before a lost value, and that before a medium alarm', () => {
    expect(worst(['normal', 'alarm-medium', 'bad', 'alarm-urgent'])).toBe('alarm-urgent')
    expect(worst(['normal', 'alarm-medium', 'bad'])).toBe('bad')
    expect(worst([])).toBe('normal')
  })

  it('shows a bad value although its sensor has a low alarm', () => {
    expect(sensorCondition({ ...GOOD, quality: 'bad' }, alarm({ severity: 'low' }), FRESH)).toBe('bad')
    expect(sensorCondition(GOOD, alarm({ severity: 'low' }), FRESH)).toBe('alarm-low')
  })

  it('takes a device that is down as bad, one that connects as waiting', () => {
    expect([
      deviceCondition('up'),
      deviceCondition('connecting'),
      deviceCondition('down'),
      deviceCondition('stopped'),
    ]).toEqual(['normal', 'waiting', 'bad', 'bad'])
  })
})

describe('alarms', () => {
  it('sorts by priority, then the newest first', () => {
    const alarms = [
      alarm({ id: 'a', severity: 'low', raisedAt: 9 }),
      alarm({ id: 'b', severity: 'high', raisedAt: 1 }),
      alarm({ id: 'c', severity: 'high', raisedAt: 2 }),
    ]
    expect(alarms.sort(compareAlarms).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })

  it('counts neither those that are over nor those on the shelf against a sensor, until the shelf runs out', () => {
    const over = alarm({ id: 'a', severity: 'urgent', active: false })
    const shelved = alarm({ id: 'b', severity: 'high', shelvedUntil: NOW + 1 })
    const low = alarm({ id: 'c', severity: 'low' })
    expect(worstAlarmBySensor([over, shelved, low], NOW).get('a.b')?.id).toBe('c')
    expect(worstAlarmBySensor([over, shelved, low], NOW + 1).get('a.b')?.id).toBe('b')
  })
})
