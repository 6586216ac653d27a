// The backtest over stored readings, with real detectors behind the route; and what a sensor tells of its checks.

import { describe, expect, it, vi } from 'vitest'
import type { Alarm } from '#domain/alarm.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { CheckDesk } from '#domain/views.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Backtest } from '#pipeline/backtest.ts'
import { EVENTUALLY } from '#test/eventually.ts'
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

  it('goes on while somebody waits for it', async () => {
    const api = await start()
    const hold = Promise.withResolvers<void>()
    api.history.hold = hold.promise
    const answer = post(api, { checks: [{ type: 'threshold', high: 75 }] })
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(1), EVENTUALLY)
    await get(api, '/devices') // by now the end of the first request's body has been seen
    expect(api.history.signals[0]!.aborted).toBe(false)
    hold.resolve()
    expect(await answer).toMatchObject({ status: 200, json: { readings: 3600 } })
  })

  it('is given up after 30 s', async () => {
    const clock = new ManualClock(NOON)
    const api = await startApi({ clock, checks })
    api.history.hold = new Promise(() => {})
    const answer = post(api, { checks: [{ type: 'threshold', high: 75 }] })
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(1), EVENTUALLY)
    await clock.advance(30_000)
    expect(await answer).toMatchObject({ status: 504, json: { code: 'TIMEOUT' } })
    expect(api.history.signals[0]!.aborted).toBe(true)
  })

  it('tells where an expression is wrong, and what is no check', async () => {
    const api = await start()
    const wrong = await post(api, { checks: [{ type: 'expression', when: 'value > press-9.power' }] })
    expect(wrong.status).toBe(400)
    expect(wrong.json.detail).toContain('checks[0].when: at character 9: there is no sensor "press-9.power"')
    expect((await post(api, { checks: [{ type: 'magic' }] })).status).toBe(400)
  })

  it.each([
    [[{ type: 'threshold', low: 80, high: 75 }], 'checks[0].high: must be greater than low (80), found 75'],
    [[{ type: 'threshold' }], 'checks[0]: a threshold needs at least one of lowLow, low, high, highHigh'],
    [[{ type: 'rate' }], 'checks[0]: a rate needs at least one of low, high'],
    [[{ type: 'flatline', for: '0' }], 'checks[0].for: must be longer than 0'],
    [
      [{ type: 'zscore' }, { type: 'zscore' }],
      'checks[1].type: the check checks[0] is named "zscore" too, after its type; give one of them an id',
    ],
    [[{ type: 'expression', when: 'value + 1' }], 'checks[0].when: the result must be true or false, and is a number'],
  ])('refuses what the configuration refuses, in its words: %j', async (given, words) => {
    const { status, json } = await post(await start(), { checks: given })
    expect(status).toBe(400)
    expect(json.detail).toContain(words)
  })

  it('replays the other sensors of an expression, from what they were before the period', async () => {
    const api = await start()
    api.history.addReadings('press-1.running', [
      { time: NOON - 2 * 3_600_000, value: true },
      { time: NOON - 1_795_000, value: false },
    ])
    const { json } = await post(api, { checks: [{ type: 'expression', when: 'value > 75 && press-1.running' }] })
    expect(json).toMatchObject({ readings: 3600, others: ['press-1.running'] })
    expect(json.alarms).toMatchObject([
      { checkType: 'expression', raisedAt: '2026-11-20T11:30:00.000Z', clearedAt: '2026-11-20T11:30:05.000Z' },
    ])
  })

  it('replays the sensors that suppress a check', async () => {
    const api = await start()
    api.history.addReadings('press-1.running', [{ time: NOON - 2 * 3_600_000, value: false }])
    const { json } = await post(api, { checks: [{ type: 'threshold', high: 75, suppressWhen: '!press-1.running' }] })
    expect(json.others).toEqual(['press-1.running'])
  })
})

describe('one sensor', () => {
  it('shows which of its checks still learn', async () => {
    const { json } = await get(await start(), `/sensors/${SENSOR}`)
    expect(json.checks).toEqual([
      {
        id: 'zscore',
        type: 'zscore',
        learning: { seen: 3, needed: 300 },
        level: null,
        pending: false,
        outOfService: false,
      },
    ])
    expect(json.derivation).toBeNull()
  })
})
