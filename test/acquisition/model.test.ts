import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Harness, type DeviceSpec } from './harness.ts'
import type { ConnectBehaviour, PollBehaviour, Script } from './scripted-driver.ts'

// Random lives of five devices on three wires. What must hold whatever they do:
//  - one call at a time on each device and each wire (watched by the scripted driver)
//  - a poll gives each of its points at most one result, and exactly one when it was answered
//  - after a loss no sensor is good again before a poll or write that began later
//  - a device that fails tells each sensor once
//  - the counters add up

const DEVICES: readonly DeviceSpec[] = ['a', 'b', 'c', 'd', 'e'].map((id, n) => ({
  id,
  groups: [
    { intervalMs: 300 + 100 * n, sensors: 2 },
    { intervalMs: 2000, sensors: 1 },
  ],
  script: { bus: ['x', 'x', 'x', 'y', 'z'][n]!, timeoutMs: 200 + 50 * n },
  sensor: { writable: true },
}))

const CONNECTS: readonly ConnectBehaviour[] = [
  'ok',
  'refuse',
  'hang',
  'throw-sync',
  'reject-odd',
  'lost-inside',
  'late-ok',
  'ignore-abort',
]
const POLLS: readonly PollBehaviour[] = [
  'answer',
  'silent',
  'garbage',
  'half',
  'forget',
  'twice',
  'foreign',
  'lost',
  'lost-inside',
  'hang',
  'ignore-abort',
  'throw-sync',
  'reject-odd',
  'refuse-points',
  'refuse-then-fail',
]

const device = fc.constantFrom(...DEVICES.map(({ id }) => id))
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 5000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 30_000, max: 90_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('poll' as const), device, as: fc.constantFrom(...POLLS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('poll' as const), device, as: fc.constant('answer' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('connect' as const), device, as: fc.constantFrom(...CONNECTS) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), device }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), device }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      device,
      as: fc.constantFrom('answer', 'silent', 'lost', 'ignore-abort'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('room' as const), hasRoom: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('close' as const),
      device,
      as: fc.constantFrom('ok', 'hang', 'throw-sync', 'reject'),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Watches what is passed on, beside the run. */
class Watcher {
  readonly faults: string[] = []
  readonly #h: Harness
  readonly #lostAt = new Map<number, number>()
  /** By sensor: the poll of its group in which it last had a result, and how many results. */
  readonly #results = new Map<number, { poll: number; count: number }>()

  constructor(h: Harness) {
    this.#h = h
    h.onReading = ({ sensor, quality, at }) => {
      const calls = this.#callsOf(sensor)
      const poll = calls.findLastIndex((call) => call.kind === 'poll' && call.group === this.#groupOf(sensor))
      const lostAt = this.#lostAt.get(sensor)
      if (
        quality === 'good' &&
        lostAt !== undefined &&
        !calls.some(({ kind, at: begun }) => kind !== 'close' && kind !== 'connect' && begun >= lostAt)
      ) {
        this.faults.push(`sensor ${sensor} good at ${at}, lost at ${lostAt}`)
      }
      const before = this.#results.get(sensor)
      const count = before?.poll === poll ? before.count + 1 : 1
      this.#results.set(sensor, { poll, count })
      const isWritten = calls.some(({ kind }) => kind === 'write')
      if (quality === 'good' && count > 1 && !isWritten)
        this.faults.push(`sensor ${sensor} has ${count} results at ${at}`)
    }
  }

  lost(id: string): void {
    for (const sensor of this.#h.sensorsOf(id)) this.#lostAt.set(sensor, this.#h.clock.monotonic())
  }

  #callsOf(sensor: number) {
    return this.#h.driver.of(this.#deviceOf(sensor)).calls
  }

  #deviceOf(sensor: number): string {
    return DEVICES[Math.floor(sensor / 3)]!.id
  }

  #groupOf(sensor: number): number {
    return sensor % 3 === 2 ? 1 : 0
  }
}

function take(h: Harness, watcher: Watcher, taken: Step, writes: Promise<unknown>[]): void {
  switch (taken.do) {
    case 'poll':
      h.script(taken.device).poll = taken.as
      break
    case 'connect':
      h.script(taken.device).connect = taken.as
      break
    case 'close':
      h.script(taken.device).close = taken.as as Script['close']
      break
    case 'room':
      h.hasRoom = taken.hasRoom
      break
    case 'lose':
      h.driver.of(taken.device).device?.context.lost(new Error('lost'))
      watcher.lost(taken.device)
      break
    case 'restart':
      writes.push(h.acquisition.restart(taken.device))
      break
    case 'write':
      h.script(taken.device).write = taken.as as Script['write']
      writes.push(
        h.acquisition
          .write(h.sensorsOf(taken.device)[0]!, 5, { by: 'x', from: 'test' }, new AbortController().signal)
          .catch(() => 'refused'),
      )
      break
    case 'pass':
  }
}

/**
 * Each poll that was answered and not called off gave each of its points exactly one reading, when it ended. The device may
 * fail at the same moment, by its other group: then the bad reading that tells so follows.
 */
function checkResults(h: Harness): void {
  const byMoment = Map.groupBy(h.passed, ({ sensor, at }) => `${sensor} at ${at}`)
  for (const { id } of DEVICES) {
    const { calls, setup } = h.driver.of(id)
    for (const { kind, group, endedAt, isAnswered, isAborted } of calls) {
      if (kind !== 'poll' || !isAnswered || isAborted) continue
      for (const { sensor } of setup.groups[group]!.points) {
        const moment = `${sensor.number} at ${endedAt}`
        const results = byMoment.get(moment) ?? []
        const isToldOfFailure = results.length === 2 && results[1]!.quality === 'bad'
        if (results.length !== 1 && !isToldOfFailure) throw new Error(`${moment}: ${results.length} results`)
      }
    }
  }
}

function checkCounters(h: Harness): void {
  for (const { id } of DEVICES) {
    const status = h.status(id)
    const polls = h.driver.of(id).calls.filter(({ kind }) => kind === 'poll')
    expect(status.polls, `${id} polls`).toBe(polls.length)
    const connected = h.driver.of(id).calls.filter(({ kind, isAnswered }) => kind === 'connect' && isAnswered).length
    expect(status.reconnects, `${id} reconnects`).toBeLessThanOrEqual(Math.max(0, connected - 1))
    const errors = Object.entries(status.errors)
    expect(errors.every(([, count]) => count > 0)).toBe(true)
    const bad = h.sensorsOf(id).filter((sensor) => h.latest.get(sensor)?.quality === 'bad').length
    expect(status.badSensors).toBe(bad)
    const isWritten = h.driver.of(id).written.length > 0 // its first sensor may be good by that
    const isPolling = h.driver.of(id).underWay === 'poll' // and has answered a part
    if (status.state === 'down' && !isPolling) expect(bad, `${id} is down`).toBeGreaterThanOrEqual(isWritten ? 2 : 3)
    expect(status.reason === null).toBe(status.state === 'up')
  }
}

describe('acquisition', () => {
  it('keeps its promises whatever drivers do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.integer(), async (steps, seed) => {
        let state = seed >>> 0
        const random = (): number => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 32
        const h = new Harness({ devices: DEVICES, random })
        h.driver.foreignSensor = 14
        const watcher = new Watcher(h)
        const pending: Promise<unknown>[] = []
        await h.start()
        for (const taken of steps) {
          await h.clock.advance(0.137) // so that nothing coincides with an answer
          take(h, watcher, taken, pending)
          await h.clock.advance(taken.do === 'pass' ? taken.ms : 0)
          checkCounters(h)
        }
        expect(watcher.faults).toEqual([])
        expect(h.driver.violations).toEqual([])
        await recover(h)
        checkResults(h)
        await Promise.all(pending)
        await h.stop()
        expect(h.timers).toBe(0)
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})

/** Whatever happened: once all is well again, everything is good again. */
async function recover(h: Harness): Promise<void> {
  h.hasRoom = true
  for (const { id } of DEVICES)
    Object.assign(h.script(id), { connect: 'ok', poll: 'answer', close: 'ok', write: 'answer' })
  await h.clock.advance(180_000)
  for (const { id } of DEVICES) expect(h.status(id), id).toMatchObject({ state: 'up', badSensors: 0 })
}
