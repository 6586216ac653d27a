import { describe, expect, it } from 'vitest'
import type { KeptLetter } from '#domain/dead-letter.ts'
import { Status } from '#domain/quality.ts'
import { ENTRY } from '#domain/reading.ts'
import { get, send, startApi, type Fixture } from '../fixture.ts'

const letter = (id: number, over: Partial<KeptLetter> = {}): KeptLetter => ({
  id,
  epoch: 3,
  seq: 1000 + id,
  sensor: 0,
  status: Status.Good,
  sourceTime: null,
  receivedAt: Date.UTC(2026, 10, 20),
  bits: new BigInt64Array(Float64Array.of(21.5).buffer)[0]!,
  text: null,
  reason: 'Not authorised',
  rejectedAt: Date.UTC(2026, 10, 20, 0, 0, 1),
  attempts: 1,
  ...over,
})

const alarm = { kind: 'alarm', alarm: { sensor: 'press-1.running', message: 'It stands' } }

async function startWithLetters(): Promise<Fixture> {
  const api = await startApi()
  const letters = [
    letter(1),
    letter(2, { sensor: 99, attempts: 2 }),
    letter(3, { sensor: ENTRY, text: JSON.stringify(alarm) }),
  ]
  for (const each of letters) api.uplinks.kept.set(each.id, each)
  return api
}

const AT = '/uplinks/hq/dead-letters'

describe('uplinks', () => {
  it('tell their ledger, lanes, breaker, dead letters and rate of replay', async () => {
    const api = await startApi()
    const { items } = (await get(api, '/uplinks')).json
    expect(items).toMatchObject([
      {
        id: 'hq',
        type: 'mqtt',
        cursor: '3/1042',
        dropped: { retention: 1 },
        lanes: [{ lane: 'inOrder', cursor: '3/1042', pending: 7 }],
        breaker: { state: 'open', failures: 6, retryAt: '2026-11-18T11:06:40.000Z' },
        deadLetters: 2,
        replayRate: 120,
      },
    ])
  })

  it('show what their receivers refused, page by page', async () => {
    const api = await startWithLetters()
    const first = (await get(api, `${AT}?limit=2`)).json
    expect(first.items).toMatchObject([
      { id: 1, position: '3/1001', kind: 'reading', sensor: 'press-1.oil-temperature', value: 21.5, status: 'Good' },
      { id: 2, sensor: null, value: null, attempts: 2, reason: 'Not authorised' },
    ])
    const second = (await get(api, `${AT}?limit=2&cursor=${first.next}`)).json
    expect(second).toMatchObject({ items: [{ id: 3, kind: 'alarm', sensor: 'press-1.running', message: 'It stands' }] })
    expect(second.next).toBeNull()
    expect((await get(api, '/uplinks/nope/dead-letters')).status).toBe(404)
  })

  it('send refused records again, one or all, and keep what does not arrive', async () => {
    const api = await startWithLetters()
    api.uplinks.refused.add(2)
    expect((await send(api, 'POST', `${AT}/1/retry`)).json).toEqual({ delivered: 1, refused: 0 })
    expect((await send(api, 'POST', `${AT}/1/retry`)).status).toBe(404)
    expect((await send(api, 'POST', `${AT}/retry`)).json).toEqual({ delivered: 1, refused: 1 })
    api.uplinks.isAway = true
    expect((await send(api, 'POST', `${AT}/2/retry`)).status).toBe(502)
    expect([...api.uplinks.kept.keys()]).toEqual([2])
  })

  it('discard refused records, one or all', async () => {
    const api = await startWithLetters()
    expect((await send(api, 'DELETE', `${AT}/3`)).status).toBe(204)
    expect((await send(api, 'DELETE', `${AT}/3`)).status).toBe(404)
    expect((await send(api, 'DELETE', AT)).json).toEqual({ discarded: 2 })
    expect(api.uplinks.kept.size).toBe(0)
  })
})
