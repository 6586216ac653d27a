import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { openTestStore } from './open-test-store.ts'

const mountPoint = mkdtempSync(join(tmpdir(), 'telemetryx-small-disk-'))

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mountPoint], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const canMount = mount()

describe.skipIf(!canMount)('store on a full disk (needs the right to mount)', () => {
  beforeAll(() => expect(canMount).toBe(true))
  afterAll(() => {
    if (canMount) execFileSync('umount', [mountPoint])
    rmdirSync(mountPoint)
  })

  it('stops acknowledging, says so, blocks the ring, and recovers by itself without a loss', async () => {
    const { store, events } = await openTestStore(mountPoint, { buffer: { capacity: 1024, whenFull: 'block' } })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    store.ring.pushNumber(0, 0, NO_TIME, 1, 0)
    await store.flush()
    const ballast = join(mountPoint, 'ballast')
    let size = 2 * 2 ** 20
    for (; size > 0; size -= 4096) {
      try {
        writeFileSync(ballast, Buffer.alloc(size))
        break
      } catch {
        continue
      }
    }
    let pushed = 0
    await vi.waitFor(
      () => {
        while (store.ring.pushNumber(0, 0, NO_TIME, 2 + pushed, Math.random())) pushed += 1
        expect(store.history.status().state).toBe('failing')
        expect(store.ring.fillRatio).toBe(1)
      },
      { timeout: 20_000 },
    )
    expect(store.history.status().reason).toMatch(/full/)
    expect(events.map(({ type }) => type)).toEqual(['store-failing'])
    let isFlushed = false
    const flushed = store.flush().then(() => (isFlushed = true))
    const { count } = await store.history.statistics('a.b', 0, 2 ** 43)
    expect(count).toBeGreaterThan(0) // queries still answer
    const durable = store.journal.span().durable.seq
    expect(durable).toBeLessThan(pushed)
    expect(isFlushed).toBe(false)
    // What is neither durable nor in the ring any more is still readable.
    expect((await store.journal.read({ epoch: 1, seq: durable }, 10))!.firstSeq).toBe(durable + 1)

    rmSync(ballast)
    await flushed
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual(['store-failing', 'store-recovered']))
    expect(store.history.status().state).toBe('ok')
    const after = await store.history.statistics('a.b', 0, 2 ** 43)
    expect(after.count).toBe(pushed + 1)
    await store.close()
  }, 60_000)
})
