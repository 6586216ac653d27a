import fc from 'fast-check'
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { comparePositions, type Position } from '#domain/journal.ts'
import { NO_TIME } from '#domain/reading.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import type { Store } from '#store/store.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { DAY_MS, openTestStore, temporaryFolder, YEAR_MS } from './open-test-store.ts'
import { mountSmallDisk } from './small-disk.ts'

const START = Date.UTC(2026, 0, 1)
const RUNS = Number(process.env['TELEMETRYX_MODEL_RUNS'] ?? 10)
const disk = mountSmallDisk('24m')
const spare = disk ? null : temporaryFolder()
afterAll(() => {
  disk?.unmount()
  spare?.[Symbol.dispose]()
})

interface Accepted {
  readonly position: Position
  readonly time: number
  readonly value: number
}

/** The store as a plain array. */
class Model {
  accepted: Accepted[] = []
  /** How many of them are acknowledged as durable. */
  durable = 0
  cursor: Position = { epoch: 0, seq: 0 }
  durableCursor: Position = { epoch: 0, seq: 0 }
  now = START
  /** Raw readings older than this may be gone. */
  horizon = Number.NEGATIVE_INFINITY
}

class Real {
  store: Store
  dataDir: string
  readonly clock: ManualClock
  constructor(store: Store, dataDir: string, clock: ManualClock) {
    this.store = store
    this.dataDir = dataDir
    this.clock = clock
  }
}

type Command = fc.AsyncCommand<Model, Real>

const retention = { rawMs: 10 * DAY_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS }
let folders = 0

async function open(dataDir: string, clock: ManualClock): Promise<Store> {
  const { store } = await openTestStore(dataDir, { flushIntervalMs: 60_000, clock, retention })
  await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
  await store.journal.cursor('hq')
  return store
}

/** Everything that can be asked answers like the array. */
async function check(model: Model, { store }: Real): Promise<void> {
  const seen: [number, number][] = []
  for (let cursor: string | null = null; ;) {
    const page = await store.history.readings({ sensor: 'a.b', from: 0, to: 2 ** 43, limit: 500, cursor })
    for (const { time, value } of page.items) seen.push([time, Number(value)])
    if (page.next === null) break
    cursor = page.next
  }
  const all = model.accepted
    .map(({ time, value }, index) => ({ time, value, index }))
    .sort((a, b) => a.time - b.time || a.index - b.index)
  // What retention may have taken is either there, in its place, or not.
  let next = 0
  for (const { time, value } of all) {
    if (seen[next]?.[0] === time && seen[next]?.[1] === value) next += 1
    else expect(time, 'a reading that had to be kept is missing').toBeLessThan(model.horizon)
  }
  expect(next, 'readings that nobody accepted').toBe(seen.length)
  const kept = await store.history.statistics('a.b', model.horizon === -Infinity ? 0 : model.horizon, 2 ** 43)
  expect(kept.count).toBe(model.accepted.filter(({ time }) => time >= model.horizon).length)
}

const append = (values: readonly { value: number; late: number }[]): Command => ({
  check: () => true,
  toString: () => `append ${values.length}`,
  run: async (model, { store }) => {
    for (const { value, late } of values) {
      model.now += 1000
      const time = model.now - late
      expect(store.ring.pushNumber(0, 0, late === 0 ? NO_TIME : time, model.now, value)).toBe(true)
      model.accepted.push({ position: { epoch: store.epoch, seq: store.ring.written }, time, value })
    }
  },
})

const flush: Command = {
  check: () => true,
  toString: () => 'flush',
  run: async (model, real) => {
    await real.store.flush()
    model.durable = model.accepted.length
    model.durableCursor = model.cursor
    await vi.waitFor(
      () => expect(real.store.journal.span().durable).toEqual(real.store.journal.span().head),
      EVENTUALLY,
    )
    await check(model, real)
  },
}

const compact: Command = {
  check: () => true,
  toString: () => 'compact',
  run: async (model, real) => {
    await real.store.compact()
    model.durable = model.accepted.length
    model.durableCursor = model.cursor
    await check(model, real)
  },
}

/** A crash: the files as they are at this instant become the data folder of the next start. */
const kill: Command = {
  check: () => true,
  toString: () => 'kill',
  run: async (model, real) => {
    const crashed = join(real.dataDir, '..', `folder-${folders++}`)
    mkdirSync(crashed)
    for (const name of readdirSync(real.dataDir).filter((file) => !file.endsWith('-shm')))
      cpSync(join(real.dataDir, name), join(crashed, name))
    await real.store.close()
    rmSync(real.dataDir, { recursive: true })
    real.dataDir = crashed
    real.store = await open(crashed, real.clock)
    // Everything acknowledged is there; of the rest, the readings up to some point.
    const { count } = await real.store.history.statistics('a.b', 0, 2 ** 43)
    const gone = model.horizon === -Infinity ? 0 : null
    if (gone === 0) {
      expect(count).toBeGreaterThanOrEqual(model.durable)
      model.accepted = model.accepted.slice(0, count)
    } else model.accepted = model.accepted.slice(0, model.durable)
    model.durable = model.accepted.length
    const cursor = (await real.store.journal.cursor('hq')) ?? { epoch: 0, seq: 0 }
    expect(comparePositions(cursor, model.durableCursor)).toBeGreaterThanOrEqual(0)
    expect(comparePositions(cursor, model.cursor)).toBeLessThanOrEqual(0)
    model.cursor = { epoch: cursor.epoch, seq: cursor.seq }
    model.durableCursor = model.cursor
    await check(model, real)
  },
}

const reopen: Command = {
  check: () => true,
  toString: () => 'reopen',
  run: async (model, real) => {
    await real.store.close()
    real.store = await open(real.dataDir, real.clock)
    model.durable = model.accepted.length
    model.durableCursor = model.cursor
    const cursor = await real.store.journal.cursor('hq')
    expect(cursor ?? { epoch: 0, seq: 0 }).toEqual(model.cursor) // a clean stop loses nothing at all
    await check(model, real)
  },
}

/** Leases records after the cursor and settles some of them, as an uplink does. */
const lease = (limit: number, share: number): Command => ({
  check: () => true,
  toString: () => `lease ${limit}, settle ${share}`,
  run: async (model, { store }) => {
    const batch = await store.journal.read(model.cursor, limit)
    const pending = model.accepted.filter(({ position }) => comparePositions(position, model.cursor) > 0)
    expect(await store.journal.count(model.cursor, store.journal.span().head)).toBe(pending.length)
    if (pending.length === 0) {
      expect(batch).toBeNull()
      return
    }
    const values = [...batch!.value.subarray(0, batch!.length)]
    expect({ epoch: batch!.epoch, seq: batch!.firstSeq }).toEqual(pending[0]!.position)
    expect(values).toEqual(pending.slice(0, values.length).map(({ value }) => value))
    const settled = Math.floor(values.length * share)
    if (settled === 0) return
    model.cursor = { epoch: batch!.epoch, seq: batch!.firstSeq + settled - 1 }
    store.journal.settle('hq', model.cursor)
  },
})

const retain = (days: number): Command => ({
  check: () => true,
  toString: () => `retain after ${days} days`,
  run: async (model, real) => {
    model.now += days * DAY_MS
    real.clock.step(model.now - real.clock.now())
    model.horizon = Math.max(model.horizon, real.clock.now() + 60_000 - retention.rawMs)
    await real.clock.advance(60_000)
    await real.store.compact()
    model.durable = model.accepted.length
    model.durableCursor = model.cursor
    await check(model, real)
  },
})

const fillDisk: Command = {
  check: () => disk !== null,
  toString: () => 'fill the disk',
  run: async (model, real) => {
    const { store } = real
    disk!.fill()
    try {
      const values = Array.from({ length: 20_000 }, (_, n) => ({
        value: Math.sqrt(n + model.accepted.length),
        late: 0,
      }))
      await append(values).run(model, real)
      const flushed = store.flush().then(() => 'flushed')
      const failing = vi.waitFor(() => expect(store.history.status().state).toBe('failing'), EVENTUALLY)
      if ((await Promise.race([flushed, failing])) !== 'flushed') {
        const { head, durable } = store.journal.span()
        expect(comparePositions(durable, head)).toBeLessThan(0)
        await check(model, real) // what is not durable is still readable
      }
      disk!.free()
      await flushed
      await vi.waitFor(() => expect(store.history.status().state).toBe('ok'), EVENTUALLY)
    } finally {
      disk!.free()
    }
    model.durable = model.accepted.length
    model.durableCursor = model.cursor
    await check(model, real)
  },
}

describe('the store against a plain array', () => {
  it('agrees after any sequence of commands', async () => {
    const value = fc.oneof(
      fc.integer({ min: -1000, max: 1000 }).map((n) => n / 10),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    const reading = fc.record({ value, late: fc.constantFrom(0, 0, 0, 500, 30_000, 4_000_000) })
    const leases = fc
      .tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 4 }))
      .map(([n, quarters]) => lease(n, quarters / 4))
    const appends = fc.array(reading, { minLength: 1, maxLength: 80, size: 'max' }).map(append)
    const commands = fc.commands<Model, Real>(
      [
        appends,
        appends,
        fc.constant(flush),
        fc.constant(compact),
        fc.constant(kill),
        fc.constant(reopen),
        leases,
        leases,
        leases,
        fc.integer({ min: 0, max: 12 }).map(retain),
        fc.constant(fillDisk),
      ],
      { maxCommands: 16, size: 'max' },
    ) as unknown as fc.Arbitrary<Iterable<Command>>
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        const dataDir = join(disk?.path ?? spare!.path, `folder-${folders++}`)
        const clock = new ManualClock(START)
        const real = new Real(await open(dataDir, clock), dataDir, clock)
        try {
          await fc.asyncModelRun(() => ({ model: new Model(), real }), steps)
        } finally {
          await real.store.close()
          rmSync(real.dataDir, { recursive: true, force: true })
        }
      }),
      { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
    )
  }, 120_000)
})
