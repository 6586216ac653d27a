import { describe, expect, it } from 'vitest'
import { GatewayApi } from '../../../src/ui/client/gateway-api.ts'
import { HistoryQueue } from '../../../src/ui/state/history-queue.ts'
import { LiveSensor } from '../../../src/ui/state/live-sensor.ts'
import { Plant } from '../../../src/ui/state/plant.ts'
import { makeSensor } from './make.ts'

const NOW = Date.UTC(2026, 0, 1, 12)

/** Buckets by their age in seconds: [age, min, max, last]. */
function setUp(buckets: readonly (readonly [number, number, number, number])[]) {
  const asked: string[] = []
  let waiting = 0
  let most = 0
  let isBroken = false
  const api = new GatewayApi({
    download: () => Promise.reject(new Error('not asked for')),
    lines: () => Promise.reject(new Error('not asked for')),
    request: async (path) => {
      asked.push(path)
      most = Math.max(most, (waiting += 1))
      await Promise.resolve()
      waiting -= 1
      if (isBroken) throw new Error('away')
      const items = buckets.map(([age, min, max, last]) => ({
        time: new Date(NOW - age * 1000).toISOString(),
        count: 1,
        min,
        max,
        mean: last,
        last,
      }))
      return { items, next: null }
    },
  })
  const plant = new Plant(NOW)
  return {
    queue: new HistoryQueue(api, () => NOW),
    live: (id: string, type: 'number' | 'string' = 'number') => new LiveSensor(makeSensor(id, { type }), plant),
    asked,
    most: () => most,
    break: (value: boolean) => (isBroken = value),
  }
}

const values = (live: LiveSensor): number[] =>
  Array.from({ length: live.series.length }, (_, index) => live.series.valueAt(index))

describe('the past of sparklines', () => {
  it('is asked for once for each sensor, four at a time, and not for text', async () => {
    const { queue, live, asked, most } = setUp([])
    const sensors = Array.from({ length: 9 }, (_, index) => live(`a.s${index}`))
    for (const sensor of [...sensors, ...sensors, live('a.text', 'string')]) queue.want(sensor)
    await expect.poll(() => asked.length).toBe(9)
    expect(most()).toBe(4)
  })

  it('keeps a spike that lies within one bucket', async () => {
    const { queue, live } = setUp([
      [20, 5, 5, 5],
      [15, 5, 90, 6],
      [10, 5, 5, 5],
    ])
    const sensor = live('a.b')
    queue.want(sensor)
    await expect.poll(() => sensor.series.length).toBe(4)
    expect(values(sensor)).toEqual([5, 90, 6, 5])
  })

  it('is broken where the sensor was silent for far longer than it usually is', async () => {
    const { queue, live } = setUp([
      [100, 1, 1, 1],
      [95, 2, 2, 2],
      [90, 3, 3, 3],
      [10, 4, 4, 4],
      [5, 5, 5, 5],
    ])
    const sensor = live('a.b')
    queue.want(sensor)
    await expect.poll(() => sensor.series.length).toBe(6)
    expect(values(sensor)).toEqual([1, 2, 3, Number.NaN, 4, 5])
  })

  it('fills the gap that a lost connection left, and leaves what was heard since', async () => {
    const { queue, live } = setUp([
      [20, 1, 1, 1],
      [15, 2, 2, 2],
      [10, 3, 3, 3],
    ])
    const sensor = live('a.b')
    const take = (value: number, age: number): void => {
      const receivedAt = NOW - age * 1000
      sensor.take({ sensor: 'a.b', value, quality: 'good', status: 'Good', time: receivedAt, receivedAt }, false)
      sensor.flush()
    }
    queue.want(sensor)
    await expect.poll(() => sensor.series.length).toBe(3)
    take(9, 21) // older than all: it was there before the past was loaded
    sensor.gap()
    sensor.gap()
    take(7, -1)
    const drawn = sensor.series.version
    queue.fill([sensor])
    await expect.poll(() => sensor.gapFrom).toBeNull()
    expect(values(sensor).filter(Number.isNaN)).toEqual([])
    expect(values(sensor).slice(-4)).toEqual([1, 2, 3, 7])
    expect(sensor.series.version).toBeGreaterThan(drawn)
  })

  it('is asked for again when it could not be had', async () => {
    const page = setUp([[5, 1, 1, 1]])
    const sensor = page.live('a.b')
    page.break(true)
    page.queue.want(sensor)
    await expect.poll(() => page.asked.length).toBe(1)
    page.break(false)
    await expect
      .poll(() => {
        page.queue.want(sensor)
        return sensor.series.length
      })
      .toBe(1)
  })

  it('shows a short history wider, between one and ten minutes', async () => {
    const { queue, live } = setUp([[200, 1, 1, 1]])
    expect(queue.spanMs(NOW)).toBe(60_000)
    const sensor = live('a.b')
    queue.want(sensor)
    await expect.poll(() => queue.spanMs(NOW)).toBe(200_000)
    expect(queue.spanMs(NOW + 3_600_000)).toBe(600_000)
  })
})
