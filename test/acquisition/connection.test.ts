import { describe, expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import { Harness, type DeviceSpec } from './harness.ts'
import type { Script } from './scripted-driver.ts'

const one = (script: Partial<Script> = {}, id = 'a'): DeviceSpec => ({
  id,
  groups: [{ intervalMs: 1000, sensors: 3 }],
  script,
})

describe('a device', () => {
  it('that is absent at the start shows one bad reading for each sensor, and the start does not wait for it', async () => {
    const h = new Harness({ devices: [one({ connect: 'refuse' }), one({}, 'b')] })
    await h.start()
    await h.clock.advance(100_000)
    expect(h.sensorsOf('a').map((sensor) => h.readings(sensor).map(({ status }) => status))).toEqual([
      ['BadNotConnected'],
      ['BadNotConnected'],
      ['BadNotConnected'],
    ])
    expect(h.status('a')).toMatchObject({
      state: 'down',
      reason: 'Connection refused',
      badSensors: 3,
      polls: 0,
      pollMs: null,
    })
    expect(h.status('a').errors['connection-failed']).toBe(h.count('a', 'connect'))
    expect(h.polls('b').length).toBe(100)
  })

  it('that does not answer a connect is down after the deadline', async () => {
    const h = new Harness({ devices: [one({ connect: 'hang' })] })
    await h.start()
    await h.clock.advance(14_000)
    expect(h.status('a').state).toBe('connecting')
    await h.clock.advance(2_000)
    expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 3, errors: { timeout: 1 } })
    expect(h.badStatuses(0)).toEqual(['BadTimeout'])
  })

  it('is tried again for ever, with growing and jittered delays', async () => {
    let n = 0
    const h = new Harness({ devices: [one({ connect: 'refuse' })], random: () => (n++ % 10) / 10 })
    await h.start()
    await h.clock.advance(86_400_000)
    const tries = h.driver.of('a').calls.filter(({ kind }) => kind === 'connect')
    const delays = tries.slice(1).map((call, i) => call.at - tries[i]!.at)
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000)
    expect(Math.max(...delays)).toBeGreaterThan(25_000)
    expect(delays[0]).toBeLessThanOrEqual(1000)
    expect(new Set(delays.slice(10, 20).map(Math.round)).size).toBe(10)
    expect(86_400_000 - tries.at(-1)!.at).toBeLessThan(31_000)
  })

  it('that comes back is good again within its next poll', async () => {
    const h = new Harness({ devices: [one({ connect: 'refuse' })] })
    await h.start()
    await h.clock.advance(300_000)
    h.script('a').connect = 'ok'
    const before = h.count('a', 'connect')
    while (h.count('a', 'connect') === before) await h.clock.advance(100)
    await h.clock.advance(1000)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, reason: null })
  })

  it('that loses its connection is bad at once, and good again after the reconnect', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    await h.clock.advance(10_500)
    h.driver.of('a').device!.context.lost(new Error('ECONNRESET'))
    expect(h.status('a')).toMatchObject({ state: 'down', reason: 'The connection was lost: ECONNRESET', badSensors: 3 })
    h.driver.of('a').device!.context.lost(new Error('again'))
    await h.clock.advance(3000)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, reconnects: 1, errors: { 'connection-lost': 1 } })
    expect(h.badStatuses(0)).toEqual(['BadCommunicationError'])
    expect(
      h.driver
        .of('a')
        .calls.map(({ kind }) => kind)
        .filter((kind) => kind !== 'poll'),
    ).toEqual(['connect', 'close', 'connect'])
  })

  it('whose poll meets a broken connection reconnects', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    await h.clock.advance(5500)
    h.script('a').poll = 'lost'
    await h.clock.advance(600)
    h.script('a').poll = 'answer'
    await h.clock.advance(3000)
    expect(h.status('a')).toMatchObject({ state: 'up', reconnects: 1, errors: { 'connection-lost': 1 } })
  })

  it('that goes silent gives one bad reading to each sensor, not one at each failed poll', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    await h.clock.advance(5500)
    h.script('a').poll = 'silent'
    await h.clock.advance(600_000)
    for (const sensor of h.sensorsOf('a')) expect(h.badStatuses(sensor)).toEqual(['BadTimeout'])
    expect(h.status('a')).toMatchObject({ state: 'down', reason: 'No answer' })
    expect(h.polls('a').length).toBeGreaterThan(20)
    h.script('a').poll = 'answer'
    await h.clock.advance(40_000)
    expect(h.status('a').state).toBe('up')
    h.script('a').poll = 'garbage'
    await h.clock.advance(10_000)
    for (const sensor of h.sensorsOf('a')) expect(h.badStatuses(sensor)).toEqual(['BadTimeout', 'BadDecodingError'])
  })

  it('that answers with refusals and then fails tells of the new failure', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    for (const poll of ['answer', 'silent', 'refuse-points', 'garbage'] as const) {
      h.script('a').poll = poll
      await h.clock.advance(40_000)
    }
    const told = h.badStatuses(0).filter((status, n, all) => status !== all[n - 1])
    expect(told).toEqual(['BadTimeout', 'BadOutOfRange', 'BadDecodingError'])
    expect(h.badStatuses(0).filter((status) => status === 'BadDecodingError').length).toBe(1)
  })

  it('stays up over a single failed poll, but shows it', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    await h.clock.advance(5500)
    h.script('a').poll = 'silent'
    await h.clock.advance(1200)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 3, errors: { timeout: 1 } })
    h.script('a').poll = 'answer'
    await h.clock.advance(1000)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 0, reconnects: 0 })
  })

  it('that has its wire for itself is reconnected when it is silent: a half-open connection must not last', async () => {
    const h = new Harness({ devices: [one()] })
    await h.start()
    await h.clock.advance(5500)
    h.script('a').poll = 'silent'
    await h.clock.advance(4000)
    expect(h.count('a', 'close')).toBe(1)
    await h.clock.advance(20_000)
    expect(h.count('a', 'connect')).toBeGreaterThan(2)
  })

  it('that answers a part keeps what it answered and is no candidate for the breaker', async () => {
    const h = new Harness({ devices: [one({ poll: 'half' })] })
    await h.start()
    await h.clock.advance(19_999)
    expect(h.status('a')).toMatchObject({ state: 'up', polls: 20, badSensors: 2 })
    expect(h.readings(0).every(({ quality }) => quality === 'good')).toBe(true)
    expect(h.badStatuses(1)).toEqual(['BadTimeout'])
  })

  it('that flaps is not retried each second', async () => {
    const h = new Harness({ devices: [one()] })
    h.onReading = ({ quality }) => void (h.script('a').poll = quality === 'good' ? 'lost' : 'answer')
    await h.start()
    await h.clock.advance(3_600_000)
    expect(h.readings(0).filter(({ quality }) => quality === 'good').length).toBeGreaterThan(100)
    expect(h.count('a', 'connect')).toBeLessThan(400)
  })

  it('is connecting until there is a verdict, then up, and keeps the time of the change', async () => {
    const h = new Harness({ devices: [one({ connectMs: 3000 })] })
    const begun = h.clock.now()
    await h.start()
    await h.clock.advance(1000)
    expect(h.status('a')).toMatchObject({ state: 'connecting', since: begun, lastReadingAt: null })
    await h.clock.advance(2500)
    expect(h.status('a')).toMatchObject({ state: 'up', since: begun + 3010, lastReadingAt: begun + 3010 })
  })
})

describe('restart', () => {
  it('closes and connects anew without a bad reading', async () => {
    const h = new Harness({ devices: [one(), one({}, 'b')] })
    await h.start()
    await h.clock.advance(5500)
    await h.acquisition.restart('a')
    await h.clock.advance(2000)
    expect(h.status('a')).toMatchObject({ state: 'up', reconnects: 1, errors: {} })
    expect(h.badStatuses(0)).toEqual([])
    expect(h.count('b', 'close')).toBe(0)
  })

  it('ends the wait of a backoff', async () => {
    const h = new Harness({ devices: [one({ connect: 'refuse' })] })
    await h.start()
    await h.clock.advance(300_000)
    h.script('a').connect = 'ok'
    await h.acquisition.restart('a')
    await h.clock.advance(1000)
    expect(h.status('a').state).toBe('up')
  })

  it('of an unknown device is NOT_FOUND, of a stopped one CONFLICT', async () => {
    const h = new Harness({ devices: [one()] })
    await expect(h.acquisition.restart('x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await h.start()
    await h.stop()
    await expect(h.acquisition.restart('a')).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('stop', () => {
  it('aborts polls under way, closes every device and leaves no timer', async () => {
    const h = new Harness({
      devices: [one({ poll: 'hang' }), one({ connect: 'hang' }, 'b'), one({ connect: 'refuse' }, 'c'), one({}, 'd')],
    })
    await h.start()
    await h.clock.advance(5500)
    const stopped = h.acquisition.stop(new AbortController().signal)
    await h.clock.advance(0)
    await stopped
    for (const id of ['a', 'b', 'd']) expect(h.count(id, 'close'), id).toBe(1)
    expect(h.acquisition.list().map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
    expect(h.timers).toBe(0)
    const count = h.passed.length
    await h.clock.advance(100_000)
    expect(h.passed.length).toBe(count)
  })

  it('is safe twice, and before a start', async () => {
    const h = new Harness({ devices: [one()] })
    await h.stop()
    await h.stop()
    expect(h.status('a').state).toBe('stopped')
    await expect(h.acquisition.start(new AbortController().signal)).rejects.toBeInstanceOf(TelemetryError)
  })

  it('ends at once when its signal aborts, whatever hangs', async () => {
    const h = new Harness({ devices: [one({ close: 'hang' }), one({ poll: 'ignore-abort' }, 'b')] })
    await h.start()
    await h.clock.advance(5500)
    const controller = new AbortController()
    const stopped = h.acquisition.stop(controller.signal)
    controller.abort()
    await stopped
    expect(h.timers).toBe(0)
    expect(h.status('a').state).toBe('stopped')
  })

  it('waits a limited time for a device that hangs in close', async () => {
    const h = new Harness({ devices: [one({ close: 'hang' })] })
    await h.start()
    await h.clock.advance(5500)
    let isStopped = false
    const stopped = h.acquisition.stop(new AbortController().signal).then(() => (isStopped = true))
    await h.clock.advance(4000)
    expect(isStopped).toBe(false)
    await h.clock.advance(3000)
    await stopped
  })
})
