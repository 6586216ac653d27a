import { describe, expect, it } from 'vitest'
import { Harness } from './harness.ts'

const GROUPS = [{ intervalMs: 1000, sensors: 2 }]

describe('the status of a device', () => {
  it('tells what it is and what was counted', async () => {
    const h = new Harness({
      devices: [{ id: 'a', groups: [...GROUPS, { intervalMs: 5000, sensors: 1 }], script: { answerMs: 20 } }],
    })
    await h.start()
    await h.clock.advance(9999)
    h.driver.of('a').device!.context.countError('crc')
    expect(h.acquisition.list()).toEqual([h.acquisition.get('a')])
    expect(h.acquisition.get('a')).toMatchObject({
      id: 'a',
      driver: 'scripted',
      machine: 'Machine of a',
      bus: 'tcp://a',
      state: 'up',
      reason: null,
      sensors: 3,
      badSensors: 0,
      polls: 12,
      skippedPolls: 0,
      requests: 12,
      reconnects: 0,
      errors: { crc: 1 },
      lastReadingAt: h.clock.now() - 979,
    })
    expect(h.status('a').pollMs).toMatchObject({ max: 20 })
    expect(h.acquisition.get('b')).toBeUndefined()
  })

  it('counts the request that got no answer', async () => {
    const h = new Harness({ devices: [{ id: 'a', groups: GROUPS, script: { poll: 'silent' } }] })
    await h.start()
    await h.clock.advance(1600)
    expect(h.status('a')).toMatchObject({ polls: 2, requests: 2, errors: { timeout: 2 } })
  })

  it('is in Prometheus', async () => {
    const h = new Harness({
      devices: [
        { id: 'a', groups: GROUPS },
        { id: 'b', groups: GROUPS, script: { connect: 'refuse' } },
      ],
    })
    await h.start()
    await h.clock.advance(9999)
    const text = await h.registry.metrics()
    expect(text).toContain('telemetryx_device_up{device="a"} 1')
    expect(text).toContain('telemetryx_device_up{device="b"} 0')
    expect(text).toContain('telemetryx_poll_duration_seconds_count{device="a"} 10')
    expect(text).toContain('telemetryx_poll_duration_seconds_bucket{le="0.01",device="a"} 10')
    expect(text).toContain('telemetryx_poll_lag_seconds_count{device="a"} 9') // the first was a first try, not late
  })
})
