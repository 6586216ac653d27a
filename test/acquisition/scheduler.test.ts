import { describe, expect, it, vi } from 'vitest'
import { Scheduler } from '#acquisition/scheduler.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'

describe('the scheduler', () => {
  it('runs everything on one timer of the clock', async () => {
    const clock = new ManualClock()
    const scheduler = new Scheduler(clock, silentLogger)
    const fired: number[] = []
    for (const delay of [30, 10, 20, 10]) scheduler.after(delay, () => fired.push(delay))
    expect(clock.pending).toBe(1)
    await clock.advance(100)
    expect(fired).toEqual([10, 10, 20, 30])
    expect(clock.pending).toBe(0)
  })

  it('runs what is due together in one wake-up', async () => {
    const clock = new ManualClock()
    let timers = 0
    const counted = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms: number, fire: () => void) => (timers++, clock.after(ms, fire)),
    }
    const scheduler = new Scheduler(counted, silentLogger)
    for (let n = 0; n < 100; n++) scheduler.after(50, () => scheduler.after(50, () => {}))
    await clock.advance(200)
    expect(timers).toBe(2)
  })

  it('does not run what was cancelled', async () => {
    const clock = new ManualClock()
    const scheduler = new Scheduler(clock, silentLogger)
    const fire = vi.fn()
    scheduler.after(10, fire).cancel()
    await clock.advance(100)
    expect(fire).not.toHaveBeenCalled()
  })

  it('goes on after a task that throws, and says so', async () => {
    const clock = new ManualClock()
    const error = vi.fn()
    const scheduler = new Scheduler(clock, { ...silentLogger, debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error })
    const fire = vi.fn()
    scheduler.after(10, () => {
      throw new Error('broken')
    })
    scheduler.after(10, fire)
    await clock.advance(20)
    expect(fire).toHaveBeenCalledTimes(1)
    expect(error).toHaveBeenCalledTimes(1)
  })

  it('forgets all tasks when it is closed', async () => {
    const clock = new ManualClock()
    const scheduler = new Scheduler(clock, silentLogger)
    const fire = vi.fn()
    scheduler.after(10, fire)
    scheduler.close()
    expect(clock.pending).toBe(0)
    scheduler.after(5, () => scheduler.close())
    await clock.advance(100)
    expect(fire).not.toHaveBeenCalled()
  })

  it('is on time by the real clock: never early by more than its slack', async () => {
    const scheduler = new Scheduler(systemClock, silentLogger)
    const keepAlive = setInterval(() => {}, 1000)
    const early: number[] = []
    await Promise.all(
      [3.2, 7.9, 12.5, 20.1].map(
        (delay) =>
          new Promise<void>((resolve) => {
            const due = systemClock.monotonic() + delay
            scheduler.after(delay, () => {
              early.push(due - systemClock.monotonic())
              resolve()
            })
          }),
      ),
    )
    clearInterval(keepAlive)
    expect(Math.max(...early)).toBeLessThanOrEqual(1)
  })
})
