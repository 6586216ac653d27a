import { afterAll, describe, expect, it, vi } from 'vitest'
import { join } from 'node:path'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore } from './open-test-store.ts'
import { mountSmallDisk } from './small-disk.ts'

const DISKS = [
  { name: 'a tmpfs', disk: mountSmallDisk('4M'), needs: 'the right to mount' },
  { name: 'an ext4 on a loop device', disk: mountSmallDisk('8M', 'ext4'), needs: 'loop devices and ext4' },
]

for (const { name, disk, needs } of DISKS) {
  describe.skipIf(!disk)(`store on ${name} that is full (needs ${needs})`, () => {
    afterAll(() => disk?.unmount())

    it('stops acknowledging, says so, blocks the ring, and recovers by itself without a loss', async () => {
      const dataDir = join(disk!.path, 'data')
      const { store, events } = await openTestStore(dataDir, { buffer: { capacity: 1024, whenFull: 'block' } })
      await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
      store.ring.pushNumber(0, 0, NO_TIME, 1, 0)
      await store.flush()
      disk!.fill()
      let pushed = 0
      await vi.waitFor(() => {
        while (store.ring.pushNumber(0, 0, NO_TIME, 2 + pushed, Math.random())) pushed += 1
        expect(store.history.status().state).toBe('failing')
        expect(store.ring.fillRatio).toBe(1)
      }, EVENTUALLY)
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

      disk!.free()
      await flushed
      await vi.waitFor(
        () => expect(events.map(({ type }) => type)).toEqual(['store-failing', 'store-recovered']),
        EVENTUALLY,
      )
      expect(store.history.status().state).toBe('ok')
      const after = await store.history.statistics('a.b', 0, 2 ** 43)
      expect(after.count).toBe(pushed + 1)
      await store.close()
    }, 120_000)
  })
}
