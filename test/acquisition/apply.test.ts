import { describe, expect, it } from 'vitest'
import { STARTS_A_TURN, type AcquiredDevice } from '#acquisition/acquisition.ts'
import { Harness } from './harness.ts'

const GROUPS = [{ intervalMs: 1000, sensors: 2 }]

async function running(count: number): Promise<{ h: Harness; devices: AcquiredDevice[] }> {
  const h = new Harness({ devices: [] })
  const devices = Array.from({ length: count }, (_, n) => h.define({ id: `d${n}`, groups: GROUPS }))
  await h.acquisition.applyDevices(devices)
  await h.start()
  await h.clock.advance(5500)
  return { h, devices }
}

/** A copy with the same meaning and no shared object, as a reload makes it. */
function copyOf({ setup, driver, machine }: AcquiredDevice): AcquiredDevice {
  return { setup: structuredClone(setup), driver, machine }
}

describe('applying a changed configuration', () => {
  it('restarts only what changed: 495 of 500 devices keep their pace and their connection', async () => {
    const { h, devices } = await running(500)
    const next = devices.map((device, n) =>
      n % 100 === 0 ? { ...copyOf(device), setup: { ...device.setup, config: { unit: 2 } } } : copyOf(device),
    )
    const applied = h.acquisition.applyDevices(next)
    await h.clock.advance(10_000)
    await applied
    for (let n = 0; n < 500; n++) {
      const isChanged = n % 100 === 0
      expect(h.count(`d${n}`, 'connect'), `d${n}`).toBe(isChanged ? 2 : 1)
      if (isChanged) continue
      const polls = h.polls(`d${n}`)
      expect(polls.every((at, i) => i === 0 || at - polls[i - 1]! === 1000)).toBe(true)
      expect(h.status(`d${n}`)).toMatchObject({ skippedPolls: 0, errors: {} })
      expect(h.status(`d${n}`).lagMs!.max).toBe(0)
    }
    expect(h.driver.violations).toEqual([])
  })

  it('lets others have their turn while it starts many: some devices in each, as counted', async () => {
    const { h } = await running(0)
    const devices = Array.from({ length: 5 * STARTS_A_TURN + 1 }, (_, n) => h.define({ id: `d${n}`, groups: GROUPS }))
    const perTurn: number[] = []
    let known = 0
    let next = setImmediate(function look() {
      const now = h.acquisition.list().length
      if (now > known) perTurn.push(now - known)
      known = now
      next = setImmediate(look)
    })
    await h.acquisition.applyDevices(devices)
    clearImmediate(next)
    perTurn.push(h.acquisition.list().length - known)
    expect(perTurn.reduce((sum, count) => sum + count)).toBe(devices.length)
    // A turn may see two slices when the look comes between them.
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(2 * STARTS_A_TURN)
    await h.stop()
  })

  it('starts no further device once it is stopped', async () => {
    const { h } = await running(0)
    const devices = Array.from({ length: 5 * STARTS_A_TURN }, (_, n) => h.define({ id: `d${n}`, groups: GROUPS }))
    const applied = h.acquisition.applyDevices(devices)
    await new Promise<void>((resolve) => setImmediate(resolve))
    const stopped = h.stop()
    await Promise.all([applied, stopped])
    const { length } = h.acquisition.list()
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThan(devices.length)
    expect(h.acquisition.list().every(({ state }) => state === 'stopped')).toBe(true)
  })

  it('adds and removes devices while the others run', async () => {
    const { h, devices } = await running(3)
    const added = h.define({ id: 'new', groups: GROUPS, script: { bus: 'tcp://d0' } })
    const applied = h.acquisition.applyDevices([devices[0]!, devices[2]!, added])
    await h.clock.advance(5000)
    await applied
    expect(h.acquisition.list().map(({ id }) => id)).toEqual(['d0', 'd2', 'new'])
    expect(h.count('d1', 'close')).toBe(1)
    expect(h.polls('d1').length).toBe(5)
    expect(h.status('new')).toMatchObject({ state: 'up', polls: 5 })
    const signal = new AbortController().signal
    await expect(
      h.acquisition.write(h.sensorsOf('d1')[0]!, 1, { by: 'x', from: 'test' }, signal),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await h.registry.metrics()).not.toContain('"d1"')
  })

  it('does not disturb a device whose checks or texts changed', async () => {
    const { h, devices } = await running(1)
    const [device] = devices
    const groups = device!.setup.groups.map((group) => ({
      ...group,
      points: group.points.map((point) => ({
        ...point,
        sensor: { ...point.sensor, description: 'other', unit: 'bar' },
      })),
    }))
    await h.acquisition.applyDevices([{ ...device!, setup: { ...device!.setup, groups } }])
    expect(h.count('d0', 'close')).toBe(0)
  })

  it('restarts a device with another interval, scale or sensor', async () => {
    const { h, devices } = await running(1)
    const { setup } = devices[0]!
    const faster = { ...devices[0]!, setup: { ...setup, groups: [{ ...setup.groups[0]!, intervalMs: 500 }] } }
    const applied = h.acquisition.applyDevices([faster])
    await h.clock.advance(9_999)
    await applied
    expect(h.count('d0', 'close')).toBe(1)
    expect(h.status('d0').polls).toBe(20)
  })

  it('connects a device that comes back only when its old connection is closed', async () => {
    const { h, devices } = await running(2)
    h.script('d1').close = 'hang'
    const gone = h.acquisition.applyDevices(devices.slice(0, 1))
    const back = h.acquisition.applyDevices(devices)
    await h.clock.advance(4000)
    expect(h.count('d1', 'connect')).toBe(1)
    await h.clock.advance(6000)
    await Promise.all([gone, back])
    expect(h.count('d1', 'connect')).toBe(2)
    expect(h.status('d1').state).toBe('up')
  })

  it('happens in order when asked twice, and not after a stop', async () => {
    const { h, devices } = await running(3)
    const first = h.acquisition.applyDevices(devices.slice(0, 1))
    const second = h.acquisition.applyDevices(devices.slice(0, 2))
    await h.clock.advance(5000)
    await Promise.all([first, second])
    expect(h.acquisition.list().map(({ id, state }) => [id, state])).toEqual([
      ['d0', 'up'],
      ['d1', 'up'],
    ])
    await h.stop()
    await expect(h.acquisition.applyDevices(devices)).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
