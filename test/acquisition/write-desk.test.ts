// What a write must pass before it is sent, and the event that tells of it.

import { describe, expect, it } from 'vitest'
import { DEFAULT_WRITE_LIMITS, type Sensor, type WriteLimits } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { Harness, type DeviceSpec } from './harness.ts'

const ANNA = { by: 'anna', from: 'api 192.0.2.7' }
const NEVER = new AbortController().signal

function device(
  limits: Partial<WriteLimits> = {},
  more: Partial<DeviceSpec> = {},
  sensor: Partial<Sensor> = {},
): DeviceSpec {
  const writeLimits = { ...DEFAULT_WRITE_LIMITS, ...limits }
  return {
    id: 'a',
    groups: [{ intervalMs: 1000, sensors: 1 }],
    sensor: { writable: true, writeLimits, ...sensor },
    ...more,
  }
}

async function running(...devices: DeviceSpec[]): Promise<Harness> {
  const h = new Harness({ devices })
  await h.start()
  await h.clock.advance(5500)
  return h
}

/** The value read back, or the code of the refusal. */
async function attempt(h: Harness, value: Value, origin: { by: string; from: string; expiresAt?: number } = ANNA) {
  const settled = h.acquisition.write(0, value, origin, NEVER).catch((error: { code: string }) => error.code)
  await h.clock.advance(30)
  return settled
}

describe('the limits of a sensor', () => {
  it('refuse what lies outside of them, before it is sent', async () => {
    const h = await running(device({ min: 10, max: 75 }))
    const outcomes = []
    for (const value of [9.99, 75.01, Number.NaN, 10, 75]) outcomes.push(await attempt(h, value))
    expect(outcomes).toEqual(['OUT_OF_RANGE', 'OUT_OF_RANGE', 'OUT_OF_RANGE', 10, 75])
    expect(h.driver.of('a').written.map(({ value }) => value)).toEqual([10, 75])
  })

  it('are in engineering units', async () => {
    const h = await running(device({ max: 100 }, {}, { scale: { factor: 0.1, offset: -40 } }))
    expect(await attempt(h, 100)).toBe(100)
    expect(await attempt(h, 100.1)).toBe('OUT_OF_RANGE')
    expect(h.driver.of('a').written.map(({ value }) => value)).toEqual([1400])
  })

  it('hold 64-bit integers to the last digit', async () => {
    const more = { script: { valueType: 'uint64' as const } }
    const h = await running(device({ max: 2 ** 53 }, more, { valueType: 'uint64' }))
    expect(await attempt(h, 2n ** 53n)).toBe(2n ** 53n)
    expect(await attempt(h, 2n ** 53n + 1n)).toBe('OUT_OF_RANGE')
  })

  it('change with the configuration, and the device runs on', async () => {
    const h = await running(device({ max: 10 }))
    expect(await attempt(h, 20)).toBe('OUT_OF_RANGE')
    const [definition] = [h.define(device({ max: 20 }))]
    const [group] = definition.setup.groups
    const point = group!.points[0]!
    const sensor = { ...point.sensor, number: 0, id: 'a.s0' }
    const setup = { ...definition.setup, groups: [{ ...group!, points: [{ ...point, sensor }] }] }
    await h.acquisition.applyDevices([{ ...definition, setup }])
    expect(await attempt(h, 20)).toBe(20)
    expect(h.driver.of('a').opened).toBe(1)
  })
})

describe('the rate of writes to a sensor', () => {
  it('is 60 a minute unless configured, of which 6 may come at once', async () => {
    const h = await running(device())
    const all = Array.from({ length: 9 }, (_, value) =>
      h.acquisition.write(0, value, ANNA, NEVER).catch((error: unknown) => error),
    )
    await h.clock.advance(200)
    const outcomes = await Promise.all(all)
    expect(outcomes.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
    expect(outcomes[6]).toMatchObject({ code: 'RATE_LIMITED', retryable: true, context: { retryAfterMs: 1000 } })
    let written = 6
    for (let second = 0; second < 120; second++) {
      for (let turn = 0; turn < 4; turn++) if (typeof (await attempt(h, second)) === 'number') written += 1
      await h.clock.advance(880)
    }
    expect(written).toBe(6 + 119) // the first of the refill is there after a whole second
  })

  it('tells how long to wait, and one that waited so long goes', async () => {
    const h = await running(device({ perMinute: 0.5 }))
    expect(await attempt(h, 1)).toBe(1)
    const refusal: unknown = await h.acquisition.write(0, 2, ANNA, NEVER).catch((error: unknown) => error)
    const { retryAfterMs } = (refusal as { context: { retryAfterMs: number } }).context
    expect(retryAfterMs).toBe(120_000 - 30)
    await h.clock.advance(retryAfterMs - 1)
    expect(await attempt(h, 2)).toBe('RATE_LIMITED')
    expect(await attempt(h, 2)).toBe(2)
  })

  it('is each sensor’s own', async () => {
    const spec = device({ perMinute: 1 }, { groups: [{ intervalMs: 1000, sensors: 2 }] })
    const h = await running(spec)
    expect(await attempt(h, 1)).toBe(1)
    const other = h.acquisition.write(1, 1, ANNA, NEVER)
    await h.clock.advance(30)
    expect(await other).toBe(1)
  })

  it('fills the journal with one event for all refusals in a row, and counts the others', async () => {
    const h = await running(device({ perMinute: 1 }))
    await attempt(h, 1)
    for (let turn = 0; turn < 500; turn++) await attempt(h, 2)
    await h.clock.advance(60_000)
    await attempt(h, 3)
    expect(
      h.events.map(({ type, data }) => [type, data?.['requested'], data?.['code'], data?.['refusedBefore']]),
    ).toEqual([
      ['sensor-written', 1, undefined, undefined],
      ['sensor-write-refused', 2, 'RATE_LIMITED', undefined],
      ['sensor-written', 3, undefined, 499],
    ])
  })
})

describe('a stale command', () => {
  const busy: DeviceSpec = {
    id: 'b',
    groups: [{ intervalMs: 1000, sensors: 1 }],
    script: { bus: 'x', answerMs: 3000 },
  }

  it('is not sent once it has waited longer than its sensor allows', async () => {
    const h = await running(device({ validMs: 1000 }, { script: { bus: 'x' } }), busy)
    await untilBusy(h)
    const work = h.acquisition.write(0, 1, ANNA, NEVER).catch((error: { code: string }) => error.code)
    await h.clock.advance(1000)
    expect(await work).toBe('EXPIRED')
    await h.clock.advance(20_000)
    expect(h.driver.of('a').written).toEqual([])
    expect(h.events.map(({ type, data }) => [type, data?.['code']])).toEqual([['sensor-write-refused', 'EXPIRED']])
    expect(h.status('a').errors['expired']).toBeUndefined()
  })

  it('goes when its turn comes in time', async () => {
    const h = await running(device({ validMs: 4000 }, { script: { bus: 'x' } }), busy)
    await untilBusy(h)
    const work = h.acquisition.write(0, 1, ANNA, NEVER)
    await h.clock.advance(4000)
    expect(await work).toBe(1)
  })

  it('is wanted no longer than who commands it says', async () => {
    const h = await running(device({}, { script: { bus: 'x' } }), busy)
    const over = { ...ANNA, expiresAt: h.clock.now() }
    expect(await attempt(h, 1, over)).toBe('EXPIRED')
    await untilBusy(h)
    const soon = { ...ANNA, expiresAt: h.clock.now() + 500 }
    const work = h.acquisition.write(0, 1, soon, NEVER).catch((error: { code: string }) => error.code)
    await h.clock.advance(500)
    expect(await work).toBe('EXPIRED')
    await h.clock.advance(20_000)
    expect(h.driver.of('a').written).toEqual([])
  })

  /** Goes on until a poll of the other device has just begun. */
  async function untilBusy(h: Harness): Promise<void> {
    const before = h.polls('b').length
    while (h.polls('b').length === before) await h.clock.advance(10)
  }
})

describe('the event of a write', () => {
  it('tells who, from where, what it was before, what was asked for and what was read back', async () => {
    const h = await running(device())
    const before = h.latest.get(0)!.value
    await attempt(h, 21.5)
    expect(h.events).toEqual([
      {
        kind: 'event',
        type: 'sensor-written',
        severity: 'info',
        time: h.clock.now() - 10,
        message: `a.s0 was set from ${String(before)} to 21.5 by anna (api 192.0.2.7)`,
        source: 'a',
        data: {
          sensor: 'a.s0',
          by: 'anna',
          from: 'api 192.0.2.7',
          outcome: 'written',
          before,
          requested: 21.5,
          readBack: 21.5,
          tookMs: 20,
        },
      },
    ])
  })

  it.each([
    ['a sensor that is not writable', device({}, {}, { writable: false }), 1, 'refused', 'NOT_WRITABLE'],
    ['a value outside of the limits', device({ max: 0 }), 1, 'refused', 'OUT_OF_RANGE'],
    ['a value of another type', device(), 'text', 'refused', 'OUT_OF_RANGE'],
    ['a device without a connection', device({}, { script: { connect: 'refuse' } }), 1, 'refused', 'CONNECTION_LOST'],
    ['a device that never answers', device({}, { script: { write: 'silent' } }), 1, 'failed', 'TIMEOUT'],
    ['a connection that breaks', device({}, { script: { write: 'lost' } }), 1, 'failed', 'CONNECTION_LOST'],
    ['a read-back that makes no sense', device({}, { script: { write: 'wrong-type' } }), 1, 'failed', 'PROTOCOL'],
  ] as const)('tells of %s', async (_what, spec, value, outcome, code) => {
    const h = await running(spec)
    const work = h.acquisition.write(0, value, ANNA, NEVER).catch((error: { code: string }) => error.code)
    await h.clock.advance(6000)
    expect(await work).toBe(code)
    expect(h.events).toHaveLength(1)
    expect(h.events[0]).toMatchObject({
      type: `sensor-write-${outcome}`,
      severity: 'warning',
      data: { by: 'anna', outcome, code, requested: value, readBack: null },
    })
  })

  it('keeps 64-bit integers exact and long texts short', async () => {
    const integer = await running(device({}, { script: { valueType: 'uint64' } }, { valueType: 'uint64' }))
    await attempt(integer, 2n ** 64n - 1n)
    expect(integer.events[0]!.data).toMatchObject({
      requested: '18446744073709551615',
      readBack: '18446744073709551615',
    })
    const text = await running(device({}, { script: { valueType: 'string' } }, { valueType: 'string' }))
    await attempt(text, 'x'.repeat(4000))
    expect(JSON.stringify(text.events[0]).length).toBeLessThan(2000)
  })
})
