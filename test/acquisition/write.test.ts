import { describe, expect, it } from 'vitest'
import { DEFAULT_WRITE_LIMITS } from '#domain/sensor.ts'
import { Harness, type DeviceSpec } from './harness.ts'

const GROUPS = [{ intervalMs: 1000, sensors: 2 }]
const ORIGIN = { by: 'anna', from: 'test' }
const NEVER = new AbortController().signal

function writable(overrides: Partial<DeviceSpec> = {}): DeviceSpec {
  return { id: 'a', groups: GROUPS, sensor: { writable: true }, ...overrides }
}

async function running(...devices: DeviceSpec[]): Promise<Harness> {
  const h = new Harness({ devices })
  await h.start()
  await h.clock.advance(5500)
  return h
}

/** Waits for a promise while simulated time goes on. */
async function during<T>(h: Harness, work: Promise<T>, ms = 10_000): Promise<T> {
  const settled = work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  await h.clock.advance(ms)
  const result = await settled
  if ('error' in result) throw result.error
  return result.value
}

describe('a write', () => {
  it('undoes the scale, returns the scaled read-back and passes it on as a reading', async () => {
    const h = await running(writable({ sensor: { writable: true, scale: { factor: 0.1, offset: -40 } } }))
    const work = h.acquisition.write(0, 21.4, ORIGIN, NEVER)
    expect(await during(h, work, 20)).toBeCloseTo(21.4, 10)
    expect(h.driver.of('a').written).toEqual([{ sensor: 0, value: 614 }])
    expect(h.latest.get(0)).toMatchObject({ at: 5520, value: 614, status: 'Good' })
  })

  it('keeps every bit of a 64-bit integer', async () => {
    const h = await running(
      writable({ script: { valueType: 'uint64' }, sensor: { writable: true, valueType: 'uint64' } }),
    )
    const value = 2n ** 64n - 1n
    expect(await during(h, h.acquisition.write(0, value, ORIGIN, NEVER), 20)).toBe(value)
    expect(h.latest.get(0)!.value).toBe(value)
  })

  it('goes ahead of the polls that wait, in order, and never beside one', async () => {
    const units = ['b', 'c', 'd', 'e'].map((id): DeviceSpec => ({
      id,
      groups: GROUPS,
      script: { bus: 'x', answerMs: 200 },
    }))
    const h = await running(writable({ script: { bus: 'x', answerMs: 200 } }), ...units)
    await h.clock.advance(550)
    const begun = h.clock.monotonic()
    await during(h, Promise.all([1, 2, 3].map((value) => h.acquisition.write(0, value, ORIGIN, NEVER))), 5000)
    expect(h.driver.of('a').written.map(({ value }) => value)).toEqual([1, 2, 3])
    const writes = h.driver.of('a').calls.filter(({ kind }) => kind === 'write')
    expect(writes[0]!.at - begun).toBeLessThanOrEqual(200)
    expect(writes[2]!.endedAt! - writes[0]!.at).toBe(60)
    expect(h.driver.violations).toEqual([])
  })

  it('is refused where it cannot be', async () => {
    const h = await running(
      writable(),
      { id: 'b', groups: GROUPS },
      writable({ id: 'c', script: { canWrite: false } }),
      writable({ id: 'd', script: { connect: 'refuse' } }),
    )
    const codeOf = (sensor: number, value: number | string): Promise<unknown> =>
      during(h, h.acquisition.write(sensor, value, ORIGIN, NEVER), 0).then(
        () => 'written',
        (error: { code: string }) => error.code,
      )
    expect(await codeOf(999, 1)).toBe('NOT_FOUND')
    expect(await codeOf(h.sensorsOf('b')[0]!, 1)).toBe('NOT_WRITABLE')
    expect(await codeOf(h.sensorsOf('c')[0]!, 1)).toBe('NOT_WRITABLE')
    expect(await codeOf(h.sensorsOf('d')[0]!, 1)).toBe('CONNECTION_LOST')
    expect(await codeOf(0, 'text')).toBe('OUT_OF_RANGE')
    expect(h.driver.of('a').written).toEqual([])
    expect(h.status('a').errors).toEqual({})
  })

  it('that the device does not answer is TIMEOUT after 5 s, and polling goes on', async () => {
    const h = await running(writable({ script: { write: 'silent' } }))
    const work = h.acquisition.write(0, 1, ORIGIN, NEVER)
    const failed = expect(work).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
    await h.clock.advance(5000)
    await failed
    await h.clock.advance(2000)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, errors: { timeout: 1 } })
    expect(h.driver.violations).toEqual([])
  })

  it('that still waits for the bus after 5 s is never sent', async () => {
    const h = await running(writable({ script: { bus: 'x' } }), {
      id: 'b',
      groups: GROUPS,
      script: { bus: 'x', poll: 'hang' },
    })
    const work = h.acquisition.write(0, 1, ORIGIN, NEVER)
    await expect(during(h, work)).rejects.toMatchObject({ code: 'EXPIRED', retryable: true })
    await h.clock.advance(120_000)
    expect(h.driver.of('a').written).toEqual([])
    expect(h.status('a').errors['expired']).toBeUndefined()
  })

  it('stops when its caller does', async () => {
    const h = await running(writable({ script: { write: 'silent' } }))
    const controller = new AbortController()
    const work = h.acquisition.write(0, 1, ORIGIN, controller.signal)
    const failed = expect(work).rejects.toMatchObject({ code: 'ABORTED' })
    await h.clock.advance(100)
    controller.abort()
    await failed
    await expect(h.acquisition.write(0, 1, ORIGIN, controller.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(h.status('a').errors).toEqual({})
  })

  it('under way when the connection is lost fails with it', async () => {
    const h = await running(writable({ script: { writeMs: 1000 } }))
    const work = h.acquisition.write(0, 1, ORIGIN, NEVER)
    const failed = expect(work).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await h.clock.advance(100)
    h.driver.of('a').device!.context.lost(new Error('gone'))
    await failed
    expect(h.latest.get(0)!.quality).toBe('bad')
    await h.clock.advance(5000)
    expect(h.status('a')).toMatchObject({ state: 'up', errors: { 'connection-lost': 1 } })
    expect(h.driver.violations).toEqual([])
  })

  for (const turns of Array.from({ length: 12 }, (_, n) => n)) {
    it(`whose connection is lost ${turns} turns after its answer leaves the sensor bad`, async () => {
      const h = await running(writable({ script: { write: 'lost-after', turns, connect: 'ok' } }))
      h.script('a').connect = 'refuse'
      const work = h.acquisition.write(0, 1, ORIGIN, NEVER)
      await during(
        h,
        work.catch(() => null),
      )
      expect(h.badStatuses(0)).toEqual(['BadCommunicationError']) // once: nothing good came after it
      expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 2 })
    })
  }

  it('that meets a broken connection makes the device reconnect', async () => {
    const h = await running(writable({ script: { write: 'lost' } }))
    await expect(during(h, h.acquisition.write(0, 1, ORIGIN, NEVER))).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(h.status('a')).toMatchObject({ state: 'up', reconnects: 1 })
  })

  it('in which the driver hangs costs the driver its device object, nothing else', async () => {
    const h = await running(writable({ script: { write: 'ignore-abort' } }))
    await expect(during(h, h.acquisition.write(0, 1, ORIGIN, NEVER), 20_000)).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(h.driver.of('a').opened).toBe(2)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, errors: { 'driver-hung': 1, timeout: 1 } })
  })

  it('whose read-back is of another type is PROTOCOL and gives no reading', async () => {
    const h = await running(writable({ script: { write: 'wrong-type' } }))
    const before = h.passed.length
    await expect(during(h, h.acquisition.write(0, 1, ORIGIN, NEVER), 30)).rejects.toMatchObject({ code: 'PROTOCOL' })
    expect(h.passed.length).toBe(before)
  })

  it('finds BUFFER_FULL when 64 wait already', async () => {
    const writeLimits = { ...DEFAULT_WRITE_LIMITS, perMinute: 6000 }
    const h = await running(writable({ sensor: { writable: true, writeLimits } }))
    const all = Array.from({ length: 70 }, (_, value) => h.acquisition.write(0, value, ORIGIN, NEVER))
    const settled = Promise.allSettled(all)
    await h.clock.advance(10_000)
    const results = await settled
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 5 }, () => 'BUFFER_FULL'))
    expect(h.driver.of('a').written.length).toBe(65)
  })

  it('works while the buffer is full', async () => {
    const h = await running(writable())
    h.hasRoom = false
    await h.clock.advance(2000)
    expect(await during(h, h.acquisition.write(0, 7, ORIGIN, NEVER), 30)).toBe(7)
  })
})
