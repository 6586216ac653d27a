// Lanes: bounds, fairness, and that one tenant cannot hold up another.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TenantLanes } from '#central/people/lanes.ts'

/** Operations that end when they are told to. */
class Bench {
  readonly started: string[] = []
  readonly #open: { readonly name: string; readonly end: () => void }[] = []

  operation(name: string): () => Promise<void> {
    return () => {
      this.started.push(name)
      return new Promise((resolve) => this.#open.push({ name, end: resolve }))
    }
  }

  get running(): readonly string[] {
    return this.#open.map(({ name }) => name)
  }

  async end(index: number): Promise<void> {
    this.#open.splice(index, 1)[0]!.end()
    for (let n = 0; n < 5; n++) await Promise.resolve()
  }
}

describe('lanes', () => {
  it('let a tenant wait behind itself only', async () => {
    const bench = new Bench()
    const lanes = new TenantLanes({ total: 4, perTenant: 2, queue: 10 })
    for (let n = 0; n < 6; n++) void lanes.run('greedy', bench.operation('greedy'))
    void lanes.run('modest', bench.operation('modest'))
    expect(bench.running).toEqual(['greedy', 'greedy', 'modest'])
    expect(lanes.waiting).toBe(4)
  })

  it('refuse what does not fit into the lane, and nobody else', async () => {
    const bench = new Bench()
    const lanes = new TenantLanes({ total: 2, perTenant: 1, queue: 1 })
    void lanes.run('greedy', bench.operation('1'))
    void lanes.run('greedy', bench.operation('2'))
    await expect(lanes.run('greedy', bench.operation('3'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      headers: { 'retry-after': '1' },
    })
    void lanes.run('modest', bench.operation('4'))
    expect(bench.running).toEqual(['1', '4'])
  })

  it('give turns round robin when all places are taken', async () => {
    const bench = new Bench()
    const lanes = new TenantLanes({ total: 1, perTenant: 1, queue: 10 })
    void lanes.run('a', bench.operation('a1'))
    for (const name of ['a2', 'a3', 'a4']) void lanes.run('a', bench.operation(name))
    void lanes.run('b', bench.operation('b1'))
    void lanes.run('b', bench.operation('b2'))
    for (let n = 0; n < 5; n++) await bench.end(0)
    expect(bench.started.indexOf('b1')).toBeLessThanOrEqual(2)
    expect(bench.started.indexOf('b2')).toBeLessThanOrEqual(4)
  })

  it('give a place back when an operation fails', async () => {
    const lanes = new TenantLanes({ total: 1, perTenant: 1, queue: 0 })
    await expect(lanes.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(lanes.run('a', () => Promise.resolve(1))).resolves.toBe(1)
    expect(lanes.running).toBe(0)
  })

  it('never run more than they may, leave no place empty, and end every operation', async () => {
    const step = fc.oneof(
      fc.record({ tenant: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ end: fc.nat({ max: 20 }) }),
    )
    const bounds = fc.record({
      total: fc.integer({ min: 1, max: 4 }),
      perTenant: fc.integer({ min: 1, max: 3 }),
      queue: fc.nat({ max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(step, { maxLength: 60 }), async (limits, steps) => {
        const bench = new Bench()
        const lanes = new TenantLanes(limits)
        let taken = 0
        let ended = 0
        const runs: Promise<void>[] = []
        for (const one of steps) {
          if ('end' in one) {
            if (bench.running.length > 0) await bench.end(one.end % bench.running.length)
          } else {
            taken += 1
            const run = lanes.run(one.tenant, bench.operation(one.tenant))
            runs.push(
              run.then(
                () => void (ended += 1),
                () => void (taken -= 1),
              ),
            )
            await Promise.resolve()
          }
          const counts = Object.groupBy(bench.running, (name) => name)
          expect(bench.running.length).toBeLessThanOrEqual(limits.total)
          for (const some of Object.values(counts)) expect(some!.length).toBeLessThanOrEqual(limits.perTenant)
          expect(lanes.running).toBe(bench.running.length)
        }
        while (bench.running.length > 0) await bench.end(0)
        await Promise.all(runs)
        expect([ended, lanes.running, lanes.waiting]).toEqual([taken, 0, 0])
      }),
    )
  })
})
