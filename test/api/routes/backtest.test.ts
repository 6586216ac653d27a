// The backtest over stored readings, with real detectors behind the route; and what a sensor tells of its checks.

import { describe, expect, it } from 'vitest'
import type { Alarm } from '#domain/alarm.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { CheckDesk } from '#domain/views.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Backtest } from '#pipeline/backtest.ts'
import { makeAlarm } from '../fakes.ts'
import { get, send, SENSORS, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const SENSOR = 'press-1.oil-temperature'

const checks: CheckDesk = {
  status: () => [
    {
      id: 'zscore',
      type: 'zscore',
      learning: { seen: 3, needed: 300 },
      level: null,
      isPending: false,
      isOutOfService: false,
    },
  ],
  takeOutOfService: () => makeAlarm('3-1', SENSOR),
  returnToService: () => makeAlarm('3-1', SENSOR),
  trial: (sensor: Sensor, onAlarm: (alarm: Alarm) => void) =>
    new Backtest({ sensor, others: SENSORS, log: silentLogger, onAlarm }),
}

/** An hour of 50, one reading each second, with ten seconds of 80 in its middle and one bad reading. */
async function start(): Promise<Fixture> {
  const api = await startApi({ clock: new ManualClock(NOON), checks })
  const readings = Array.from({ length: 3600 }, (_, n) => ({
    time: NOON - 3_600_000 + n * 1000,
    value: n === 100 ? null : n >= 1800 && n < 1810 ? 80 : 50,
    ...(n === 100 && { status: 0x80000000 }),
  }))
  api.history.addReadings(SENSOR, readings)
  return api
}

const post = (api: Fixture, body: object) => send(api, 'POST', `/sensors/${SENSOR}/backtest`, body)

describe('the backtest of a sensor', () => {
  it('tells what other checks would have raised over the stored readings', async () => {
    const api = await start()
    const { status, json } = await post(api, {
      checks: [
        { type: 'threshold', high: 75, onDelay: '3s' },
        { type: 'zscore', window: 60 },
      ],
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({ sensor: SENSOR, readings: 3600, truncated: false, from: '2026-11-20T11:00:00.000Z' })
    expect(json.alarms.map(({ check, raisedAt }: { check: string; raisedAt: string }) => [check, raisedAt])).toEqual([
      ['zscore', '2026-11-20T11:30:00.000Z'],
      ['threshold', '2026-11-20T11:30:03.000Z'],
    ])
    expect(json.alarms[1].clearedAt).toBe('2026-11-20T11:30:10.000Z')
    expect(json.highestScore).toBeGreaterThan(0.5)
    expect(api.alarms.list()).toEqual([])
  })

  it('tells where an expression is wrong, and what is no check', async () => {
    const api = await start()
    const wrong = await post(api, { checks: [{ type: 'expression', when: 'value > press-9.power' }] })
    expect(wrong.status).toBe(400)
    expect(wrong.json.detail).toContain('at character 9: there is no sensor "press-9.power"')
    expect((await post(api, { checks: [{ type: 'magic' }] })).status).toBe(400)
  })
})

describe('one sensor', () => {
  it('shows which of its checks still learn', async () => {
    const { json } = await get(await start(), `/sensors/${SENSOR}`)
    expect(json.checks).toEqual([
      { id: 'zscore', type: 'zscore', learning: { seen: 3, needed: 300 }, level: null, pending: false, outOfService: false },
    ])
    expect(json.derivation).toBeNull()
  })
})
