// Sessions of people who logged in: in the memory of one process, and in a Redis that two processes share.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRedis, type RedisPort } from '#backing/redis.ts'
import { Sessions } from '#central/people/sessions.ts'
import { localValues, type SharedValues } from '#central/people/shared-values.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WEEK_MS = 7 * 24 * HOUR_MS
/** A week ends in an hour. */
const LATE = 3000 * WEEK_MS - HOUR_MS

describe.each(['in memory', 'in Redis'])('Sessions %s', (kind) => {
  describe.skipIf(kind === 'in Redis' && !hasRedis)(kind === 'in Redis' ? '(needs redis-server)' : '', () => {
    let server: RedisServer | null = null
    const ports: RedisPort[] = []
    const values: SharedValues[] = []
    const clock = new ManualClock(LATE)
    let accounts = 0

    beforeAll(async () => {
      if (kind === 'in memory') {
        const shared = localValues(clock)
        values.push(shared, shared)
        return
      }
      server = await startRedis()
      for (let process = 0; process < 2; process++)
        ports.push(await openRedis({ url: server.url, clock: systemClock, log: silentLogger }))
      await vi.waitFor(() => expect(ports.every(({ isUp }) => isUp)).toBe(true), EVENTUALLY)
      values.push(...ports)
    }, 60_000)
    afterAll(async () => {
      for (const port of ports) await port.close()
      await server?.stop()
    })

    const processes = () => values.map((shared) => new Sessions(shared, clock))
    const account = () => ({ tenant: 'north', user: `user-${++accounts}`, mark: 'm1', address: '192.0.2.1' })

    it('are listed wherever they began, also at the same moment, and nobody else has them', async () => {
      const [one, two] = processes()
      const [mine, other] = [account(), account()]
      const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? one! : two!).begin(mine)))
      await one!.begin(other)
      const listed = await two!.allOf(mine)
      expect(listed).toHaveLength(10)
      expect(listed[0]).toMatchObject({ user: mine.user, address: '192.0.2.1', startedAt: clock.now() })
      for (const { publicId } of listed) expect(ids).not.toContain(publicId)
      expect(await two!.allOf({ ...mine, tenant: 'south' })).toEqual([])
      expect(await two!.allOf({ ...mine, mark: 'm2' })).toEqual([]) // of another password
    })

    it('end one by one, by the account that has them', async () => {
      const [one, two] = processes()
      const mine = account()
      const ids = [await one!.begin(mine), await one!.begin(mine)]
      const [first] = await two!.allOf(mine)
      expect(await two!.endOne(account(), first!.publicId)).toBe(false)
      expect(await two!.endOne(mine, first!.publicId)).toBe(true)
      expect(await two!.endOne(mine, first!.publicId)).toBe(false)
      expect(await two!.allOf(mine)).toHaveLength(1)
      const left = await Promise.all(ids.map((id) => one!.find(id)))
      expect(left.filter((session) => session !== null)).toHaveLength(1)
    })

    it('stay ended when they are used at the same moment', async () => {
      const shared = values[0]!
      const mine = account()
      let id: string | null = null
      const ending = async (key: string): Promise<string | null> => {
        const text = await shared.get(key)
        const ended = id
        id = null
        if (ended !== null) await new Sessions(shared, clock).end(ended)
        return text
      }
      const { delete: forget, increment, set } = shared
      const slow = new Sessions(
        { get: ending, set: set.bind(shared), delete: forget.bind(shared), increment: increment.bind(shared) },
        clock,
      )
      const begun = await slow.begin(mine)
      clock.step(2 * MINUTE_MS)
      id = begun
      await slow.find(begun)
      expect(id, 'it ended while it was looked up').toBeNull()
      expect(await slow.find(begun)).toBeNull()
      expect(await slow.allOf(mine)).toEqual([])
    })

    it('stay listed over the end of a week, until they are over, the one used last first', async () => {
      const [one] = processes()
      const mine = account()
      const ids = [await one!.begin(mine), await one!.begin(mine)]
      clock.step(2 * HOUR_MS)
      await one!.find(ids[0]!)
      const listed = await one!.allOf(mine)
      expect(listed.map(({ usedAt }) => clock.now() - usedAt)).toEqual([0, 2 * HOUR_MS])
      clock.step(11 * HOUR_MS)
      expect(await one!.allOf(mine)).toHaveLength(1)
      clock.step(-13 * HOUR_MS)
    })

    it('take another place with their next use when theirs was lost', async () => {
      const [one] = processes()
      const mine = account()
      const id = await one!.begin(mine)
      await values[0]!.delete((await one!.find(id))!.slot!)
      expect(await one!.allOf(mine)).toEqual([])
      clock.step(MINUTE_MS)
      await one!.find(id)
      expect(await one!.allOf(mine)).toHaveLength(1)
    })
  })
})
