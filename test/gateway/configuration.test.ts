// What a change of the configuration does to a gateway that runs, on real acquisition, pipeline and uplinks.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigurationBed, HEAD } from './configuration-bed.ts'

const device = (id: string, more = ''): string =>
  `  - { id: ${id}, driver: sim, host: plc-${id}, sensors: [ { id: a, address: 7${more} } ] }\n`
const devices = (...list: string[]): string => `${HEAD}devices:\n${list.join('')}`
const HQ = 'uplinks:\n  - { id: hq, type: sim, host: hq }\n'

describe('Applying a configuration to a running gateway', () => {
  it('leaves 495 of 500 devices undisturbed when five change', async () => {
    const ids = Array.from({ length: 500 }, (_, n) => `d${n}`)
    const bed = await new ConfigurationBed().start(devices(...ids.map((id) => device(id))))
    const changed = new Set(ids.filter((_, n) => n % 100 === 50))
    const text = devices(...ids.map((id) => device(id).replace(': 7', changed.has(id) ? ': 8' : ': 7')))
    const { plan } = await bed.apply(text)
    expect(plan.undisturbed.devices).toBe(495)
    const before = new Map(bed.acquisition.list().map((status) => [status.id, status.polls]))
    await bed.clock.advance(5000)
    for (const { id, polls, lagMs, skippedPolls, errors } of bed.acquisition.list()) {
      expect(bed.plant.connections.get(id), id).toBe(changed.has(id) ? 2 : 1)
      expect(polls - before.get(id)!, id).toBe(5)
      expect({ skippedPolls, errors, lag: lagMs?.max }).toEqual({ skippedPolls: 0, errors: {}, lag: 0 })
      expect(bed.value(`${id}.a`)).toBe(changed.has(id) ? 8 : 7)
    }
  })

  it('adds and removes devices, sensors and uplinks; alarms of what is gone end with a reason', async () => {
    const alarming = ', checks: [ { type: threshold, high: 5 } ]'
    const bed = await new ConfigurationBed().start(devices(device('a', alarming), device('b', alarming)) + HQ)
    expect(bed.pipeline.alarms.list().map(({ sensor }) => sensor)).toEqual(['a.a', 'b.a'])
    const ended: unknown[] = []
    bed.pipeline.alarms.subscribe(({ sensor, active }) => ended.push({ sensor, active }))
    const added = '  - { id: c, driver: sim, host: plc-c, sensors: [ { id: x, address: 1 }, { id: y, address: 2 } ] }\n'
    const { plan } = await bed.apply(devices(device('a', alarming), added) + HQ.replace('id: hq', 'id: other'))
    expect(plan.changes.map(({ kind, id, change, effect }) => [kind, id, change, effect])).toEqual([
      ['device', 'c', 'added', 'starts'],
      ['device', 'b', 'removed', 'stops'],
      ['sensor', 'c.x', 'added', 'starts'],
      ['sensor', 'c.y', 'added', 'starts'],
      ['sensor', 'b.a', 'removed', 'stops'],
      ['uplink', 'other', 'added', 'starts'],
      ['uplink', 'hq', 'removed', 'stops'],
    ])
    await bed.clock.advance(3000)
    expect(ended).toEqual([{ sensor: 'b.a', active: false }])
    expect(bed.acquisition.list().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'up'],
      ['c', 'up'],
    ])
    expect([bed.value('a.a'), bed.value('b.a'), bed.value('c.y')]).toEqual([7, undefined, 2])
    expect(bed.uplinks.list().map(({ id, state }) => [id, state])).toEqual([['other', 'online']])
    expect(bed.present.model.retired?.map(({ id }) => id)).toEqual(['b.a'])
  })

  it('takes up checks, texts and derived sensors without touching a device', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a', ', checks: [ { type: threshold, high: 5 } ]')))
    const more = ', unit: bar, checks: [ { type: threshold, high: 9 } ]'
    const derived = 'derived: [ { id: a.twice, expression: "a.a * 2.0" } ]\n'
    const { plan } = await bed.apply(devices(device('a', more)) + derived)
    expect(plan.changes.map(({ id, effect, keys }) => [id, effect, keys.map(({ key }) => key)])).toEqual([
      ['a.a', 'live', ['unit', 'checks.threshold.high']],
      ['a.twice', 'live', []],
    ])
    await bed.clock.advance(2000)
    expect(bed.pipeline.alarms.list().filter(({ active }) => active)).toEqual([])
    expect(bed.plant.connections.get('a')).toBe(1)
    expect(bed.value('a.twice')).toBe(14)
  })

  it('refuses as a whole what needs a restart, and says which keys do', async () => {
    const text = devices(device('a'))
    const bed = await new ConfigurationBed().start(text)
    const next = text.replace('65536', '32768').replace('address: 7', 'address: 8') + 'http: { port: 9090 }\n'
    expect((await bed.desk.plan(next)).needsRestart).toEqual(['buffer.capacity', 'http.port'])
    await expect(bed.apply(next)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'Nothing was applied: buffer.capacity, http.port need a restart of the gateway',
    })
    await bed.clock.advance(2000)
    expect([bed.value('a.a'), bed.onDisk, bed.desk.revisions().length]).toEqual([7, text, 1])
  })

  it('says in words what is wrong, with line and column, and changes nothing', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    const wrong = devices(device('a'), device('b').replace('address', 'adress'))
    expect(await bed.desk.check(wrong)).toMatchObject([{ line: 6, column: 60, file: bed.file }])
    await expect(bed.apply(wrong)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      context: { problems: [{ line: 6 }] },
    })
    expect(bed.desk.present().revision.number).toBe(1)
  })

  it('shows references, and of a changed secret only that it has changed', async () => {
    const text = devices(device('a').replace('host:', 'password: "${PW}", host:'))
    const bed = await new ConfigurationBed({ env: { PW: 'first-secret' } }).start(text)
    bed.env['PW'] = 'second-secret'
    const { plan } = await bed.apply(text)
    expect(plan.changes).toEqual([
      {
        kind: 'device',
        id: 'a',
        change: 'changed',
        effect: 'restarts',
        keys: [{ key: 'password', before: '${PW}', after: '${PW}' }],
      },
    ])
    expect(bed.onDisk).toBe(text)
    const kept = JSON.stringify([
      bed.desk.present(),
      await bed.desk.revision(2),
      bed.desk.revisions(),
      bed.events,
      plan,
    ])
    expect(kept).not.toMatch(/first-secret|second-secret/)
  })

  it('never shows a literal secret, and keeps it when the text that was shown comes back', async () => {
    const text = devices(device('a').replace('host:', 'password: hunter2, host:'))
    const bed = await new ConfigurationBed().start(text)
    const shown = bed.desk.present().text
    expect(JSON.stringify([shown, await bed.desk.revision(1)])).not.toContain('hunter2')
    const { plan } = await bed.apply(shown.replace(': 7', ': 8'))
    expect(plan.changes.map(({ id, keys }) => [id, keys.map(({ key }) => key)])).toEqual([
      ['a.a', ['address']],
      ['a', []],
    ])
    expect(bed.onDisk).toBe(text.replace(': 7', ': 8'))
    expect(await bed.desk.check('x: { password: "********" }')).toMatchObject([{ line: 1, column: 16 }])
  })

  it('sees what changed in a sensors file, although the text is the same', async () => {
    const bed = new ConfigurationBed()
    const csv = join(bed.folder, 'a.csv')
    writeFileSync(csv, 'id,address\nx,1\ny,2\n')
    await bed.start(devices('  - { id: a, driver: sim, host: h, sensorsFile: a.csv }\n'))
    writeFileSync(csv, 'id,address\nx,1\ny,3\n')
    expect(bed.desk.present().fileState).toBe('changed')
    const { plan, revision } = await bed.during(bed.desk.reload('SIGHUP'))
    expect(plan.changes.map(({ kind, id }) => [kind, id])).toEqual([
      ['sensor', 'a.y'],
      ['device', 'a'],
    ])
    await bed.clock.advance(2000)
    expect([bed.value('a.y'), revision]).toEqual([3, 2])
    await bed.during(bed.desk.rollBack(1, { by: 'engineer', comment: null }))
    await bed.clock.advance(2000)
    expect(bed.value('a.y')).toBe(2)
    expect(bed.desk.present().fileState).toBe('same')
  })

  it('makes no revision of what changes nothing', async () => {
    const bed = await new ConfigurationBed().start(devices(device('a')))
    expect(await bed.apply(bed.onDisk)).toMatchObject({ isChanged: false, revision: 1 })
    expect(bed.desk.revisions()).toHaveLength(1)
    expect(await bed.apply(`# a comment\n${bed.onDisk}`)).toMatchObject({ isChanged: true, watchedUntil: null })
    expect(bed.desk.revisions()).toMatchObject([{ number: 2, state: 'kept' }, { number: 1 }])
  })
})
