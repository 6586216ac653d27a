// What people ask of a running device beside its schedule: whether it answers now.

import { describe, expect, it } from 'vitest'
import { Harness, type DeviceSpec } from './harness.ts'

async function running(device: DeviceSpec): Promise<Harness> {
  const h = new Harness({ devices: [device] })
  await h.start()
  await h.clock.advance(5500)
  return h
}

async function outcome(h: Harness, work: Promise<unknown>, ms: number): Promise<string> {
  const settled = work.then(
    () => 'answered',
    (error: { code: string }) => error.code,
  )
  await h.clock.advance(ms)
  return Promise.race([settled, Promise.resolve('waiting')])
}

describe('a device that is asked now', () => {
  it('answers between its polls, which keep their deadlines', async () => {
    const h = await running({ id: 'a', groups: [{ intervalMs: 60_000, sensors: 1 }] })
    const before = h.polls('a').length
    expect(await outcome(h, h.acquisition.probe('a'), 100)).toBe('answered')
    expect(h.polls('a')).toHaveLength(before + 1)
    await h.clock.advance(60_000)
    expect(h.polls('a')).toHaveLength(before + 2)
  })

  it('says why it does not answer, and tries to connect at once when it is down', async () => {
    const h = await running({ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }], script: { connect: 'refuse' } })
    await h.clock.advance(120_000)
    const before = h.count('a', 'connect')
    expect(await outcome(h, h.acquisition.probe('a'), 50)).toBe('CONNECTION_FAILED')
    expect(h.count('a', 'connect')).toBe(before + 1)
    h.script('a').connect = 'ok'
    expect(await outcome(h, h.acquisition.probe('a'), 2000)).toBe('answered')
    expect(h.status('a').state).toBe('up')
  })

  it('is none that there is not, or that has been stopped', async () => {
    const h = await running({ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }] })
    expect(await outcome(h, h.acquisition.probe('b'), 0)).toBe('NOT_FOUND')
    await h.stop()
    expect(await outcome(h, h.acquisition.probe('a'), 0)).toBe('CONFLICT')
  })
})
