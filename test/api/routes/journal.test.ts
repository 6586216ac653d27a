// The journal of alarms and events by HTTP: order, filters, pages.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { get, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const HOUR = 3_600_000
const SENSOR = 'press-1.oil-temperature'

const start = (): Promise<Fixture> => startApi({ clock: new ManualClock(NOON) })

function addEvent({ history }: Fixture, time: number, more: { type?: string; source?: string; by?: string }): void {
  const { type = 'device-restarted', source = 'press-1', by } = more
  history.transitions.push({
    position: { epoch: 3, seq: history.transitions.length + 1 },
    entry: {
      kind: 'event',
      type,
      severity: 'warning',
      time,
      message: `${type} at ${source}`,
      source,
      ...(by !== undefined && { data: { by } }),
    },
  })
}

const messages = (json: { readonly items: readonly { readonly message: string }[] }): string[] =>
  json.items.map(({ message }) => message)

describe('GET /journal', () => {
  it('tells what happened to alarms, newest first, with who did it and the alarm as it was then', async () => {
    const api = await start()
    const alarm = makeAlarm('3-1', SENSOR, { raisedAt: NOON - 2000 })
    api.history.addTransition('raised', NOON - 2000, alarm)
    api.history.addTransition('acknowledged', NOON - 1000, { ...alarm, acknowledged: true }, 'kim')
    const { json } = await get(api, '/journal')
    expect(json.items).toMatchObject([
      { kind: 'alarm', change: 'acknowledged', by: 'kim', position: '3/2', alarm: { id: '3-1', acknowledged: true } },
      { kind: 'alarm', change: 'raised', by: null, time: '2026-11-20T11:59:58.000Z', alarm: { acknowledged: false } },
    ])
    expect(json.next).toBeNull()
  })

  it.each([
    ['machine=mixer', 1],
    ['machine=press-1', 2],
    ['severity=urgent', 1],
    ['by=kim', 1],
    ['type=ack', 1],
    [`sensor=${SENSOR}`, 2],
    ['from=-10m', 1],
    ['machine=press-1&by=nobody', 0],
  ])('keeps of the alarms only what fits %s', async (filter, count) => {
    const api = await start()
    const old = makeAlarm('3-1', SENSOR, { severity: 'urgent' })
    const kept = makeAlarm('3-2', 'mixer.strokes', {})
    api.history.addTransition('raised', NOON - HOUR / 2, old)
    api.history.addTransition('raised', NOON - HOUR / 3, kept)
    api.history.addTransition('acknowledged', NOON - 60_000, { ...old, severity: 'low' }, 'kim')
    expect((await get(api, `/journal?${filter}`)).json.items).toHaveLength(count)
  })

  it('tells events by source, type and who', async () => {
    const api = await start()
    addEvent(api, NOON - 3000, { type: 'gateway-started', source: 'gateway' })
    addEvent(api, NOON - 2000, { by: 'kim' })
    addEvent(api, NOON - 1000, { source: 'mixer' })
    api.history.addTransition('raised', NOON - 500, makeAlarm('3-9', SENSOR))
    const of = async (filter: string): Promise<string[]> =>
      messages((await get(api, `/journal?kind=event${filter}`)).json)
    expect(await of('')).toEqual([
      'device-restarted at mixer',
      'device-restarted at press-1',
      'gateway-started at gateway',
    ])
    expect(await of('&machine=mixer')).toEqual(['device-restarted at mixer'])
    expect(await of('&type=gateway')).toEqual(['gateway-started at gateway'])
    expect(await of('&by=kim')).toEqual(['device-restarted at press-1'])
    expect(await of('&severity=error')).toEqual([])
  })

  it('gives every entry once over pages, however few fit the filter', async () => {
    const api = await start()
    for (let n = 0; n < 300; n++)
      addEvent(api, NOON - HOUR / 2 + n, { type: n % 50 === 0 ? 'rare' : 'usual', source: `s${n}` })
    const seen: string[] = []
    let cursor = ''
    for (let pages = 0; pages < 100; pages++) {
      const { json } = await get(api, `/journal?kind=event&type=rare&limit=2${cursor}`)
      expect(json.items.length).toBeLessThanOrEqual(2)
      seen.push(...messages(json))
      if (json.next === null) break
      cursor = `&cursor=${encodeURIComponent(json.next)}`
    }
    expect(seen).toEqual([250, 200, 150, 100, 50, 0].map((n) => `rare at s${n}`))
  })
})
