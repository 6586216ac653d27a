import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { call, get, send, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

/** One alarm in each state: active, acknowledged, cleared but unacknowledged, shelved. */
async function fourAlarms(): Promise<Fixture> {
  const api = await startApi({ clock: new ManualClock(NOON) })
  const sensor = 'press-1.oil-temperature'
  api.alarms.put(makeAlarm('3-1', sensor, { raisedAt: NOON - 4000 }))
  api.alarms.put(makeAlarm('3-2', sensor, { raisedAt: NOON - 3000, acknowledged: true }))
  api.alarms.put(makeAlarm('3-3', sensor, { raisedAt: NOON - 2000, active: false, clearedAt: NOON - 1000 }))
  api.alarms.put(makeAlarm('3-4', sensor, { raisedAt: NOON - 1000, shelvedUntil: NOON + 60_000 }))
  return api
}

describe('alarms', () => {
  it.each([
    ['', ['3-4', '3-3', '3-2', '3-1']],
    ['?state=all', ['3-4', '3-3', '3-2', '3-1']],
    ['?state=active', ['3-2', '3-1']],
    ['?state=unacknowledged', ['3-3', '3-1']],
    ['?state=acknowledged', ['3-2']],
    ['?state=cleared', ['3-3']],
    ['?state=shelved', ['3-4']],
  ])('lists %s newest first', async (query, expected) => {
    const api = await fourAlarms()
    expect((await get(api, `/alarms${query}`)).json.items.map(({ id }: { id: string }) => id)).toEqual(expected)
  })

  it('pages', async () => {
    const api = await fourAlarms()
    const first = (await get(api, '/alarms?limit=3')).json
    expect(first.items).toHaveLength(3)
    expect((await get(api, `/alarms?limit=3&cursor=${first.next}`)).json).toMatchObject({
      items: [{ id: '3-1' }],
      next: null,
    })
  })

  it('acknowledges with a comment, or with no body at all, in the name of the caller', async () => {
    const api = await fourAlarms()
    const acknowledged = await send(api, 'POST', '/alarms/3-1/acknowledge', { comment: 'Cooler restarted' })
    expect(acknowledged.json).toMatchObject({
      id: '3-1',
      acknowledged: true,
      acknowledgedBy: 'local',
      acknowledgedAt: '2026-11-20T12:00:00.000Z',
    })
    expect((await send(api, 'POST', '/alarms/3-3/acknowledge')).status).toBe(200)
    expect(api.alarms.comments).toEqual(['Cooler restarted', null])
    expect((await send(api, 'POST', '/alarms/3-1/acknowledge')).json).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect((await send(api, 'POST', '/alarms/9-9/acknowledge')).status).toBe(404)
  })

  it('takes an empty JSON body as none', async () => {
    const api = await fourAlarms()
    const answer = await call(api.url, '/api/v1/alarms/3-1/acknowledge', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '0' },
    })
    expect(answer.status).toBe(200)
  })

  it('shelves for a time and takes back', async () => {
    const api = await fourAlarms()
    expect((await send(api, 'POST', '/alarms/3-1/shelve', { duration: '1h' })).json.shelvedUntil).toBe(
      '2026-11-20T13:00:00.000Z',
    )
    expect((await send(api, 'POST', '/alarms/3-1/unshelve')).json.shelvedUntil).toBeNull()
    expect((await send(api, 'POST', '/alarms/3-1/unshelve')).status).toBe(409)
  })

  it.each([
    [{}],
    [{ duration: '8d' }],
    [{ duration: '0' }],
    [{ duration: 3600 }],
    [{ duration: '1h', until: 'never' }],
    [undefined],
  ])('refuses to shelve with %j', async (body) => {
    const api = await fourAlarms()
    expect((await send(api, 'POST', '/alarms/3-1/shelve', body)).status).toBe(400)
    expect(api.alarms.get('3-1')!.shelvedUntil).toBeNull()
  })
})
