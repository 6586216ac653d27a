import { describe, expect, it } from 'vitest'
import { GroupQueue } from '#central/ingest/group-queue.ts'

interface Piece {
  readonly key: string
  readonly number: number
  readonly bytes: number
}

/** Groups that run until they are told to end. */
function bed(options: { waitingBytes?: number; transactions?: number; transactionsPerTenant?: number } = {}) {
  const running: { tenant: number; group: readonly Piece[]; end: () => void }[] = []
  const queue = new GroupQueue<Piece>({
    waitingBytes: 1000,
    transactions: 2,
    transactionsPerTenant: 2,
    ...options,
    run: (tenant, group) => new Promise((end) => running.push({ tenant, group, end })),
    keyOf: ({ key }) => key,
    bytesOf: ({ bytes }) => bytes,
  })
  const put = (tenant: number, key: string, number: number, bytes = 1) => queue.put(tenant, { key, number, bytes })
  const next = async () => {
    const { end, group, tenant } = running.shift()!
    end()
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    return { tenant, pieces: group.map(({ key, number }) => `${key}${number}`) }
  }
  return { queue, put, next, running }
}

describe('The queue of ingest', () => {
  it('keeps the order of each gateway, and runs none of them twice at once', async () => {
    const { next, put, running } = bed()
    put(1, 'a', 1)
    put(1, 'a', 2)
    put(1, 'b', 1)
    put(1, 'a', 3)
    expect(running.map(({ group }) => group.map(({ key, number }) => `${key}${number}`))).toEqual([['a1'], ['b1']])
    expect(await next()).toEqual({ tenant: 1, pieces: ['a1'] })
    expect(await next()).toEqual({ tenant: 1, pieces: ['b1'] })
    expect(await next()).toEqual({ tenant: 1, pieces: ['a2', 'a3'] })
    expect(running).toEqual([])
  })

  it('gives tenants their turns, however much one of them sends', async () => {
    const { next, put } = bed({ transactions: 1 })
    for (let number = 0; number < 300; number++) put(1, `g${number}`, number)
    put(2, 'x', 1)
    const order = [await next(), await next(), await next()]
    expect(order.map(({ tenant }) => tenant)).toEqual([1, 2, 1])
    expect(order[2]!.pieces).toHaveLength(64)
  })

  it('refuses what goes beyond the bound of its tenant, and nothing of another', async () => {
    const { next, put } = bed({ transactions: 1 })
    expect(put(1, 'a', 1, 600)).toBe(true)
    expect(put(1, 'a', 2, 5000)).toBe(true) // one piece always fits behind what runs
    expect(put(1, 'a', 3, 1)).toBe(false)
    expect(put(2, 'a', 1, 600)).toBe(true)
    await next()
    await next()
    await next()
    expect(put(1, 'a', 3, 1)).toBe(true)
  })

  it('settles what waits before it ends, and takes nothing more', async () => {
    const { next, put, queue } = bed({ transactions: 1 })
    put(1, 'a', 1)
    put(1, 'a', 2)
    let isDrained = false
    const drained = queue.drain().then(() => (isDrained = true))
    expect(put(1, 'a', 3)).toBe(false)
    await next()
    expect(isDrained).toBe(false)
    await next()
    await drained
    expect(isDrained).toBe(true)
  })
})
