// `telemetryx update` as it is typed: its settings, and what it says.

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { main } from '#cli/main.ts'
import { printedBy } from './run-command.ts'
import { UpdateBed } from '#test/update/update-bed.ts'

let bed: UpdateBed
beforeEach(async () => {
  bed = await UpdateBed.start()
})
afterEach(() => bed.end())

describe('telemetryx update', () => {
  const command = (...args: string[]) => printedBy(() => main(['update', ...args, '--root', bed.root, '--json']))

  it('does it from update.yaml, and knows the new version by what answers', async () => {
    // Stands for the gateway that the service would start: it tells the version that is in force.
    const gateway = createServer((request, response) => {
      const isReady = request.url === '/readyz' && request.headers.authorization === 'Bearer local'
      response.end(JSON.stringify(isReady ? { status: 'ready' } : { version: bed.running() }))
    }).listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    onTestFinished(() => void gateway.close())
    mkdirSync(join(bed.root, 'data'))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    writeFileSync(join(bed.root, 'data/local-access.json'), JSON.stringify({ url, token: 'local' }))
    const settings = (restart: string): void =>
      writeFileSync(
        join(bed.root, 'update.yaml'),
        `url: ${bed.url}\ndata: data\nrestart: [${restart}]\nhealthyWithin: 1m\n`,
      )
    settings('"true"')
    const soon = new Date(Date.now() + 86_400_000).toISOString()
    bed.publish('0.2.0', { expiresAt: soon })
    const offered = await command('check')
    expect([offered.code, JSON.parse(offered.stdout)]).toMatchObject([
      0,
      { installed: '0.1.0', offered: '0.2.0', isNewer: true },
    ])
    const applied = await command('apply')
    expect([applied.code, JSON.parse(applied.stdout)]).toEqual([0, { from: '0.1.0', to: '0.2.0', outcome: 'updated' }])
    const status = JSON.parse((await command('status')).stdout)
    expect(status).toMatchObject({ current: 'b', slots: { a: '0.1.0', b: '0.2.0' }, trial: null, failed: [] })
    const back = await command('rollback')
    expect([back.code, bed.running()]).toEqual([0, '0.1.0'])
    expect((await command('settle')).code).toBe(0)
  })

  it('says what is missing: slots, settings, a key of the right kind', async () => {
    const none = await printedBy(() => main(['update', 'check']))
    expect([none.code, none.stderr]).toEqual([64, expect.stringContaining('is no installation with slots a and b')])
    expect(await command('check')).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('update.yaml cannot be read'),
    })
    writeFileSync(join(bed.root, 'update.yaml'), `url: ${bed.url}\n`)
    writeFileSync(join(bed.root, 'release.pub'), 'no key')
    expect(await command('check')).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('is no public key of Ed25519'),
    })
    writeFileSync(join(bed.root, 'update.yaml'), 'url: ftp://x\nkind: x\n')
    expect((await command('check')).code).toBe(78)
  })
})
