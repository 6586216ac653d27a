import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRedis, type RedisPort } from '#backing/redis.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'

const WAIT = { timeout: 20_000, interval: 20 }
const HOUR = 3_600_000
const open: RedisPort[] = []
let prefix = 0

async function connect(url: string, more: { prefix?: string } = {}): Promise<RedisPort> {
  const redis = await openRedis({ url, clock: systemClock, log: silentLogger, ...more })
  open.push(redis)
  return redis
}

afterEach(async () => {
  for (const redis of open.splice(0)) await redis.close()
})

describe('the URL of Redis', () => {
  it('is refused when it is none', async () => {
    await expect(connect('http://nowhere')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe.skipIf(!hasRedis)('what processes share through Redis (needs redis-server)', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  /** Two processes of one installation of its own. */
  async function pair(): Promise<[RedisPort, RedisPort]> {
    const own = { prefix: `test-${prefix++}:` }
    const [one, other] = [await connect(server.url, own), await connect(server.url, own)]
    await vi.waitFor(() => expect(one.isUp && other.isUp).toBe(true), WAIT)
    return [one, other]
  }

  async function crash(): Promise<void> {
    await server.kill()
    await vi.waitFor(() => expect(open.every((redis) => !redis.isUp)).toBe(true), WAIT)
  }

  async function comeBack(): Promise<void> {
    await server.restart()
    await vi.waitFor(() => expect(open.every((redis) => redis.isUp)).toBe(true), WAIT)
  }

  it('are values, until they are deleted or their time is over', async () => {
    const [one, other] = await pair()
    await one.set('session', 'operator', HOUR)
    expect(await other.get('session')).toBe('operator')
    await other.delete('session')
    expect(await one.get('session')).toBeNull()
    await one.set('short', 'x', 5)
    await vi.waitFor(async () => expect(await other.get('short')).toBeNull(), WAIT)
    await one.set('lasting', 'x', null)
    expect(await other.get('lasting')).toBe('x')
  })

  it('are counters, each with the end of its window', async () => {
    const [one, other] = await pair()
    expect(await one.increment('route', HOUR)).toMatchObject({ count: 1 })
    expect(await other.increment('route', HOUR, 5)).toMatchObject({ count: 6 })
    const { count, resetMs } = await one.increment('route', HOUR)
    expect(count).toBe(7)
    expect(resetMs).toBeGreaterThan(HOUR - 60_000)
    expect(resetMs).toBeLessThanOrEqual(HOUR)
    await one.increment('short', 5)
    await vi.waitFor(async () => expect(await other.increment('short', 5, 10)).toMatchObject({ count: 10 }), WAIT)
  })

  it('are latest values, of which the newest stays whatever the order in which they come', async () => {
    const [one, other] = await pair()
    const values = fc.array(
      fc.record({ field: fc.constantFrom('a', 'b', 'c d'), order: fc.nat(20), value: fc.string() }),
    )
    let hash = 0
    await fc.assert(
      fc.asyncProperty(fc.array(values, { maxLength: 5 }), async (batches) => {
        const key = `latest-${hash++}`
        const newest = new Map<string, { order: number; value: string }>()
        for (const [index, batch] of batches.entries()) {
          const values = batch.map((each) => ({
            ...each,
            order: [Math.floor(each.order / 5), each.order % 5] as const,
          }))
          expect(await (index % 2 === 0 ? one : other).putLatest(key, values, 0)).toBe(true)
          for (const { field, order, value } of batch)
            if (order >= (newest.get(field)?.order ?? -1)) newest.set(field, { order, value })
        }
        const expected = [...newest].map(([field, { value }]) => [field, value] as const)
        expect(await one.latest(key, ['a', 'b', 'c d', 'never'], HOUR)).toEqual(new Map(expected))
      }),
      { numRuns: 50 },
    )
  })

  it('are latest values up to the greatest positions, each number exactly', async () => {
    const [one] = await pair()
    for (const second of [-1, 2 ** 53 - 2, 2 ** 53 - 1]) {
      await one.putLatest('key', [{ field: 'a', order: [2 ** 31 - 1, second], value: String(second) }], 0)
      await one.putLatest('key', [{ field: 'a', order: [2 ** 31 - 1, second - 1], value: 'older' }], 0)
      expect(await one.latest('key', ['a'], HOUR)).toEqual(new Map([['a', String(second)]]))
    }
  })

  it('are latest values that are believed for as long as asked, and longer when they are told again', async () => {
    const [one, other] = await pair()
    const value = { field: 'a', order: [1, 1] as const, value: 'x' }
    await one.putLatest('key', [value], HOUR)
    expect(await other.latest('key', ['a'], HOUR / 2)).toEqual(new Map())
    expect(await other.latest('key', ['a'], 2 * HOUR)).toEqual(new Map([['a', 'x']]))
    await other.putLatest('key', [value], HOUR / 4)
    expect(await one.latest('key', ['a'], HOUR / 2)).toEqual(new Map([['a', 'x']]))
    // Who knew it longer ago does not make it older; an older value does not make it younger.
    await one.putLatest('key', [value, { ...value, order: [1, 0], value: 'older' }], HOUR)
    expect(await one.latest('key', ['a'], HOUR / 2)).toEqual(new Map([['a', 'x']]))
    expect(await one.latest('key', ['a'], HOUR / 8)).toEqual(new Map())
  })

  it('are a thousand latest values at once', async () => {
    const [one, other] = await pair()
    const fields = Array.from({ length: 1234 }, (_, index) => `sensor-${index}`)
    await one.putLatest(
      'key',
      fields.map((field, order) => ({ field, order: [0, order], value: field })),
      0,
    )
    expect((await other.latest('key', fields, HOUR))?.size).toBe(1234)
  })

  it('are messages, to those who listen', async () => {
    const [one, other] = await pair()
    const heard: string[] = []
    const end = other.subscribe('alerts', (message) => heard.push(`other ${message}`))
    one.subscribe('alerts', (message) => heard.push(`one ${message}`))
    await vi.waitFor(async () => {
      await one.publish('alerts', 'hello')
      expect(heard).toEqual(expect.arrayContaining(['one hello', 'other hello']))
    }, WAIT)
    end()
    await vi.waitFor(async () => {
      heard.length = 0
      await one.publish('alerts', 'again')
      await vi.waitFor(() => expect(heard).toContain('one again'), WAIT)
      expect(heard).not.toContain('other again')
    }, WAIT)
  })

  it('are known to each alone while Redis is away, and to all when it is back', async () => {
    const [one, other] = await pair()
    await one.set('mine', '1', HOUR)
    await one.get('mine')
    await crash()
    expect(await one.get('mine')).toBe('1')
    await one.set('new', '2', HOUR)
    expect(await one.get('new')).toBe('2')
    expect(await other.get('new')).toBeNull()
    expect(await one.increment('route', HOUR)).toMatchObject({ count: 1 })
    expect(await one.increment('route', HOUR)).toMatchObject({ count: 2 })
    expect(await other.increment('route', HOUR)).toMatchObject({ count: 1 })
    expect(await one.latest('key', ['a'], HOUR)).toBeNull()
    await comeBack()
    await vi.waitFor(async () => expect(await other.get('new')).toBe('2'), WAIT)
  })

  it('do not come back when they were deleted while Redis did not answer', async () => {
    const [one, other] = await pair()
    await one.set('session', 'operator', HOUR)
    expect(await other.get('session')).toBe('operator')
    server.freeze()
    await other.delete('session')
    expect(await other.get('session')).toBeNull()
    server.thaw()
    await vi.waitFor(async () => expect(await one.get('session')).toBeNull(), WAIT)
    expect(await other.get('session')).toBeNull()
  })

  it('are no latest values that may have missed a newer one', async () => {
    const [one] = await pair()
    await one.putLatest('key', [{ field: 'a', order: [1, 0], value: 'old' }], 0)
    server.freeze()
    expect(await one.putLatest('key', [{ field: 'a', order: [2, 0], value: 'missed' }], 0)).toBe(false)
    expect(await one.latest('key', ['a'], HOUR)).toBeNull()
    server.thaw()
    await vi.waitFor(() => expect(one.isUp).toBe(true), WAIT)
    // Redis may have done what it was asked before it froze, late: then the new value is there, but never the old one.
    expect((await one.latest('key', ['a'], HOUR))?.get('a')).not.toBe('old')
  })

  it('are messages again after Redis was away, also of channels that nobody had heard of', async () => {
    const [one, other] = await pair()
    const heard: string[] = []
    other.subscribe('before', (message) => heard.push(`before ${message}`))
    await crash()
    other.subscribe('meanwhile', (message) => heard.push(`meanwhile ${message}`))
    await other.publish('meanwhile', 'alone')
    expect(heard).toEqual(['meanwhile alone'])
    await comeBack()
    await one.publish('before', '1')
    await one.publish('meanwhile', '2')
    await vi.waitFor(() => expect(heard).toEqual(['meanwhile alone', 'before 1', 'meanwhile 2']), WAIT)
  })

  it('begin without Redis', async () => {
    await server.kill()
    const redis = await connect(server.url)
    expect(redis.isUp).toBe(false)
    await redis.set('key', 'value', HOUR)
    expect(await redis.get('key')).toBe('value')
    await comeBack()
    expect(await redis.get('key')).toBe('value')
  })
})
