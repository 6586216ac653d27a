import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'
import { mountSmallDisk } from './small-disk.ts'

const ALL = [0, 2 ** 43] as const

const disk = mountSmallDisk('8m')
afterAll(() => disk?.unmount())

describe.skipIf(!disk)('store on a read-only file system (needs the right to mount)', () => {
  it('says why it cannot start, and starts once the disk can be written', async () => {
    const dataDir = join(disk!.path, 'data')
    const before = await openTestStore(dataDir)
    await before.store.close()
    disk!.setReadOnly(true)
    const failure = openTestStore(dataDir)
    await expect(failure).rejects.toMatchObject({ code: 'STORE_IO', message: expect.stringMatching(/read-?only/i) })
    disk!.setReadOnly(false)
    const { store } = await openTestStore(dataDir)
    expect(store.epoch).toBe(2)
    await store.close()
  })
})

/** A small ext4 on a loop device, which the kernel can be told to make read-only as after an error of the disk. */
interface FailingDisk {
  readonly path: string
  breakNow(): void
  remove(): void
}

function makeFailingDisk(folder: string): FailingDisk | null {
  const image = join(folder, 'disk.img')
  const path = join(folder, 'disk')
  let device = ''
  try {
    mkdirSync(path)
    execFileSync('truncate', ['-s', '16M', image])
    execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image], { stdio: 'ignore' })
    device = execFileSync('losetup', ['-f', '--show', image], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
    execFileSync('mount', ['-o', 'errors=remount-ro', device, path], { stdio: 'ignore' })
  } catch {
    if (device !== '') execFileSync('losetup', ['-d', device])
    rmSync(image, { force: true })
    rmdirSync(path)
    return null
  }
  const trigger = `/sys/fs/ext4/${basename(device)}/trigger_fs_error`
  return {
    path,
    breakNow: () => writeFileSync(trigger, '1'),
    remove: () => {
      execFileSync('umount', [path])
      execFileSync('losetup', ['-d', device])
    },
  }
}

const folder = temporaryFolder()
const failing = makeFailingDisk(folder.path)
afterAll(() => {
  failing?.remove()
  folder[Symbol.dispose]()
})

describe.skipIf(!failing)('store on a disk that the kernel makes read-only (needs loop devices and ext4)', () => {
  it('stops acknowledging, keeps answering from memory, and says at its close that something is lost', async () => {
    const { store, events } = await openTestStore(join(failing!.path, 'data'))
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    for (let n = 0; n < 1000; n++) store.ring.pushNumber(0, 0, NO_TIME, n, n)
    await store.flush()
    failing!.breakNow()
    for (let n = 1000; n < 2000; n++) store.ring.pushNumber(0, 0, NO_TIME, n, n)
    await vi.waitFor(() => expect(store.history.status().state).toBe('failing'), EVENTUALLY)
    expect(store.journal.span().durable.seq).toBe(1000)
    expect((await store.history.statistics('a.b', ...ALL)).count).toBe(2000)
    expect(events.map(({ type }) => type)).toEqual(['store-failing'])
    await expect(store.close()).rejects.toMatchObject({ code: 'STORE_IO' })
  })
})

/** Lets no file of this process grow beyond `bytes`: the kernel then refuses every write past it with EFBIG. */
function limitFileSize(bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`])
}

describe.skipIf(!existsSync('/usr/bin/prlimit'))('store whose writes fail (needs prlimit)', () => {
  it('stops acknowledging, gives up a flush when asked to, and recovers by itself without a loss', async () => {
    using data = temporaryFolder()
    const { store, events } = await openTestStore(data.path, { buffer: { capacity: 4096, whenFull: 'block' } })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    for (let n = 0; n < 1000; n++) store.ring.pushNumber(0, 0, NO_TIME, n, n)
    await store.flush()
    let pushed = 1000
    limitFileSize(4096)
    try {
      while (store.ring.pushNumber(0, 0, NO_TIME, pushed, Math.sqrt(pushed)) && pushed < 4000) pushed += 1
      pushed = store.ring.written
      await vi.waitFor(() => expect(store.history.status().state).toBe('failing'), EVENTUALLY)
      expect(store.history.status().reason).toMatch(/I\/O/)
      expect(store.journal.span().durable.seq).toBeLessThan(pushed)
      const signal = AbortSignal.timeout(50)
      await expect(store.flush(signal)).rejects.toMatchObject({ code: 'ABORTED' })
      expect((await store.history.statistics('a.b', ...ALL)).count).toBe(pushed)
    } finally {
      limitFileSize('unlimited')
    }
    await vi.waitFor(() => expect(store.history.status().state).toBe('ok'), EVENTUALLY)
    await store.flush()
    expect(store.journal.span().durable.seq).toBe(pushed)
    await vi.waitFor(
      () => expect(events.map(({ type }) => type)).toEqual(['store-failing', 'store-recovered']),
      EVENTUALLY,
    )
    await store.close()
    const again = await openTestStore(data.path)
    expect((await again.store.history.statistics('a.b', ...ALL)).count).toBe(pushed)
    await again.store.close()
  }, 120_000)
})
