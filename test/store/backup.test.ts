// Backups of a running store, and what restoring them does to a folder.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { NO_TIME } from '#domain/reading.ts'
import { backUp, restoreBackup } from '#gateway/stored-data.ts'
import { readTarHeader, tarHeader } from '#store/backup-tar.ts'
import type { Store } from '#store/store.ts'
import { fillStore, START } from './filled-store.ts'
import { openTestStore, pushed, temporaryFolder } from './open-test-store.ts'

const NOW = Date.UTC(2026, 5, 1)
const nothing = (): void => {}

/** Backs up `dataDir` into `file`. */
async function backUpTo(file: string, dataDir: string, configFile: string | null = null): Promise<void> {
  const chunks: Buffer[] = []
  await backUp({
    dataDir,
    configFile,
    sensorFiles: [],
    workDir: mkdtempSync(`${file}.work-`),
    now: NOW,
    output: { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
    onProgress: nothing,
  })
  writeFileSync(file, Buffer.concat(chunks))
}

const restoreTo = (dataDir: string, file: string, options: { force?: boolean; now?: number } = {}) =>
  restoreBackup({ file, dataDir, force: options.force ?? false, now: options.now ?? NOW, onProgress: nothing })

async function countOf(store: Store, sensor: string): Promise<number> {
  return (await store.history.statistics(sensor, START, START + 10_000_000)).count
}

async function errorCode(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    return isTelemetryError(error) ? error.code : String(error)
  }
}

describe('a backup of a running store', () => {
  it('holds everything that was durable, and is restored to the same readings, alarms and cursors', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const { store } = await openTestStore(data)
    await fillStore(store)
    store.journal.settle('hq', { epoch: 1, seq: 17 }, 'ledger')
    await store.compact()
    const [number] = await store.registerSensors([{ id: 'press-1.power', valueType: 'number' }])
    // It goes on writing while the copy is made.
    let isWriting = true
    const writing = (async () => {
      for (let n = 0; isWriting; n++) {
        await pushed(() => store.ring.pushNumber(number!, 0, NO_TIME, START + 200_000 + n, n))
        await store.flush()
      }
    })()
    writeFileSync(join(data, 'auth.json'), '{"version":1}', { mode: 0o600 })
    writeFileSync(join(data, 'learnt.bin'), 'learnt')
    mkdirSync(join(data, 'configuration'))
    writeFileSync(join(data, 'configuration', 'revision-000007.json'), '{}')
    writeFileSync(join(data, 'configuration', 'revision-000007.json.partial'), 'not a revision')
    writeFileSync(join(folder.path, 'gateway.yaml'), 'gateway: { id: a }\n')
    const file = join(folder.path, 'a.tar')
    await backUpTo(file, data, join(folder.path, 'gateway.yaml'))
    isWriting = false
    await writing
    await store.close()

    const target = join(folder.path, 'restored')
    const { manifest, setAside } = await restoreTo(target, file)
    expect(manifest.files.map(({ name }) => name)).toEqual([
      'telemetryx.db',
      'auth.json',
      'learnt.bin',
      'configuration/revision-000007.json',
      'config/gateway.yaml',
    ])
    expect(readFileSync(join(target, 'learnt.bin'), 'utf8')).toBe('learnt')
    expect(readFileSync(join(target, 'configuration/revision-000007.json'), 'utf8')).toBe('{}')
    expect(setAside).toEqual([])
    expect(readFileSync(join(target, 'auth.json'), 'utf8')).toBe('{"version":1}')
    expect(existsSync(join(target, 'restore.partial'))).toBe(false)
    const restored = (await openTestStore(target)).store
    expect(restored.history.status().quarantined).toBeNull()
    expect(await countOf(restored, 'press-1.power')).toBeGreaterThanOrEqual(119)
    expect(await countOf(restored, 'press-1.count')).toBe(3)
    expect((await restored.history.openAlarms()).map(({ alarm }) => alarm.id)).toEqual(['1-1'])
    expect(await restored.journal.cursor('hq')).toEqual({ epoch: 1, seq: 17, note: 'ledger' })
    await restored.close()
  })

  it('is a tar archive with checksums that common tools can check', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(join(folder.path, 'data'))
    await fillStore(store)
    const file = join(folder.path, 'a.tar')
    await backUpTo(file, join(folder.path, 'data'))
    await store.close()
    execFileSync('tar', ['-xf', file, '-C', folder.path])
    execFileSync('sha256sum', ['--check', '--status', 'manifest.sha256'], { cwd: folder.path })
    const manifest = JSON.parse(readFileSync(join(folder.path, 'manifest.json'), 'utf8')) as {
      files: { name: string; sha256: string }[]
    }
    const [sum] = execFileSync('sha256sum', [join(folder.path, 'telemetryx.db')], { encoding: 'utf8' }).split(' ')
    expect(manifest.files).toMatchObject([{ name: 'telemetryx.db', sha256: sum }])
  })
})

describe('a restored store', () => {
  it('begins beyond every start of the old installation, before and after the backup', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const file = join(folder.path, 'a.tar')
    const target = join(folder.path, 'restored')
    let last = 0
    for (let start = 1; start <= 6; start++) {
      const { store } = await openTestStore(data)
      last = store.epoch
      if (start === 3) await backUpTo(file, data)
      await store.close()
    }
    expect(last).toBe(6)
    await restoreTo(target, file)
    const first = (await openTestStore(target)).store
    expect(first.epoch).toBe(NOW / 1000 + 1)
    await first.close()
    // A machine whose clock stands in 1970, and one that restores over an installation that is further on.
    const behind = join(folder.path, 'behind')
    expect((await restoreTo(behind, file, { now: 5000 })).epoch).toBe(3 + 1_000_000)
    expect((await restoreTo(target, file, { now: 5000, force: true })).epoch).toBe(NOW / 1000 + 1)
    const again = (await openTestStore(target)).store
    expect(again.epoch).toBe(NOW / 1000 + 2)
    await again.close()
  })

  it('sets aside what was there, and takes nothing of it over', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const file = join(folder.path, 'a.tar')
    const { store } = await openTestStore(data)
    await backUpTo(file, data)
    await fillStore(store)
    await store.close()
    writeFileSync(join(data, 'auth.json'), 'old')
    writeFileSync(join(data, 'learnt.bin'), 'of the old database')
    expect(await errorCode(restoreTo(data, file))).toBe('CONFLICT')
    const { setAside } = await restoreTo(data, file, { force: true })
    const stamp = '.before-restore-2026-06-01T00-00-00.000Z'
    expect(setAside).toEqual([`auth.json${stamp}`, `learnt.bin${stamp}`, `telemetryx.db${stamp}`])
    expect(existsSync(join(data, 'auth.json'))).toBe(false)
    const restored = (await openTestStore(data)).store
    expect(await countOf(restored, 'press-1.power')).toBe(0)
    await restored.close()
    const old = mkdtempSync(join(folder.path, 'old-'))
    writeFileSync(join(old, 'telemetryx.db'), readFileSync(join(data, `telemetryx.db${stamp}`)))
    const before = (await openTestStore(old)).store
    expect(await countOf(before, 'press-1.power')).toBe(119)
    await before.close()
  })

  it('does not take an old write-ahead log for its own', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const file = join(folder.path, 'a.tar')
    const crashed = join(folder.path, 'crashed')
    const { store } = await openTestStore(data)
    await backUpTo(file, data)
    await fillStore(store)
    // What a kill -9 leaves: a database whose readings stand in its log only.
    execFileSync('cp', ['-r', data, crashed])
    await store.close()
    expect(readdirSync(crashed)).toContain('telemetryx.db-wal')
    await restoreTo(crashed, file, { force: true })
    const restored = (await openTestStore(crashed)).store
    expect(restored.history.status().quarantined).toBeNull()
    expect(await countOf(restored, 'press-1.power')).toBe(0)
    await restored.close()
  })

  it('is refused while a gateway runs on the folder', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const { store } = await openTestStore(data)
    await backUpTo(join(folder.path, 'a.tar'), data)
    expect(await errorCode(restoreTo(data, join(folder.path, 'a.tar'), { force: true }))).toBe('STORE_LOCKED')
    await store.close()
  })

  it('is refused when any byte of the backup is changed or missing, and the folder is as before', async () => {
    using folder = temporaryFolder()
    const data = join(folder.path, 'data')
    const { store } = await openTestStore(data)
    await fillStore(store)
    const file = join(folder.path, 'a.tar')
    await backUpTo(file, data)
    await store.close()
    const sound = readFileSync(file)
    const target = join(folder.path, 'target')
    // Behind the last content there is only padding, which carries nothing.
    const end = sound.length - 1024
    const place = fc.oneof(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: end - 1 }))
    const isUsed = (at: number) => sound[at] !== 0
    await fc.assert(
      fc.asyncProperty(place.filter(isUsed), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const broken = Buffer.from(sound)
        broken[at]! ^= change
        writeFileSync(file, broken)
        const code = await errorCode(restoreTo(target, file))
        // Fields of a header that nothing depends on (its mode, its time) are covered by the header's own checksum.
        expect(code).toBe('STORE_CORRUPT')
        expect(existsSync(join(target, 'telemetryx.db'))).toBe(false)
      }),
      // The line of the manifest's own checksum counts to its last byte, the name in it included.
      { numRuns: 60, examples: [[sound.indexOf('  manifest.json\n') + 3, 0x20]] },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: end - 1024 }), async (length) => {
        writeFileSync(file, sound.subarray(0, length))
        expect(await errorCode(restoreTo(target, file))).toBe('STORE_CORRUPT')
        expect(existsSync(join(target, 'telemetryx.db'))).toBe(false)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a tar header', () => {
  it('comes back as it was, also for sizes beyond eleven octal digits', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9./_-]{1,100}$/),
        fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 8 ** 11 - 1, 8 ** 11)),
        (name, size) => {
          expect(readTarHeader(Buffer.from(tarHeader({ name, size }, 1_780_000_000)))).toEqual({ name, size })
        },
      ),
    )
  })
})
