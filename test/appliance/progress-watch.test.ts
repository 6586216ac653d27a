// When the pipeline counts as moving.

import { expect, it } from 'vitest'
import { ProgressWatch } from '#gateway/progress-watch.ts'
import { statusOf } from '#gateway/service-reports.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const PATIENCE_MS = 10_000

function bed() {
  const clock = new ManualClock()
  const world = { written: 0, durableSeq: 0, lateMs: 0, state: 'ok' as 'ok' | 'failing', isDead: false }
  const watch = new ProgressWatch({
    clock,
    written: () => world.written,
    beat: () => (world.isDead ? Promise.reject(new Error('ended')) : Promise.resolve({ ...world })),
    flushIntervalMs: 1000,
    lateMs: () => world.lateMs,
    patienceMs: PATIENCE_MS,
  })
  return { clock, world, watch }
}

it('moves while nothing waits, however long nothing is written', async () => {
  const { clock, watch } = bed()
  expect(await watch.look()).toBeNull()
  await clock.advance(3_600_000)
  expect(await watch.look()).toBeNull()
})

it('moves while what waits becomes durable, also when there is always more', async () => {
  const { clock, world, watch } = bed()
  for (let round = 1; round < 10; round++) {
    Object.assign(world, { written: round * 100, durableSeq: round * 100 - 50 })
    expect(await watch.look()).toBeNull()
    await clock.advance(PATIENCE_MS)
  }
})

it('has stopped when the same records wait for longer than the store may gather and be late', async () => {
  const { clock, world, watch } = bed()
  Object.assign(world, { written: 100, durableSeq: 50 })
  expect(await watch.look()).toBeNull()
  await clock.advance(PATIENCE_MS + 1000)
  expect(await watch.look()).toBeNull()
  await clock.advance(1000)
  expect(await watch.look()).toBe('readings have not become durable for 12 s')
  world.durableSeq = 60
  expect(await watch.look()).toBeNull()
})

it('is not called stopped because the disk refuses: a new start would not help', async () => {
  const { clock, world, watch } = bed()
  Object.assign(world, { written: 100, durableSeq: 50, state: 'failing' })
  expect(await watch.look()).toBeNull()
  await clock.advance(3_600_000)
  expect(await watch.look()).toBeNull()
  world.state = 'ok' // writes again: from here on it has its time
  expect(await watch.look()).toBeNull()
})

it('has stopped when the store thread has ended, and when timers of acquisition do not fire', async () => {
  const { world, watch } = bed()
  world.lateMs = PATIENCE_MS + 1
  expect(await watch.look()).toBe('acquisition does not poll when it is due')
  world.isDead = true
  expect(await watch.look()).toBe('the store thread has ended')
})

it('says in a sentence how the gateway is', () => {
  const down = { code: 'device-down', message: 'Device press-1 is down', blocking: false }
  expect(statusOf([])).toBe('Running: all is well')
  expect(statusOf([down])).toBe('Running: Device press-1 is down')
  expect(statusOf([{ code: 'store-failing', message: 'The store cannot write', blocking: true }, down])).toBe(
    'Not working: The store cannot write (and 1 more)',
  )
})
