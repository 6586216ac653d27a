// Updates from a real server into real slots: what is refused, what comes back, and what a power cut leaves.

import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyUpdate, checkForUpdate, rollBack, settle, type ApplyOptions } from '#update/apply.ts'
import { currentSlot, memoryOf, trialOf } from '#update/slots.ts'
import { run } from '#test/cli/run-command.ts'
import { NOW, UpdateBed } from './update-bed.ts'

let bed: UpdateBed
let restarts: string[]
beforeEach(async () => {
  bed = await UpdateBed.start()
  restarts = []
})
afterEach(() => bed.end())

const options = (more: Partial<ApplyOptions> = {}): ApplyOptions => ({
  root: bed.root,
  url: bed.url,
  key: createPublicKey(bed.read('release.pub')),
  architecture: process.arch,
  now: NOW,
  trials: [['check', 'gateway.yaml']],
  restart: async () => void restarts.push(bed.running()),
  becomesHealthy: async (version) => bed.running() === version,
  onProgress: () => {},
  onStep: () => {},
  ...more,
})
const apply = (more: Partial<ApplyOptions> = {}) => applyUpdate(options(more))
/** That nothing has changed, and nothing is left. */
const expectUntouched = async (): Promise<void> => {
  expect([bed.running(), currentSlot(bed.root), await trialOf(bed.root)]).toEqual(['0.1.0', 'a', null])
  expect(readdirSync(bed.root).filter((name) => /partial|new$|^b$/.test(name))).toEqual([])
}

describe('an update', () => {
  it('goes into the other slot, and the one before stays for going back', async () => {
    bed.publish('0.2.0')
    expect(await checkForUpdate(options())).toMatchObject({ installed: '0.1.0', release: { version: '0.2.0' } })
    await expectUntouched()
    expect(await apply()).toEqual({ from: '0.1.0', to: '0.2.0', outcome: 'updated' })
    expect([bed.running(), restarts, await trialOf(bed.root)]).toEqual(['0.2.0', ['0.2.0'], null])
    expect(await apply()).toMatchObject({ outcome: 'upToDate' })
    bed.publish('0.3.0')
    expect(await apply()).toMatchObject({ from: '0.2.0', to: '0.3.0', outcome: 'updated' })
    expect(readlinkSync(join(bed.root, 'current'))).toBe('a')
    expect(await rollBack(options())).toMatchObject({ from: '0.3.0', to: '0.2.0' })
    expect(bed.running()).toBe('0.2.0')
  })

  it('is taken back when the new version does not become healthy, remembered, and tried again only when told to', async () => {
    bed.publish('0.2.0')
    expect(await apply({ becomesHealthy: async () => false })).toMatchObject({ outcome: 'takenBack' })
    expect([bed.running(), restarts, await trialOf(bed.root)]).toEqual(['0.1.0', ['0.2.0', '0.1.0'], null])
    await expect(apply()).rejects.toThrow('0.2.0 did not become healthy here')
    expect(await apply({ again: true })).toMatchObject({ outcome: 'updated' })
  })

  it('is taken back when the new version cannot even be started', async () => {
    bed.publish('0.2.0')
    let starts = 0
    const restart = async (): Promise<void> => {
      starts += 1
      if (starts === 1) throw new Error('the unit failed')
    }
    expect(await apply({ restart, becomesHealthy: async () => false })).toMatchObject({ outcome: 'takenBack' })
    expect(bed.running()).toBe('0.1.0')
  })
})

describe('a release is refused', () => {
  const tamper = (change: (text: string) => string): void => {
    bed.publish('0.2.0')
    bed.served.set('/manifest.json', change(String(bed.served.get('/manifest.json'))))
  }
  it.each<[string, () => void, string]>([
    [
      'without a signature',
      () => tamper((text) => JSON.stringify({ ...JSON.parse(text), signatures: [] })),
      'it is not signed with the key',
    ],
    [
      'that was changed after it was signed',
      () => tamper((text) => text.replace('0.2.0', '0.2.1')),
      'it is not signed with the key',
    ],
    [
      'signed with another key that says it is ours',
      () => {
        const stranger = generateKeyPairSync('ed25519').privateKey
        bed.publish('0.2.0')
        const ours = JSON.parse(String(bed.served.get('/manifest.json')))
        bed.publish('0.2.0', { signedBy: stranger })
        const theirs = JSON.parse(String(bed.served.get('/manifest.json')))
        theirs.signatures[0].key = ours.signatures[0].key
        bed.served.set('/manifest.json', JSON.stringify(theirs))
      },
      'it is not signed with the key',
    ],
    ['that is no manifest', () => bed.served.set('/manifest.json', '<html>'), 'it is no release manifest'],
    [
      'that is too old to be believed',
      () => bed.publish('0.2.0', { expiresAt: new Date(NOW - 1000).toISOString() }),
      'it was good until',
    ],
    ['that was revoked', () => bed.publish('0.2.0', { revoked: ['0.2.0'] }), '0.2.0 was revoked'],
    [
      'that needs another one before it',
      () => bed.publish('0.9.0', { minimumVersion: '0.5.0' }),
      '0.9.0 needs at least 0.5.0',
    ],
    [
      'for other machines',
      () =>
        bed.publish('0.2.0', {
          files: [
            { architecture: process.arch === 'x64' ? 'arm64' : 'x64', url: 'x', size: 1, sha256: '0'.repeat(64) },
          ],
        }),
      'there is none for',
    ],
    [
      'whose file is another',
      () => {
        bed.publish('0.2.0')
        bed.served.set('/0.2.0.tar.gz', Buffer.alloc(Buffer.from(bed.served.get('/0.2.0.tar.gz')!).length))
      },
      'its SHA-256 is another one',
    ],
    [
      'whose file is cut off',
      () => {
        bed.publish('0.2.0')
        bed.served.set('/0.2.0.tar.gz', Buffer.from(bed.served.get('/0.2.0.tar.gz')!).subarray(0, 100))
      },
      'it ended after 100 of',
    ],
    [
      'whose file is longer',
      () => {
        bed.publish('0.2.0')
        bed.served.set('/0.2.0.tar.gz', Buffer.concat([Buffer.from(bed.served.get('/0.2.0.tar.gz')!), Buffer.alloc(9)]))
      },
      'it is longer than',
    ],
    ['that holds another version', () => bed.publish('0.2.0', { holds: '0.1.5' }), 'holds another version than 0.2.0'],
    [
      'that does not take the configuration',
      () => bed.publish('0.2.0', { takesConfiguration: false }),
      'fails at "telemetryx check gateway.yaml": unknown key',
    ],
  ])('%s', async (_what, prepare, message) => {
    prepare()
    await expect(apply()).rejects.toThrow(message)
    await expectUntouched()
    expect(restarts).toEqual([])
  })

  it('that is older than one that was seen, or was revoked by it', async () => {
    bed.publish('0.2.0', { sequence: 7, revoked: ['0.3.0'] })
    await checkForUpdate(options())
    bed.publish('0.4.0', { sequence: 6 })
    await expect(apply()).rejects.toThrow('it is older (6) than one that was seen before (7)')
    bed.publish('0.3.0', { sequence: 8 })
    await expect(apply()).rejects.toThrow('0.3.0 was revoked')
    writeFileSync(join(bed.root, 'update.json'), '{')
    bed.publish('0.4.0', { sequence: 6 })
    await expect(apply()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await expectUntouched()
  })

  it('that is not newer, however it is signed: nothing is installed', async () => {
    for (const version of ['0.1.0', '0.0.9', '0.1.0-rc.1']) {
      bed.publish(version)
      expect(await apply()).toMatchObject({ outcome: 'upToDate' })
    }
    await expectUntouched()
  })
})

describe('a power cut', () => {
  const program = fileURLToPath(new URL('./update-process.ts', import.meta.url))

  it.each([true, false])(
    'before any step leaves a version that runs, and the next run ends it (healthy: %s)',
    { timeout: 300_000 },
    async (isHealthy) => {
      const becomesHealthy = async (): Promise<boolean> => isHealthy
      const steps: string[] = []
      bed.publish('0.2.0')
      await apply({ becomesHealthy, onStep: (step) => void steps.push(step) })
      expect(steps.length).toBeGreaterThan(isHealthy ? 9 : 12)
      // Until the new version is started both go the same way.
      const first = isHealthy ? 0 : steps.indexOf('start the new version')
      for (const [dieAt, step] of steps.entries()) {
        if (dieAt < first) continue
        await bed.end()
        bed = await UpdateBed.start()
        bed.publish('0.2.0')
        const asked = JSON.stringify({ root: bed.root, url: bed.url, now: NOW, dieAt, isHealthy })
        expect((await run(process.execPath, [program, asked])).signal, step).toBe('SIGKILL')
        expect(['0.1.0', '0.2.0'], `killed before "${step}"`).toContain(bed.running())
        // The next run ends the trial, or begins anew.
        const said = await apply({ becomesHealthy }).catch((error: Error) => error.message)
        expect(bed.running(), `after "${step}": ${JSON.stringify(said)}`).toBe(isHealthy ? '0.2.0' : '0.1.0')
        expect(await trialOf(bed.root)).toBeNull()
        if (!isHealthy) expect((await memoryOf(bed.root)).failed).toEqual(['0.2.0'])
        expect(readdirSync(bed.root).filter((name) => name.includes('partial'))).toEqual([])
      }
    },
  )

  /** The new version is in force and on trial, and nobody waits for it any more. */
  const abandonedTrial = async (): Promise<void> => {
    bed.publish('0.2.0')
    const cut = apply({
      onStep: (step) => {
        if (step === 'wait until it is healthy') throw new Error('cut')
      },
    })
    await expect(cut).rejects.toThrow('cut')
    expect(bed.running()).toBe('0.2.0')
  }

  it('amid the trial: a version that never serves is taken back after three starts, by what needs nothing of it', async () => {
    await abandonedTrial()
    writeFileSync(join(bed.root, 'b/bin/telemetryx'), 'throw new Error("broken")')
    for (const left of [2, 1, 0]) {
      bed.countStart()
      expect(await trialOf(bed.root)).toMatchObject({ from: 'a', startsLeft: left, version: '0.2.0' })
      expect(currentSlot(bed.root)).toBe('b')
    }
    bed.countStart()
    expect([bed.running(), await trialOf(bed.root)]).toEqual(['0.1.0', null])
    bed.countStart()
    expect(bed.running()).toBe('0.1.0')
    await expect(apply()).rejects.toThrow('0.2.0 did not become healthy here')
  })

  it('amid the trial: a version that serves is kept by its service, and one that is not healthy is not', async () => {
    await abandonedTrial()
    bed.countStart()
    expect(await settle({ ...options(), isStarted: true })).toBe(true)
    for (let start = 0; start < 5; start++) bed.countStart()
    expect(bed.running()).toBe('0.2.0')
    bed.publish('0.3.0')
    const cut = apply({
      onStep: (step) => {
        if (step === 'wait until it is healthy') throw new Error('cut')
      },
    })
    await expect(cut).rejects.toThrow('cut')
    expect(await settle({ ...options(), isStarted: true, becomesHealthy: async () => false })).toBe(false)
    expect([bed.running(), await trialOf(bed.root)]).toEqual(['0.2.0', null])
  })
})
