import { describe, expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import { Harness, type DeviceSpec } from './harness.ts'
import type { Script } from './scripted-driver.ts'

const GROUPS = [{ intervalMs: 1000, sensors: 3 }]

/** The misbehaving device `a`, and `b` on a wire of its own and `c` on the wire of `a`, both well-behaved. */
async function beside(script: Partial<Script>, forMs = 120_000): Promise<Harness> {
  const devices: DeviceSpec[] = [
    { id: 'a', groups: GROUPS, script: { bus: 'shared', ...script } },
    { id: 'b', groups: GROUPS },
    { id: 'c', groups: GROUPS, script: { bus: 'shared' } },
  ]
  const h = new Harness({ devices })
  h.driver.foreignSensor = h.sensorsOf('b')[0]!
  await h.start()
  await h.clock.advance(forMs - 1)
  expect(h.driver.violations).toEqual([])
  expect(h.status('b')).toMatchObject({ state: 'up', polls: forMs / 1000, badSensors: 0, errors: {} })
  return h
}

describe('a driver that', () => {
  for (const connect of ['throw-sync', 'reject-odd', 'lost-inside', 'late-ok', 'hang', 'ignore-abort'] as const) {
    it(`does "${connect}" in connect harms nobody and recovers`, async () => {
      const h = await beside({ connect })
      expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3, polls: 0 })
      expect(h.status('c')).toMatchObject({ state: 'up', polls: 120, badSensors: 0 })
      for (const sensor of h.sensorsOf('a')) expect(h.badStatuses(sensor).length).toBe(1)
      h.script('a').connect = 'ok'
      await h.clock.advance(90_000)
      expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0 })
    })
  }

  for (const poll of ['throw-sync', 'reject-odd', 'lost-inside'] as const) {
    it(`does "${poll}" in a poll harms nobody and recovers`, async () => {
      const h = await beside({ poll })
      expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3 })
      expect(h.status('c')).toMatchObject({ state: 'up', polls: 120, badSensors: 0 })
      h.script('a').poll = 'answer'
      await h.clock.advance(90_000)
      expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0 })
    })
  }

  for (const poll of ['hang', 'ignore-abort'] as const) {
    it(`does "${poll}" in a poll is stopped by the deadline`, async () => {
      const h = await beside({ poll })
      expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3 })
      h.script('a').poll = 'answer'
      await h.clock.advance(120_000)
      expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0 })
      expect(h.status('c').state).toBe('up')
      expect(h.driver.of('a').opened).toBe(poll === 'hang' ? 1 : 1 + h.status('a').errors['driver-hung']!)
    })
  }

  for (const close of ['hang', 'throw-sync', 'reject'] as const) {
    it(`does "${close}" in close connects again all the same`, async () => {
      const h = await beside({ close })
      h.driver.of('a').device!.context.lost(new Error('gone'))
      await h.clock.advance(20_000)
      expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, reconnects: 1 })
      await h.stop()
    })
  }

  it('cannot be opened is down with its reason, and tried again', async () => {
    const h = await beside({ openThrows: true })
    expect(h.status('a')).toMatchObject({ state: 'down', reason: 'open threw', bus: '', badSensors: 3 })
    h.script('a').openThrows = false
    await h.clock.advance(60_000)
    expect(h.status('a')).toMatchObject({ state: 'up', bus: 'shared', badSensors: 0 })
  })

  it('forgets a point gives BadInternalError there, and it is counted', async () => {
    const h = await beside({ poll: 'forget' })
    const [first, second] = h.sensorsOf('a')
    expect(h.latest.get(first!)).toMatchObject({ status: 'BadInternalError', value: null })
    expect(h.latest.get(second!)).toMatchObject({ quality: 'good' })
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 1, errors: { 'missing-result': 120 } })
  })

  it('gives two results for a point has the second dropped and counted', async () => {
    const h = await beside({ poll: 'twice' })
    expect(h.readings(h.sensorsOf('a')[0]!).length).toBe(120)
    expect(h.status('a').errors).toEqual({ 'duplicate-result': 360 })
  })

  it('gives results for sensors that are not its own has them dropped and counted', async () => {
    const h = await beside({ poll: 'foreign' })
    expect(h.readings(999_999)).toEqual([])
    expect(h.readings(h.sensorsOf('b')[0]!).length).toBe(120)
    expect(h.status('a').errors).toEqual({ 'foreign-result': 240 })
  })

  it('gives results after its poll has ended has them dropped and counted', async () => {
    const h = await beside({})
    const before = h.passed.length
    h.driver.of('a').sinks[5]!.number(h.sensorsOf('a')[0]!, 1, 0, Number.NaN)
    h.driver.of('a').sinks[5]!.bad(h.sensorsOf('a')[0]!, 0x8000_0000, Number.NaN)
    expect(h.passed.length).toBe(before)
    expect(h.status('a').errors).toEqual({ 'late-result': 2 })
  })

  it('refuses points gives them bad quality and stays up', async () => {
    const h = await beside({ poll: 'refuse-points' })
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 3, errors: {}, lastReadingAt: null })
  })

  it('refuses points and then fails is down, and tells each sensor of the failure once', async () => {
    const h = await beside({ poll: 'refuse-then-fail' })
    expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3 })
    expect(h.badStatuses(h.sensorsOf('a')[0]!).filter((status) => status === 'BadDeviceFailure').length).toBe(1)
    expect(h.badStatuses(h.sensorsOf('a')[1]!)).toEqual(['BadDeviceFailure'])
  })

  it('calls lost with what broke its poll has both counted, once', async () => {
    const h = new Harness({ devices: [{ id: 'a', groups: GROUPS }] })
    await h.start()
    await h.clock.advance(5001)
    h.driver.of('a').device!.context.lost(new TelemetryError('TIMEOUT', 'No answer'))
    expect(h.status('a')).toMatchObject({
      state: 'down',
      polls: 6,
      requests: 6,
      errors: { timeout: 1, 'connection-lost': 1 },
    })
    expect(h.badStatuses(0)).toEqual(['BadTimeout'])
    await h.clock.advance(5500)
    h.driver.of('a').device!.context.lost(new TelemetryError('TIMEOUT', 'No answer'))
    expect(h.status('a').errors).toEqual({ timeout: 1, 'connection-lost': 2 })
  })

  for (const turns of Array.from({ length: 12 }, (_, n) => n)) {
    it(`calls lost ${turns} turns after an answer has bad sensors and no credit on its bus`, async () => {
      const devices = ['a', 'b'].map((id): DeviceSpec => ({ id, groups: GROUPS, script: { bus: 'x', turns } }))
      const h = new Harness({ devices })
      await h.start()
      await h.clock.advance(5800)
      h.script('a').poll = 'lost-after'
      h.script('a').connect = 'refuse'
      h.script('b').poll = 'silent'
      await h.clock.advance(20_000)
      expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3 })
      // Nobody on the wire answers: b must be reconnected, and not trust that a still does.
      expect(h.count('b', 'close')).toBeGreaterThan(0)
      expect(h.driver.violations).toEqual([])
    })
  }

  it('holds on to a poll after the connection was lost is not called again before it lets go or is given up', async () => {
    const h = new Harness({ devices: [{ id: 'a', groups: GROUPS }] })
    await h.start()
    await h.clock.advance(4500)
    h.script('a').poll = 'ignore-abort'
    await h.clock.advance(1000)
    h.script('a').poll = 'answer'
    h.driver.of('a').device!.context.lost(new Error('gone'))
    await h.clock.advance(5000)
    expect(h.driver.violations).toEqual([])
    expect(h.driver.of('a').opened).toBe(2)
    expect(h.status('a')).toMatchObject({ state: 'up', errors: { 'connection-lost': 1, 'driver-hung': 1 } })
  })

  it('calls lost from a device object that was given up is not heard', async () => {
    const h = await beside({ poll: 'ignore-abort' }, 40_000)
    const old = h.driver.of('a').device!
    h.script('a').poll = 'answer'
    await h.clock.advance(120_000)
    expect(h.status('a').state).toBe('up')
    expect(h.driver.of('a').device).not.toBe(old)
    old.context.lost(new Error('very late'))
    old.context.countError('late-answer')
    expect(h.status('a')).toMatchObject({ state: 'up' })
    expect(h.status('a').errors['late-answer']).toBeUndefined()
  })

  it('invents kinds of errors without end fills no memory', async () => {
    const h = await beside({}, 2000)
    for (let n = 0; n < 1000; n++) h.driver.of('a').device!.context.countError(`kind-${n}`)
    const { errors } = h.status('a')
    expect(Object.keys(errors).length).toBe(65)
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(1000)
  })
})
