// How busy a wire is: the meter against a plain sum, and what devices and metrics tell.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BusyTime, BUSY_WINDOW_MS } from '#acquisition/busy-time.ts'
import { Harness, type DeviceSpec } from './harness.ts'

/** Busy milliseconds within [from, to] of alternating idle and busy stretches that begin at `start`. */
function busyWithin(
  start: number,
  stretches: readonly (readonly [number, number])[],
  from: number,
  to: number,
): number {
  let at = start
  let sum = 0
  for (const [idle, busy] of stretches) {
    const begin = at + idle
    at = begin + busy
    sum += Math.max(0, Math.min(at, to) - Math.max(begin, from))
  }
  return sum
}

describe('busy time', () => {
  it('counts as a plain sum does, whatever the stretches', () => {
    const stretch = fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 0, max: 90_000 }))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.array(stretch, { maxLength: 40 }), (start, stretches) => {
        const meter = new BusyTime(start)
        let now = start
        for (const [idle, busy] of stretches) {
          now += idle
          meter.begin(now)
          now += busy
          meter.end(now)
        }
        expect(meter.totalMs(now)).toBeCloseTo(busyWithin(start, stretches, start, now), 3)
        const from = Math.max(start, (Math.floor(now / 5000) - 11) * 5000)
        const expected = now === from ? 0 : busyWithin(start, stretches, from, now) / (now - from)
        expect(meter.share(now)).toBeCloseTo(expected, 6)
      }),
    )
  })

  it('counts what is under way, and forgets what is more than a minute old', () => {
    const meter = new BusyTime(0)
    meter.begin(0)
    expect(meter.share(1000)).toBe(1)
    expect(meter.totalMs(7500)).toBe(7500)
    meter.end(30_000)
    expect(meter.share(60_000 - 1)).toBeCloseTo(0.5, 3)
    expect(meter.share(30_000 + BUSY_WINDOW_MS + 5000)).toBe(0)
    expect(meter.totalMs(1e9)).toBe(30_000)
  })
})

describe('the utilisation of a bus', () => {
  const unit = (id: string, answerMs: number): DeviceSpec => ({
    id,
    groups: [{ intervalMs: 1000, sensors: 1 }],
    script: { bus: 'line', answerMs },
    sensor: { writable: true },
  })

  it('is the share of the last minute that its devices take, together and each', async () => {
    const h = new Harness({ devices: [unit('a', 100), unit('b', 300), { ...unit('c', 50), script: { answerMs: 50 } }] })
    await h.start()
    await h.clock.advance(120_000)
    expect(h.status('a').busUtilisation!.device).toBeCloseTo(0.1, 2)
    expect(h.status('b').busUtilisation!.device).toBeCloseTo(0.3, 2)
    expect(h.status('a').busUtilisation!.bus).toBeCloseTo(0.4, 2)
    expect(h.status('c').busUtilisation).toEqual({ bus: expect.closeTo(0.05, 2), device: expect.closeTo(0.05, 2) })
    const metrics = await h.registry.metrics()
    expect(metrics).toMatch(/telemetryx_bus_busy_seconds_total\{bus="line"\} 4[78](\.\d+)?\n/)
    expect(metrics).toMatch(/telemetryx_device_busy_seconds_total\{device="b"\} 3[56](\.\d+)?\n/)
  })

  it('counts the time-outs of a dead device, and writes', async () => {
    const h = new Harness({
      devices: [unit('a', 20), { ...unit('b', 0), script: { bus: 'line', poll: 'silent', timeoutMs: 500 } }],
    })
    await h.start()
    await h.clock.advance(1600)
    expect(h.status('b').busUtilisation!.device).toBeGreaterThan(0.2)
    expect(await h.registry.metrics()).toMatch(/telemetryx_device_errors_total\{device="b",kind="timeout"\} [1-9]/)
    const before = h.acquisition.list()[0]!.busUtilisation!.device
    h.script('a').writeMs = 2000
    const write = h.acquisition.write(0, 1, { by: 'x', from: 'test' }, new AbortController().signal)
    await h.clock.advance(3000)
    await write
    expect(h.status('a').busUtilisation!.device).toBeGreaterThan(before + 0.2)
  })

  it('is told of no device that is never asked', async () => {
    const h = new Harness({ devices: [{ id: 'a', groups: [{ intervalMs: null, sensors: 1 }] }] })
    await h.start()
    await h.clock.advance(1000)
    expect(h.status('a').busUtilisation).toBeNull()
  })
})
