import { describe, expect, it } from 'vitest'
import { get, send, startApi } from '../fixture.ts'

describe('devices', () => {
  it('lists devices with their state in words', async () => {
    const api = await startApi()
    const { items } = (await get(api, '/devices')).json
    expect(items).toMatchObject([
      { id: 'mixer', state: 'down', reason: 'No answer within 1 s', pollMs: null },
      { id: 'press-1', state: 'up', pollMs: { p50: 1.5 } },
    ])
    const { latency, ...detail } = (await get(api, '/devices/press-1')).json
    expect(detail).toEqual(items[1])
    expect(latency).toEqual({
      poll: [
        { upToMs: 1, count: 3 },
        { upToMs: 2, count: 7 },
      ],
      lag: [],
    })
    expect((await get(api, '/devices/nope')).status).toBe(404)
  })

  it('shows what planning saves, and the last frames on the wire', async () => {
    const api = await startApi()
    expect((await get(api, '/devices/press-1')).json.plan).toEqual({ pointRequests: 200, requests: 4 })
    expect((await get(api, '/devices/mixer')).json.plan).toBeNull()
    expect((await get(api, '/devices/press-1/frames')).json).toEqual({
      items: [
        { time: '2026-01-01T00:00:00.000Z', direction: 'sent', bytes: '0103000a' },
        { time: '2026-01-01T00:00:00.005Z', direction: 'received', bytes: '018302' },
      ],
      next: null,
    })
    const [first] = (await get(api, '/devices/press-1/frames')).json.items
    const page = (await get(api, '/devices/press-1/frames?limit=1')).json
    expect(page.items).toEqual([first])
    const rest = (await get(api, `/devices/press-1/frames?limit=1&cursor=${page.next}`)).json
    expect(rest).toMatchObject({ items: [{ direction: 'received' }], next: null })
    expect((await get(api, '/devices/mixer/frames')).json.items).toEqual([])
    expect((await get(api, '/devices/nope/frames')).status).toBe(404)
  })

  it('starts a device anew', async () => {
    const api = await startApi()
    expect((await send(api, 'POST', '/devices/mixer/restart')).json.id).toBe('mixer')
    expect(api.devices.restarted).toEqual(['mixer'])
    expect((await send(api, 'POST', '/devices/nope/restart')).status).toBe(404)
  })
})
