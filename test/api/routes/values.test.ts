import { describe, expect, it, vi } from 'vitest'
import { request } from 'node:http'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { get, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

/** Readings 0 … 119, one a second, from noon on; the clock stands at 12:02. */
async function twoMinutes(): Promise<Fixture> {
  const api = await startApi({ clock: new ManualClock(NOON + 120_000) })
  api.history.addReadings(
    'press-1.setpoint',
    Array.from({ length: 120 }, (_, second) => ({ time: NOON + second * 1000, value: second })),
  )
  return api
}

describe('latest values', () => {
  it('says that it waits before the first reading, then gives the reading with its times and unit', async () => {
    const api = await startApi()
    expect((await get(api, '/sensors/press-1.setpoint/latest')).json).toEqual({
      sensor: 'press-1.setpoint',
      value: null,
      quality: 'bad',
      status: 'BadWaitingForInitialData',
      time: null,
      receivedAt: null,
      unit: 'bar',
    })
    api.latest.put(NOON, { 'press-1.setpoint': 21.5 })
    expect((await get(api, '/sensors/press-1.setpoint/latest')).json).toEqual({
      sensor: 'press-1.setpoint',
      value: 21.5,
      quality: 'good',
      status: 'Good',
      time: '2026-11-20T12:00:00.000Z',
      receivedAt: '2026-11-20T12:00:00.000Z',
      unit: 'bar',
    })
  })

  it('keeps 64-bit integers exact: as strings beyond 2^53', async () => {
    const api = await startApi()
    api.latest.put(NOON, { 'mixer.strokes': -9_223_372_036_854_775_808n, 'mixer.total': 9_007_199_254_740_991n })
    expect((await get(api, '/sensors/mixer.strokes/latest')).text).toContain('"value":"-9223372036854775808"')
    expect((await get(api, '/sensors/mixer.total/latest')).text).toContain('"value":9007199254740991')
  })

  it('gives all at once, or those of one machine, in pages', async () => {
    const api = await startApi()
    api.latest.put(NOON, { 'press-1.setpoint': 1 })
    api.latest.put(NOON, { 'press-1.running': null }, Status.BadTimeout)
    const first = (await get(api, '/latest?machine=press-1&limit=2')).json
    const rest = (await get(api, `/latest?machine=press-1&limit=2&cursor=${first.next}`)).json
    expect([...first.items, ...rest.items].map(({ sensor, value, status }) => [sensor, value, status])).toEqual([
      ['press-1.oil-temperature', null, 'BadWaitingForInitialData'],
      ['press-1.running', null, 'BadTimeout'],
      ['press-1.setpoint', 1, 'Good'],
    ])
    expect(rest.next).toBeNull()
  })
})

describe('readings of a range', () => {
  it('takes ISO times with a zone, Unix milliseconds and relative times', async () => {
    const api = await twoMinutes()
    const count = async (query: string): Promise<number> =>
      (await get(api, `/sensors/press-1.setpoint/readings?${query}`)).json.items.length
    expect(await count('')).toBe(120)
    expect(await count('from=2026-11-20T12:00:10Z&to=2026-11-20T12:00:20Z')).toBe(10)
    expect(await count('from=2026-11-20T13:00:10%2B01:00&to=2026-11-20T13:00:20+01:00')).toBe(10)
    expect(await count(`from=${NOON}&to=${NOON + 5000}`)).toBe(5)
    expect(await count('from=-30s&to=now')).toBe(30)
    expect(await count('from=now-30s&to=now-20s')).toBe(10)
  })

  it('pages in either order', async () => {
    const api = await twoMinutes()
    const path = '/sensors/press-1.setpoint/readings?order=newestFirst&limit=50'
    const first = (await get(api, path)).json
    expect(first.items[0]).toEqual({ time: '2026-11-20T12:01:59.000Z', value: 119, quality: 'good', status: 'Good' })
    const second = (await get(api, `${path}&cursor=${first.next}`)).json
    const third = (await get(api, `${path}&cursor=${second.next}`)).json
    expect(third.items.at(-1).value).toBe(0)
    expect(third.next).toBeNull()
  })

  it('aggregates into buckets', async () => {
    const api = await twoMinutes()
    const { items } = (await get(api, '/sensors/press-1.setpoint/readings?every=1m')).json
    expect(items[0]).toEqual({ time: '2026-11-20T12:00:00.000Z', count: 60, min: 0, max: 59, mean: 29.5, last: 59 })
    expect(items).toHaveLength(2)
  })

  it.each([
    ['from=2026-11-20T12:00:00', 'query.from', 'time zone'],
    ['from=yesterday', 'query.from', 'must be a time'],
    ['from=now&to=-1h', 'query.from', 'before to'],
    ['from=-9999999y', 'query.from', '1970'],
    ['to=99999999999999999', 'query.to', 'must be a time'],
    ['every=10ms', 'query.every', 'between 1s'],
    ['every=hour', 'query.every', 'duration'],
    ['limit=0', 'query.limit', 'at least 1'],
    ['limit=10001', 'query.limit', 'at most 10000'],
    ['limit=many', 'query.limit', 'integer'],
    ['order=sideways', 'query.order', 'oldestFirst'],
  ])('refuses %s in words', async (query, path, words) => {
    const api = await twoMinutes()
    const answer = await get(api, `/sensors/press-1.setpoint/readings?${query}`)
    expect(answer.json).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      errors: [{ path, message: expect.stringContaining(words) }],
    })
  })

  it('refuses buckets of text', async () => {
    const api = await startApi()
    expect((await get(api, '/sensors/mixer.recipe/readings?every=1m')).json).toMatchObject({
      status: 400,
      errors: [{ path: 'query.every' }],
    })
  })

  it('stops the query when the client goes away', async () => {
    const api = await startApi()
    api.history.hold = new Promise(() => {})
    const client = request(`${api.url}/api/v1/sensors/press-1.setpoint/stats`)
    client.on('error', () => {})
    client.end()
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(1), EVENTUALLY)
    expect(api.history.signals[0]!.aborted).toBe(false)
    client.destroy()
    await vi.waitFor(() => expect(api.history.signals[0]!.aborted).toBe(true), EVENTUALLY)
  })

  it('turns away more queries than it can run at once', async () => {
    const api = await startApi()
    let release = (): void => {}
    api.history.hold = new Promise((resolve) => {
      release = resolve
    })
    const running = Array.from({ length: 32 }, () => get(api, '/sensors/press-1.setpoint/stats'))
    await vi.waitFor(() => expect(api.history.signals).toHaveLength(32), EVENTUALLY)
    const refused = await get(api, '/sensors/press-1.setpoint/stats')
    expect(refused).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' }, headers: { 'retry-after': '1' } })
    release()
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual(Array(32).fill(200))
  })

  it('hides the cause of a fault but tells a temporary failure', async () => {
    const api = await startApi()
    api.history.failure = new TelemetryError('INTERNAL', 'SELECT secret FROM somewhere')
    const fault = await get(api, '/sensors/press-1.setpoint/stats')
    expect(fault.status).toBe(500)
    expect(fault.text).not.toContain('SELECT')
    api.history.failure = new TelemetryError('STORE_IO', 'The disk does not answer')
    expect((await get(api, '/sensors/press-1.setpoint/stats')).json).toMatchObject({
      status: 503,
      code: 'STORE_IO',
      detail: 'The disk does not answer',
    })
  })
})

describe('statistics', () => {
  it('describes a range with its first and last reading', async () => {
    const api = await twoMinutes()
    const stats = (await get(api, '/sensors/press-1.setpoint/stats?from=-1m')).json
    expect(stats).toMatchObject({
      sensor: 'press-1.setpoint',
      from: '2026-11-20T12:01:00.000Z',
      to: '2026-11-20T12:02:00.000Z',
      count: 60,
      min: 60,
      max: 119,
      mean: 89.5,
    })
    expect(stats.standardDeviation).toBeCloseTo(17.46, 2)
    expect(stats.first).toEqual({ time: '2026-11-20T12:01:00.000Z', value: 60, quality: 'good', status: 'Good' })
    expect(stats.last.value).toBe(119)
  })

  it('has no numbers for an empty range', async () => {
    const api = await startApi()
    expect((await get(api, '/sensors/press-1.setpoint/stats')).json).toMatchObject({
      count: 0,
      mean: null,
      first: null,
    })
  })
})
