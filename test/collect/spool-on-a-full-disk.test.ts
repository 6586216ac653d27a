// The collector's file when the disk is full in the middle of a line.

import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mountSmallDisk } from '#test/store/small-disk.ts'

/** What is plain JavaScript has types only where users import it. */
interface SpoolFile {
  readonly isEmpty: boolean
  load(): Promise<void>
  append(lines: readonly string[]): Promise<number>
  peek(limit: number): Promise<{ readonly lines: readonly string[]; readonly next: number }>
  advance(next: number): Promise<void>
}
const { Spool } = (await import(new URL('../../src/collect/spool.mjs', import.meta.url).href)) as {
  readonly Spool: new (path: string, maxBytes: number) => SpoolFile
}

const disk = mountSmallDisk('64k')
afterAll(() => disk?.unmount())

const line = (text: string): string => JSON.stringify({ text })

describe.skipIf(disk === null)('a spool on a full disk (needs the right to mount)', () => {
  it('keeps what it had and what comes later whole, after a line that was written in part', async () => {
    const spool = new Spool(join(disk!.path, 'spool.jsonl'), 1e6)
    await spool.load()
    const kept = [line('first'), line('second')]
    expect(await spool.append(kept)).toBe(2)
    await expect(spool.append([line('x'.repeat(200_000))])).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await spool.append([line('third'), line('fourth')])).toBe(2)
    const { lines, next } = await spool.peek(100)
    expect(lines).toEqual([...kept, line('third'), line('fourth')])
    await spool.advance(next)
    expect(spool.isEmpty).toBe(true)
  })
})
