// When a batch counts as kept: not before the disk has said so.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type * as files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { create, toBinary } from '@bufbuild/protobuf'
import { GatewayLog } from '#receiver/gateway-log.ts'
import { Intake } from '#receiver/intake.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { BatchSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { EVENTUALLY } from '#test/eventually.ts'

/** What the disk says to a sync; replaced by the tests. */
let sync: () => Promise<void> = () => Promise.resolve()

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>()
  const open = async (...words: Parameters<typeof files.open>): Promise<files.FileHandle> => {
    const file = await real.open(...words)
    file.datasync = () => sync()
    return file
  }
  return { ...real, open }
})

let folder: string
let log: GatewayLog
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-log-'))
  sync = () => Promise.resolve()
  log = await GatewayLog.open(join(folder, 'edge-01.jsonl'))
})
afterEach(async () => {
  await log.close()
  rmSync(folder, { recursive: true })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('The file of a gateway', () => {
  it('says that a batch is kept when the disk has synced it, and syncs many at once', async () => {
    const syncs: (() => void)[] = []
    sync = () => new Promise((resolve) => syncs.push(resolve))
    const kept: number[] = []
    const append = (seq: number): Promise<unknown> =>
      log.append('{"id":"x"}\n', 1, [[seq, seq]]).then(() => kept.push(seq))
    const all = [append(1)]
    await vi.waitFor(() => expect(syncs).toHaveLength(1), EVENTUALLY)
    all.push(append(2), append(3))
    await turn()
    expect(kept).toEqual([])
    syncs[0]!()
    await vi.waitFor(() => expect(syncs).toHaveLength(2), EVENTUALLY)
    expect(kept).toEqual([1])
    syncs[1]!()
    await Promise.all(all)
    expect(kept).toEqual([1, 2, 3])
  })

  it('takes nothing more after the disk has refused', async () => {
    sync = () => Promise.reject(new Error('EIO'))
    await expect(log.append('{"id":"x"}\n', 1, [[1, 1]])).rejects.toMatchObject({ code: 'STORE_IO', retryable: true })
    sync = () => Promise.resolve()
    await expect(log.append('{"id":"y"}\n', 1, [[2, 2]])).rejects.toMatchObject({ code: 'STORE_IO' })
  })

  it('is opened anew after that, and synced before what it has counts', async () => {
    const intake = new Intake(folder)
    const first = await intake.open('edge-02')
    sync = () => Promise.reject(new Error('EIO'))
    const bytes = toBinary(BatchSchema, create(BatchSchema, { epoch: 1, lastSeq: 5n, firstSeq: 1n }))
    await expect(intake.take('edge-02', first, new KnownSensors(), bytes)).rejects.toMatchObject({ code: 'STORE_IO' })
    await expect(intake.open('edge-02')).rejects.toMatchObject({ code: 'STORE_IO' })
    sync = () => Promise.resolve()
    const second = await intake.open('edge-02')
    expect(second).not.toBe(first)
    await intake.take('edge-02', second, new KnownSensors(), bytes)
    await intake.close()
  })

  it('keeps what it has said it has, whatever characters stand in a text', async () => {
    // JSON lets the line ends of Unicode through as they are; only a line feed ends a line of the file.
    const text = 'a\u2028b\u2029c\u0085d'
    for (let seq = 1; seq <= 3; seq++) await log.append(`${JSON.stringify({ id: seq, v: text })}\n`, 7, [[seq, seq]])
    const path = join(folder, 'edge-01.jsonl')
    const whole = readFileSync(path, 'utf8')
    for (let start = 0; start < 3; start++) {
      await log.close()
      log = await GatewayLog.open(path)
      expect(readFileSync(path, 'utf8')).toBe(whole)
      expect(log.positions.fresh(7, Float64Array.of(1, 2, 3, 4))).toEqual([3])
    }
  })
})
