import { describe, expect, it } from 'vitest'
import { get, send, startApi } from '../fixture.ts'

describe('devices and uplinks', () => {
  it('lists devices with their state in words', async () => {
    const api = await startApi()
    const { items } = (await get(api, '/devices')).json
    expect(items).toMatchObject([
      { id: 'mixer', state: 'down', reason: 'No answer within 1 s', pollMs: null },
      { id: 'press-1', state: 'up', pollMs: { p50: 1.5 } },
    ])
    expect((await get(api, '/devices/press-1')).json).toEqual(items[1])
    expect((await get(api, '/devices/nope')).status).toBe(404)
  })

  it('starts a device anew', async () => {
    const api = await startApi()
    expect((await send(api, 'POST', '/devices/mixer/restart')).json.id).toBe('mixer')
    expect(api.devices.restarted).toEqual(['mixer'])
    expect((await send(api, 'POST', '/devices/nope/restart')).status).toBe(404)
  })

  it('gives the ledger of each uplink', async () => {
    const api = await startApi()
    const { items } = (await get(api, '/uplinks')).json
    expect(items).toMatchObject([{ id: 'hq', type: 'mqtt', cursor: '3/1042', dropped: { retention: 1 } }])
  })
})
