// The configuration file under changes that come from elsewhere, and what a crash leaves.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { finishWriting } from '#gateway/configuration-start.ts'
import { RevisionStore } from '#gateway/revision-store.ts'
import { silentLogger } from '#kit/logger.ts'
import { ConfigurationBed, HEAD } from './configuration-bed.ts'

const config = (address: number): string =>
  `${HEAD}# my own words\ndevices:\n  - { id: a,   driver: sim, host: h, sensors: [ { id: a, address: ${address} } ] }\n`

describe('The configuration file', () => {
  it('is replaced as it was given, with its mode, also behind a link', async () => {
    const bed = new ConfigurationBed()
    writeFileSync(bed.file, config(1))
    chmodSync(bed.file, 0o604)
    const real = join(bed.folder, 'real')
    mkdirSync(real)
    renameSync(bed.file, join(real, 'gateway.yaml'))
    symlinkSync(join(real, 'gateway.yaml'), bed.file)
    await bed.start()
    await bed.apply(config(2))
    expect(readFileSync(join(real, 'gateway.yaml'), 'utf8')).toBe(config(2))
    expect(statSync(bed.file).mode & 0o777).toBe(0o604)
  })

  it('that is read-only is not replaced, and nothing is applied', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    chmodSync(bed.file, 0o444)
    await expect(bed.apply(config(2))).rejects.toMatchObject({
      code: 'CONFIG_NOT_WRITABLE',
      message: `${bed.file} cannot be written: it is read-only`,
    })
    await bed.clock.advance(2000)
    expect([bed.value('a.a'), bed.onDisk, bed.desk.present().revision.number]).toEqual([1, config(1), 1])
    expect(bed.desk.revisions()[0]).toMatchObject({ number: 2, state: 'failed' })
  })

  it('that was edited and not taken up is not overwritten', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    writeFileSync(bed.file, config(5))
    expect(bed.desk.present().fileState).toBe('changed')
    await expect(bed.apply(config(2))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(bed.onDisk).toBe(config(5))
    await bed.during(bed.desk.reload('SIGHUP'))
    await bed.clock.advance(2000)
    expect(bed.value('a.a')).toBe(5)
    expect(bed.desk.revisions()[0]).toMatchObject({ number: 2, origin: 'file', by: 'SIGHUP' })
  })

  it('with mistakes is not taken up on a signal, which becomes an event', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    writeFileSync(bed.file, 'nonsense: 1\n')
    await expect(bed.during(bed.desk.reload('SIGHUP'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    rmSync(bed.file)
    await expect(bed.during(bed.desk.reload('SIGHUP'))).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
    expect(bed.events.map(({ type, message }) => [type, message])).toEqual([
      ['configuration-refused', expect.stringContaining('unknown key')],
      ['configuration-refused', expect.stringContaining('there is no such file')],
    ])
  })
})

describe('Two who change the configuration', () => {
  it('do not overwrite each other: the second is told', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    const { etag } = bed.desk.present()
    const both = [bed.desk.apply(offer(config(2), etag)), bed.desk.apply(offer(config(3), etag))]
    const [first, second] = await bed.during(Promise.allSettled(both))
    expect(first).toMatchObject({ status: 'fulfilled', value: { revision: 2 } })
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'STALE' } })
    expect(bed.onDisk).toBe(config(2))
  })
})

function offer(text: string, ifMatch: string) {
  return { text, ifMatch, by: 'engineer', origin: 'api', comment: null } as const
}

describe('A change that fails or is broken off', () => {
  it('leaves the old configuration when it cannot be brought in', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    bed.beforeBringIn = () => {
      throw new Error('the disk is gone')
    }
    await expect(bed.apply(config(2))).rejects.toMatchObject({ message: 'the disk is gone' })
    expect(bed.onDisk).toBe(config(1))
    expect(bed.desk.revisions()[0]).toMatchObject({ state: 'failed', reason: 'the disk is gone' })
    bed.beforeBringIn = () => {}
    expect(await bed.apply(config(2))).toMatchObject({ revision: 3 })
  })

  it('is the old one at the next start when the file was not written yet', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    await bed.revisions.add({ ...(await bed.revisions.read(1)), text: config(2), hash: 'x', state: 'applying' })
    await bed.end()
    const again = await new ConfigurationBed({ folder: bed.folder }).start()
    expect(again.desk.present().revision).toMatchObject({ number: 1, state: 'kept' })
    expect(again.desk.revisions()[0]).toMatchObject({
      state: 'failed',
      reason: 'the gateway ended before it was applied',
    })
  })

  it('is the new one at the next start when the file was written, and is watched', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    await bed.apply(config(2))
    await bed.end()
    await bed.revisions.update(2, { state: 'applying' })
    const again = await new ConfigurationBed({ folder: bed.folder }).start()
    expect(again.desk.present()).toMatchObject({ revision: { number: 2, state: 'watched' }, text: config(2) })
  })

  it('between two files is finished before the next start', async () => {
    const bed = new ConfigurationBed()
    const csv = join(bed.folder, 'a.csv')
    const text = (host: string): string =>
      `${HEAD}devices:\n  - { id: a, driver: sim, host: ${host}, sensorsFile: a.csv }\n`
    writeFileSync(csv, 'id,address\nx,1\n')
    await bed.start(text('one'))
    writeFileSync(csv, 'id,address\nx,2\n')
    writeFileSync(bed.file, text('two'))
    await bed.during(bed.desk.reload('SIGHUP'))
    await bed.end()
    // As a crash leaves it between the two files of a roll-back to revision 1.
    const first = await bed.revisions.read(1)
    await bed.revisions.add({ ...first, state: 'applying' })
    writeFileSync(csv, 'id,address\nx,1\n')
    const revisions = await RevisionStore.open(join(bed.folder, 'revisions'), () => 100, silentLogger)
    expect(await finishWriting(revisions, bed.file)).toBe(true)
    expect([bed.onDisk, readFileSync(csv, 'utf8')]).toEqual([text('one'), 'id,address\nx,1\n'])
    expect(await finishWriting(revisions, bed.file)).toBe(false)
  })

  it('starts with a new revision when somebody edited the file while the gateway did not run', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    await bed.end()
    const again = await new ConfigurationBed({ folder: bed.folder }).start(config(9))
    expect(again.desk.present().revision).toMatchObject({ number: 2, origin: 'start', state: 'kept' })
  })
})

describe('Revisions', () => {
  it('are compared and gone back to', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    await bed.apply(config(2), { comment: 'pump moved', by: 'anna' })
    expect(await bed.desk.revision(2)).toMatchObject({
      text: config(2),
      by: 'anna',
      comment: 'pump moved',
      origin: 'api',
    })
    expect((await bed.desk.diff(2, 1)).changes).toMatchObject([
      { id: 'a.a', keys: [{ key: 'address', before: '2', after: '1' }] },
      { id: 'a' },
    ])
    await bed.during(bed.desk.rollBack(1, { by: 'anna', comment: null }))
    await bed.clock.advance(2000)
    expect(bed.value('a.a')).toBe(1)
    expect(bed.desk.revisions()[0]).toMatchObject({ number: 3, origin: 'rollback', comment: 'Back to revision 1' })
    await expect(bed.desk.revision(99)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are bounded, and never without the one that was kept last', async () => {
    const bed = await new ConfigurationBed().start(config(1))
    const revisions = await RevisionStore.open(join(bed.folder, 'bounded'), () => 3, silentLogger)
    const base = await bed.revisions.read(1)
    await revisions.add(base)
    for (let n = 0; n < 5; n++) await revisions.add({ ...base, state: 'failed' })
    expect(revisions.heads().map(({ number }) => number)).toEqual([6, 5, 4, 1])
    const again = await RevisionStore.open(join(bed.folder, 'bounded'), () => 3, silentLogger)
    expect(again.heads()).toEqual(revisions.heads())
    expect(statSync(join(bed.folder, 'bounded', 'revision-000006.json')).mode & 0o777).toBe(0o600)
  })
})
