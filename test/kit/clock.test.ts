import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Backoff } from '#kit/backoff.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

describe('the manual clock', () => {
  it('fires timers in the order of their time, and those of one time in the order they were set', async () => {
    const clock = new ManualClock(1000)
    const fired: string[] = []
    clock.after(20, () => fired.push('b'))
    clock.after(10, () => fired.push('a'))
    clock.after(20, () => fired.push('c'))
    clock.after(30, () => fired.push('never')).cancel()
    await clock.advance(25)
    expect(fired).toEqual(['a', 'b', 'c'])
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1025, 25, 0])
  })

  it('steps the wall clock without moving the monotonic one', () => {
    const clock = new ManualClock(1000)
    clock.step(-500)
    expect([clock.now(), clock.monotonic()]).toEqual([500, 0])
  })
})

describe('sleep', () => {
  it('ends with ABORTED at once when its signal aborts, and leaves no timer behind', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const sleeping = sleep(clock, 1000, controller.signal)
    controller.abort()
    await expect(sleeping).rejects.toMatchObject({ code: 'ABORTED' })
    expect(clock.pending).toBe(0)
  })

  it('takes real time on the system clock', async () => {
    const before = systemClock.monotonic()
    await Promise.all([sleep(systemClock, 5), new Promise((resolve) => setTimeout(resolve, 10))])
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(4)
  })
})

/** Two ends of a connection within this process: what one has written, the other finds at its next look. */
async function connection(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as unknown as [[Socket]]
  onTestFinished(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return { near, far }
}

describe('the system clock', () => {
  it('tells what is due after a busy while only once what has arrived meanwhile was taken', async () => {
    const { near, far } = await connection()
    const seen: string[] = []
    near.on('data', () => seen.push('the answer'))
    far.write('answer')
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => {
        seen.push('the time-out')
        resolve()
      })
      const busyUntil = performance.now() + 20
      while (performance.now() < busyUntil);
    })
    expect(seen).toEqual(['the answer', 'the time-out'])
  })

  it('does not fire what was cancelled by that which arrived', async () => {
    const { near, far } = await connection()
    const seen: string[] = []
    const limit = systemClock.after(1, () => seen.push('the time-out'))
    near.on('data', () => limit.cancel())
    far.write('answer')
    const busyUntil = performance.now() + 20
    while (performance.now() < busyUntil);
    await once(near, 'data')
    for (let turns = 0; turns < 3; turns++) await turn() // in one of which it would fire
    expect(seen).toEqual([])
  })
})

describe('a deadline', () => {
  it('rejects with TIMEOUT although the operation never reacts', async () => {
    const clock = new ManualClock()
    const stuck = withDeadline({ clock, timeoutMs: 100, what: 'Reading' }, () => new Promise(() => {}))
    const outcome = expect(stuck).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
    await clock.advance(100)
    await outcome
  })

  it('passes the result and leaves no timer behind', async () => {
    const clock = new ManualClock()
    expect(await withDeadline({ clock, timeoutMs: 100, what: 'Reading' }, async () => 7)).toBe(7)
    expect(clock.pending).toBe(0)
  })

  it('rejects with ABORTED when the caller aborts', async () => {
    const controller = new AbortController()
    const options = { clock: new ManualClock(), timeoutMs: 100, what: 'Reading', signal: controller.signal }
    const stuck = withDeadline(options, () => new Promise(() => {}))
    controller.abort()
    await expect(stuck).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('backoff', () => {
  it('doubles its ceiling up to the maximum and starts anew after a reset', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 1 })
    expect([1, 2, 3, 4, 5, 6].map(() => Math.round(backoff.next()))).toEqual([100, 200, 400, 800, 1000, 1000])
    backoff.reset()
    expect(Math.round(backoff.next())).toBe(100)
  })

  it('never spins, whatever the jitter', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 0 })
    for (let attempt = 0; attempt < 2000; attempt++) expect(backoff.next()).toBeGreaterThanOrEqual(10)
  })
})

describe('the latency histogram', () => {
  it('gives quantiles within a tenth of the exact ones', () => {
    const random = seededRandom(1)
    const histogram = new LatencyHistogram()
    const all: number[] = []
    for (let i = 0; i < 10_000; i++) {
      const ms = Math.exp(gaussian(random))
      all.push(ms)
      histogram.record(ms)
    }
    all.sort((a, b) => a - b)
    for (const fraction of [0.5, 0.9, 0.99]) {
      const exact = all[Math.ceil(all.length * fraction) - 1]!
      expect(histogram.quantile(fraction) / exact).toBeGreaterThan(0.95)
      expect(histogram.quantile(fraction) / exact).toBeLessThan(1.1)
    }
    expect(histogram.max).toBe(all.at(-1))
    expect(new LatencyHistogram().quantile(0.99)).toBe(0)
  })
})
