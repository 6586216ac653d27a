// The measures of the alarm system over a period, from the transitions in the history.

import { describe, expect, it } from 'vitest'
import type { Severity } from '#domain/check.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { get, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const HOUR = 3_600_000
const MINUTE = 60_000
const SENSOR = 'press-1.oil-temperature'

const start = (alarmOperators?: number): Promise<Fixture> =>
  startApi({ clock: new ManualClock(NOON), ...(alarmOperators && { alarmOperators }) })

interface Occurrence {
  readonly check?: string
  readonly severity?: Severity
  readonly clearedAt?: number
  readonly more?: object
}

/** An alarm that is raised and, if so, cleared, in the history. */
function happened(
  { history }: Fixture,
  raisedAt: number,
  { check = 'a', clearedAt, more, ...rest }: Occurrence = {},
): void {
  const alarm = makeAlarm(`1-${history.transitions.length}`, SENSOR, { check, raisedAt, ...rest, ...more })
  history.addTransition('raised', raisedAt, alarm)
  if (clearedAt !== undefined) history.addTransition('cleared', clearedAt, { ...alarm, active: false, clearedAt })
}

describe('GET /alarms/measures', () => {
  it('gives the load of each operator over the period, of what was shown', async () => {
    const api = await start(2)
    for (let n = 0; n < 36; n++)
      happened(api, NOON - 6 * HOUR + n * 10 * MINUTE, { severity: n === 0 ? 'urgent' : 'low' })
    happened(api, NOON - HOUR, { more: { suppressed: true } })
    happened(api, NOON - HOUR, { more: { shelvedUntil: NOON } })
    happened(api, NOON - 7 * HOUR)
    const { json } = await get(api, '/alarms/measures?from=-6h')
    expect(json).toMatchObject({
      from: '2026-11-20T06:00:00.000Z',
      to: '2026-11-20T12:00:00.000Z',
      truncated: false,
      alarms: 36,
      operators: { count: 2, configured: true, acted: [] },
      per10Minutes: { now: 1, mean: 1, max: 1, shareAbove10: 0 },
      perOperator: { per10Minutes: 0.5, perHour: 3, perDay: 72, max: 0.5, rating: 'acceptable' },
      severities: { low: 35, medium: 0, high: 0, urgent: 1 },
    })
  })

  it('counts those who acted where nobody said how many operators there are', async () => {
    const api = await start()
    for (let n = 0; n < 60; n++) happened(api, NOON - HOUR + n * MINUTE)
    const alarm = makeAlarm('1-1', SENSOR, { raisedAt: NOON - HOUR })
    for (const [after, by] of [
      [10, 'ann'],
      [30, 'bob'],
      [20, 'ann'],
    ] as const)
      api.history.addTransition('acknowledged', NOON - HOUR + after * 1000, alarm, by)
    const { json } = await get(api, '/alarms/measures?from=-1h')
    expect(json.operators).toEqual({
      count: 2,
      configured: false,
      acted: [
        { by: 'ann', actions: 2 },
        { by: 'bob', actions: 1 },
      ],
    })
    expect(json.perOperator).toMatchObject({ per10Minutes: 5, rating: 'overDemanding' })
    expect(json.acknowledgements).toEqual({ count: 3, medianSeconds: 20 })
  })

  it('finds floods, what chattered and the ten that came most often', async () => {
    const api = await start()
    // Twelve in eleven minutes are no flood; then eleven at once, which ends when all but four are ten minutes old.
    for (let n = 0; n < 10; n++) happened(api, NOON - 10 * HOUR + n * MINUTE, { check: `slow-${n}` })
    for (let n = 0; n < 8; n++) happened(api, NOON - 5 * HOUR, { check: 'pump' })
    for (let n = 0; n < 5; n++) happened(api, NOON - 5 * HOUR + 5 * MINUTE, { check: 'fan' })
    const { json } = await get(api, '/alarms/measures?from=-10h')
    // From the eleventh alarm, at 5 minutes, until the fan's five are over as well.
    expect(json.flood).toEqual({ active: false, since: null, floods: 1, share: 10 / 600 })
    expect(json.per10Minutes).toMatchObject({ max: 13, shareAbove10: 1 / 60 })
    expect(json.chattering).toEqual([
      { sensor: SENSOR, check: 'pump', count: 8 },
      { sensor: SENSOR, check: 'fan', count: 5 },
    ])
    expect(json.top).toHaveLength(10)
    expect(json.top[0]).toEqual({ sensor: SENSOR, check: 'pump', count: 8, share: 8 / 23 })
  })

  it('lists what stood at the end of the period, longest first, over a day as stale, and nothing that was put aside', async () => {
    const api = await start()
    const standing = { 'still-there': -30 * HOUR, shelved: -40 * HOUR, young: -2 * HOUR }
    for (const [check, raised] of Object.entries(standing)) {
      const more = check === 'shelved' ? { shelvedUntil: NOON + HOUR } : {}
      api.alarms.put(makeAlarm(`1-${check}`, SENSOR, { check, raisedAt: NOON + raised, ...more }))
    }
    happened(api, NOON - 50 * HOUR, { check: 'gone-since', clearedAt: NOON - HOUR / 2 })
    happened(api, NOON - 50 * HOUR, { check: 'gone-before', clearedAt: NOON - 3 * HOUR })
    const checks = (alarms: { check: string }[]): string[] => alarms.map(({ check }) => check)
    const now = (await get(api, '/alarms/measures?from=-2h')).json
    expect([checks(now.standing), checks(now.stale)]).toEqual([['still-there', 'young'], ['still-there']])
    const before = (await get(api, '/alarms/measures?from=-4h&to=-1h')).json
    expect([checks(before.standing), checks(before.stale)]).toEqual([
      ['gone-since', 'still-there', 'young'],
      ['gone-since', 'still-there'],
    ])
  })

  it('refuses a period that ends before it begins', async () => {
    const api = await start()
    expect((await get(api, '/alarms/measures?from=-1h&to=-2h')).status).toBe(400)
  })
})
