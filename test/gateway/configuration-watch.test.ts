// After a change the gateway is watched: what makes it worse is taken back.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigurationBed, HEAD } from './configuration-bed.ts'

const device = (id: string, host = `plc-${id}`): string =>
  `  - { id: ${id}, driver: sim, host: ${host}, sensors: [ { id: a, address: 7 } ] }\n`
const devices = (...list: string[]): string => `${HEAD}devices:\n${list.join('')}`
const hq = (host: string): string => `uplinks:\n  - { id: hq, type: sim, host: ${host} }\n`

describe('The watch over a change', () => {
  it('keeps what is as good as before', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    const { outcome, watchedUntil } = await bed.apply(devices(device('a', 'elsewhere')))
    expect(watchedUntil! - bed.clock.now()).toBeGreaterThan(20_000)
    expect(bed.desk.revisions()[0]).toMatchObject({ number: 2, state: 'watched' })
    await bed.clock.advance(31_000)
    expect(await bed.during(outcome)).toEqual({ revision: 2, state: 'kept', reason: null })
    expect(bed.desk.revisions()[0]).toMatchObject({ number: 2, state: 'kept' })
    expect(bed.eventTypes()).toEqual(['configuration-applied'])
  })

  it('takes back a new address at which nobody answers, by itself, and says why', async () => {
    const before = devices(device('a'), device('b'))
    const bed = await new ConfigurationBed().start(before)
    const { outcome } = await bed.apply(devices(device('a', 'dead'), device('b')))
    await bed.clock.advance(29_000)
    expect(bed.acquisition.get('a')?.state).toBe('down')
    await bed.clock.advance(2000)
    const reason = 'device a is down: dead is not there'
    expect(await bed.during(outcome)).toEqual({ revision: 2, state: 'rolledBack', reason })
    await bed.clock.advance(3000)
    expect(bed.acquisition.get('a')?.state).toBe('up')
    expect(bed.onDisk).toBe(before)
    expect(bed.desk.revisions()).toMatchObject([
      { number: 3, state: 'kept', origin: 'rollback', by: 'gateway', reason },
      { number: 2, state: 'rolledBack', reason },
      { number: 1 },
    ])
    expect(bed.events.map(({ type, severity, message }) => [type, severity, message])).toEqual([
      ['configuration-applied', 'info', expect.stringContaining('1 device restarts')],
      ['configuration-rolled-back', 'warning', `Configuration 2 was taken back to 1: ${reason}`],
    ])
    expect(bed.plant.connections.get('b')).toBe(1)
  })

  it('does not blame the change for a device that it did not touch, nor for one that was bad before', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a'), device('b'), device('c', 'dead')))
    const { outcome } = await bed.apply(devices(device('a', 'elsewhere'), device('b'), device('c', 'dead-2')))
    bed.plant.dead.add('plc-b').add('dead-2')
    await bed.clock.advance(31_000)
    expect(bed.acquisition.get('b')?.state).toBe('down')
    expect(await bed.during(outcome)).toMatchObject({ state: 'kept' })
  })

  it('takes back an uplink that no longer connects', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')) + hq('hq'))
    const { outcome } = await bed.apply(devices(device('a')) + hq('dead'))
    await bed.clock.advance(31_000)
    expect(await bed.during(outcome)).toMatchObject({
      state: 'rolledBack',
      reason: expect.stringContaining('uplink hq is'),
    })
    await bed.clock.advance(1000)
    expect(bed.uplinks.list()).toMatchObject([{ id: 'hq', state: 'online' }])
  })

  it('takes it back at once when the gateway can no longer do its work', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    const { outcome } = await bed.apply(devices(device('a'), device('b')))
    bed.reasons = [{ code: 'ring-blocked', message: 'The buffer is full', blocking: true }]
    await bed.clock.advance(11_000)
    expect(await bed.during(outcome)).toEqual({ revision: 2, state: 'rolledBack', reason: 'The buffer is full' })
    expect(bed.acquisition.list().map(({ id }) => id)).toEqual(['a'])
  })

  it('goes back to the last good one when a second change follows a bad one', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    const first = await bed.apply(devices(device('a', 'dead')))
    await bed.clock.advance(10_000)
    const second = await bed.apply(devices(device('a', 'dead'), device('b')))
    expect(await first.outcome).toMatchObject({ revision: 2, state: 'replaced' })
    await bed.clock.advance(31_000)
    expect(await bed.during(second.outcome)).toMatchObject({ revision: 3, state: 'rolledBack' })
    expect(bed.onDisk).toBe(devices(device('a')))
  })

  it('goes on after a restart in the middle of it', async () => {
    const before = devices(device('a'))
    const bed = await new ConfigurationBed().start(before)
    await bed.apply(devices(device('a', 'dead')))
    await bed.clock.advance(5000)
    await bed.end()
    const again = await new ConfigurationBed({ folder: bed.folder }).start()
    expect(again.desk.present().watchedUntil).not.toBeNull()
    await again.clock.advance(31_000)
    while (again.desk.present().watchedUntil !== null) await again.clock.advance(1)
    await again.clock.advance(3000)
    expect(again.acquisition.get('a')?.state).toBe('up')
    expect(again.onDisk).toBe(before)
  })

  it('goes back also when somebody edits the file meanwhile, whose text is left alone', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    const { outcome } = await bed.apply(devices(device('a', 'dead')))
    writeFileSync(bed.file, '# being edited\n')
    await bed.clock.advance(31_000)
    await bed.during(outcome)
    await bed.clock.advance(3000)
    expect(bed.acquisition.get('a')?.state).toBe('up')
    expect(bed.onDisk).toBe('# being edited\n')
    expect(bed.events.at(-1)?.message).toContain('still holds the other text')
  })

  it('can be switched off', async () => {
    const off = (text: string): string => text.replace('watch: 30s', 'watch: 0')
    const bed = await new ConfigurationBed().start(off(devices(device('a'))))
    const { outcome } = await bed.apply(off(devices(device('a', 'dead'))))
    expect(await outcome).toMatchObject({ state: 'kept' })
    await bed.clock.advance(60_000)
    expect(bed.acquisition.get('a')?.state).toBe('down')
    expect(existsSync(bed.file) && readFileSync(bed.file, 'utf8')).toContain('dead')
  })
})
