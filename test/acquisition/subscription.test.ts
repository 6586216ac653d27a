import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { Harness } from './harness.ts'
import type { Script } from './scripted-driver.ts'

async function sending(script: Partial<Script> = {}): Promise<Harness> {
  const h = new Harness({ devices: [{ id: 'a', groups: [{ intervalMs: null, sensors: 2 }], script }] })
  await h.start()
  await h.clock.advance(1000)
  return h
}

describe('a source that sends by itself', () => {
  it('is up when it has subscribed, and its readings pass at any time', async () => {
    const h = await sending()
    expect(h.status('a')).toMatchObject({ state: 'up', lastReadingAt: null })
    const sink = h.driver.of('a').device!.subscription!
    sink.number(0, 21.5, Status.Good, 1234)
    sink.text(1, 'on', Status.Good, NO_TIME)
    sink.number(0, 22, Status.Good, 1235)
    expect(h.passed.map(({ sensor, value }) => [sensor, value])).toEqual([
      [0, 21.5],
      [1, 'on'],
      [0, 22],
    ])
    expect(h.status('a').lastReadingAt).toBe(h.clock.now())
    expect(h.polls('a')).toEqual([])
  })

  it('is bad when the connection is lost, subscribes anew, and is good with the next reading', async () => {
    const h = await sending()
    const old = h.driver.of('a').device!.subscription!
    old.number(0, 1, Status.Good, NO_TIME)
    h.driver.of('a').device!.context.lost(undefined)
    expect(h.status('a')).toMatchObject({ state: 'down', badSensors: 2 })
    old.number(0, 2, Status.Good, NO_TIME)
    expect(h.latest.get(0)!.quality).toBe('bad')
    await h.clock.advance(2000)
    expect(h.status('a')).toMatchObject({ state: 'up', badSensors: 2, reconnects: 1, errors: { 'late-result': 1 } })
    h.driver.of('a').device!.subscription!.number(0, 3, Status.Good, NO_TIME)
    expect(h.status('a').badSensors).toBe(1)
    expect(h.count('a', 'subscribe')).toBe(2)
  })

  it('that refuses the subscription is down, with the reason, and tried again', async () => {
    const h = await sending({ subscribe: 'refuse' })
    expect(h.status('a')).toMatchObject({ state: 'down', reason: 'Not allowed', badSensors: 2 })
    expect(h.badStatuses(0)).toEqual(['BadUserAccessDenied'])
    h.script('a').subscribe = 'ok'
    await h.clock.advance(10_000)
    expect(h.status('a').state).toBe('up')
  })

  it('whose driver knows no subscriptions is down, and nothing breaks', async () => {
    const h = await sending({ subscribe: 'missing' })
    expect(h.status('a')).toMatchObject({ state: 'down', reason: 'The driver has no subscriptions', badSensors: 2 })
  })

  it('may be polled as well', async () => {
    const h = new Harness({
      devices: [
        {
          id: 'a',
          groups: [
            { intervalMs: null, sensors: 1 },
            { intervalMs: 1000, sensors: 1 },
          ],
        },
      ],
    })
    await h.start()
    await h.clock.advance(9999)
    h.driver.of('a').device!.subscription!.number(0, 1, Status.Good, NO_TIME)
    h.driver.of('a').device!.subscription!.number(1, 1, Status.Good, NO_TIME)
    expect(h.status('a').errors).toEqual({ 'foreign-result': 1 })
    expect(h.readings(0).length).toBe(1)
    expect(h.readings(1).length).toBe(10)
  })
})
