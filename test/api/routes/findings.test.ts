import { describe, expect, it } from 'vitest'
import type { Alarm } from '#domain/alarm.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { get, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const MINUTE = 60_000
const SENSOR = 'press-1.oil-temperature'

const start = (): Promise<Fixture> => startApi({ clock: new ManualClock(NOON) })

/** A whole occurrence in the history: raised, cleared a minute later, acknowledged after another. */
function addClosed(api: Fixture, id: string, raisedAt: number, more: Partial<Alarm> = {}): void {
  const raised = makeAlarm(id, SENSOR, { raisedAt, ...more })
  const cleared = { ...raised, active: false, clearedAt: raisedAt + MINUTE }
  api.history.addTransition('raised', raisedAt, raised)
  api.history.addTransition('cleared', raisedAt + MINUTE, cleared)
  const acknowledged = {
    ...cleared,
    acknowledged: true,
    acknowledgedAt: raisedAt + 2 * MINUTE,
    acknowledgedBy: 'shift-lead',
  }
  api.history.addTransition('acknowledged', raisedAt + 2 * MINUTE, acknowledged)
}

const list = async (api: Fixture, path: string): Promise<{ id: string; raisedAt: string }[]> =>
  (await get(api, `/sensors/${SENSOR}${path}`)).json.items

describe('alerts and anomalies', () => {
  it('gives one item for each occurrence, as it is now, newest first', async () => {
    const api = await start()
    addClosed(api, '3-1', NOON - 30 * MINUTE)
    addClosed(api, '3-2', NOON - 10 * MINUTE, { level: 'highHigh', severity: 'urgent' })
    const items = await list(api, '/alerts')
    expect(items.map(({ id }) => id)).toEqual(['3-2', '3-1'])
    expect(items[0]).toEqual({
      id: '3-2',
      sensor: SENSOR,
      machine: 'press-1',
      check: 'threshold',
      checkType: 'threshold',
      level: 'highHigh',
      severity: 'urgent',
      active: false,
      acknowledged: true,
      shelvedUntil: null,
      raisedAt: '2026-11-20T11:50:00.000Z',
      clearedAt: '2026-11-20T11:51:00.000Z',
      acknowledgedAt: '2026-11-20T11:52:00.000Z',
      acknowledgedBy: 'shift-lead',
      message: `${SENSOR} is high`,
      value: 80,
      limit: 75,
      score: null,
      mean: null,
      standardDeviation: null,
      unit: 'degC',
      rate: null,
      seconds: null,
      confirmed: null,
      confirmedAt: null,
      confirmedBy: null,
      latched: false,
      shelving: null,
      suppressed: false,
      outOfService: false,
      outOfServiceUntil: null,
      group: null,
      firstOut: false,
      lastComment: null,
    })
  })

  it('keeps what the detectors found apart from what the limits found', async () => {
    const api = await start()
    addClosed(api, '3-1', NOON - 30 * MINUTE)
    addClosed(api, '3-2', NOON - 20 * MINUTE, {
      checkType: 'zscore',
      level: 'anomaly',
      finding: { value: 9, limit: 4, score: 5.2, mean: 2, standardDeviation: 1.3 },
    })
    expect((await list(api, '/alerts')).map(({ id }) => id)).toEqual(['3-1'])
    expect(await list(api, '/anomalies')).toMatchObject([
      { id: '3-2', level: 'anomaly', score: 5.2, mean: 2, standardDeviation: 1.3 },
    ])
  })

  it('has what is active though it was raised before the range, or is not in the history yet', async () => {
    const api = await start()
    api.alarms.put(makeAlarm('3-7', SENSOR, { raisedAt: NOON - 600 * MINUTE }))
    api.alarms.put(makeAlarm('3-8', 'press-1.setpoint', { raisedAt: NOON - MINUTE }))
    expect((await list(api, '/alerts')).map(({ id }) => id)).toEqual(['3-7'])
  })

  it('leaves out what was over before the range or began after it', async () => {
    const api = await start()
    addClosed(api, '3-1', NOON - 90 * MINUTE)
    addClosed(api, '3-2', NOON - 61.5 * MINUTE) // cleared before the hour begins, acknowledged within it
    addClosed(api, '3-3', NOON - 60.5 * MINUTE) // still active when the hour begins
    addClosed(api, '3-4', NOON - 5 * MINUTE)
    expect((await list(api, '/alerts?from=-1h&to=-10m')).map(({ id }) => id)).toEqual(['3-3'])
  })

  it('shows each raise of a chattering alarm that kept its id, acknowledged together', async () => {
    const api = await start()
    for (const minutes of [50, 40, 30]) {
      const raised = makeAlarm('3-1', SENSOR, { raisedAt: NOON - minutes * MINUTE })
      api.history.addTransition('raised', raised.raisedAt, raised)
      api.history.addTransition('cleared', raised.raisedAt + MINUTE, {
        ...raised,
        active: false,
        clearedAt: raised.raisedAt + MINUTE,
      })
    }
    const last = makeAlarm('3-1', SENSOR, {
      raisedAt: NOON - 30 * MINUTE,
      active: false,
      clearedAt: NOON - 29 * MINUTE,
      acknowledged: true,
      acknowledgedBy: 'shift-lead',
    })
    api.history.addTransition('acknowledged', NOON - 5 * MINUTE, last)
    expect(await list(api, '/alerts')).toMatchObject([
      { id: '3-1', raisedAt: '2026-11-20T11:30:00.000Z', acknowledgedBy: 'shift-lead' },
      {
        id: '3-1',
        raisedAt: '2026-11-20T11:20:00.000Z',
        clearedAt: '2026-11-20T11:21:00.000Z',
        acknowledgedBy: 'shift-lead',
      },
      { id: '3-1', raisedAt: '2026-11-20T11:10:00.000Z', acknowledgedBy: 'shift-lead' },
    ])
  })

  it('pages through thousands without a repeat or a gap, and without reading all of them for the first page', async () => {
    const api = await start()
    const raises = Array.from({ length: 2500 }, (_, index) => NOON - (2500 - index) * 5 * MINUTE)
    for (const [index, raisedAt] of raises.entries()) addClosed(api, `3-${index}`, raisedAt)
    const path = `/sensors/${SENSOR}/alerts?from=-30d&limit=700`
    const pages = [(await get(api, path)).json]
    expect(api.history.signals.length).toBeLessThan(5)
    while (pages.at(-1).next !== null) pages.push((await get(api, `${path}&cursor=${pages.at(-1).next}`)).json)
    const ids = pages.flatMap(({ items }) => items.map(({ id }: { id: string }) => Number(id.slice(2))))
    expect(ids).toEqual(Array.from({ length: 2500 }, (_, index) => 2499 - index))
    expect(pages.map(({ items }) => items.length)).toEqual([700, 700, 700, 400])
  })
})
