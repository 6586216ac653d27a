import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventEntry } from '#domain/alarm.ts'
import { NO_TIME } from '#domain/reading.ts'
import { ClockWatch, isTrusted, type ClockProbe } from '#gateway/clock-watch.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder, type TestStore } from '#test/store/open-test-store.ts'

const WAKE = Date.UTC(2026, 1, 1)
const TODAY = Date.UTC(2026, 8, 1)

describe('trust in the clock', () => {
  const probe: ClockProbe = { isSynchronized: false, willSynchronize: true, hasBatteryClock: false }
  it('comes from synchronisation, a battery clock, or the lack of anybody who would set it, never before 2026', () => {
    expect(isTrusted(probe, TODAY)).toBe(false)
    expect(isTrusted({ ...probe, isSynchronized: true }, TODAY)).toBe(true)
    expect(isTrusted({ ...probe, hasBatteryClock: true }, TODAY)).toBe(true)
    expect(isTrusted({ ...probe, willSynchronize: false }, TODAY)).toBe(true)
    expect(isTrusted({ ...probe, isSynchronized: true }, Date.UTC(1970, 0, 1))).toBe(false)
  })
})

describe('clock watch', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let bed: TestStore
  let clock: ManualClock
  let events: EventEntry[]
  let watch: ClockWatch
  let probe: ClockProbe

  beforeEach(async () => {
    folder = temporaryFolder()
    clock = new ManualClock(WAKE)
    bed = await openTestStore(folder.path, { clock })
    await bed.store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    events = []
    probe = { isSynchronized: false, willSynchronize: true, hasBatteryClock: false }
  })
  afterEach(async () => {
    watch.stop()
    await bed.store.close()
    folder[Symbol.dispose]()
  })

  function begin(): void {
    const { store, registry } = bed
    const record = (event: EventEntry): void => void events.push(event)
    watch = new ClockWatch({ clock, store, registry, log: silentLogger, record, probe: () => probe })
    watch.start()
  }

  const push = (): boolean => bed.store.ring.pushNumber(0, 0, NO_TIME, clock.now(), 1)
  const trusted = async (): Promise<string | undefined> =>
    /^telemetryx_clock_trusted (\d)$/m.exec(await bed.registry.metrics())?.[1]
  const times = async (): Promise<number[]> => {
    const query = { sensor: 'a.b', from: 0, to: 2 ** 43, limit: 100, cursor: null }
    return (await bed.store.history.readings(query)).items.map(({ time }) => time)
  }

  it('stamps what came before the clock was set anew, and says so', async () => {
    begin()
    expect(await trusted()).toBe('0')
    for (let second = 0; second < 5; second++) {
      push()
      await clock.advance(1000)
    }
    clock.step(TODAY - clock.now())
    probe = { ...probe, isSynchronized: true }
    await clock.advance(600)
    push() // by the new time, before the next look
    await clock.advance(400)
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('clock-stepped'), EVENTUALLY)
    expect(await times()).toEqual([-5000, -4000, -3000, -2000, -1000, 600].map((ms) => TODAY + ms))
    expect(await trusted()).toBe('1')
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['clock-untrusted', 'clock-trusted', 'clock-stepped']),
    )
    expect(events.find(({ type }) => type === 'clock-stepped')!.data).toMatchObject({ records: 5 })
  })

  it('tells of a step of a trusted clock and leaves the stamps as they are', async () => {
    probe = { ...probe, isSynchronized: true }
    begin()
    push()
    clock.step(-3_600_000)
    await clock.advance(1000)
    expect(events).toMatchObject([{ type: 'clock-stepped', severity: 'warning', data: { offsetMs: -3_600_000 } }])
    expect(await times()).toEqual([WAKE])
  })

  it('takes slewing and late timers for no step', async () => {
    begin()
    for (let n = 0; n < 20; n++) {
      clock.step(n % 2 === 0 ? 300 : -200)
      await clock.advance(1000)
    }
    expect(events.map(({ type }) => type)).toEqual(['clock-untrusted'])
  })
})
