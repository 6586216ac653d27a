import { describe, expect, it, vi } from 'vitest'
import { JOURNAL_START, type Position } from '#domain/journal.ts'
import { ENTRY, NO_TIME } from '#domain/reading.ts'
import { valueAt } from '#kit/record-batch.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 5, 1)

describe('journal', () => {
  it('reads records from memory, from blocks and over epochs in one order', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'a.b', valueType: 'int64' }])
    const expected: string[] = []
    for (let epoch = 1; epoch <= 3; epoch++) {
      for (let n = 1; n <= 500; n++) {
        store.ring.pushInteger(0, 0, NO_TIME, START, BigInt(n))
        expected.push(`${epoch}/${n}:${n}`)
        if (n % 100 === 0) await store.flush()
      }
      store.ring.pushEntry(START, '{"kind":"event"}')
      expected.push(`${epoch}/501:{"kind":"event"}`)
      if (epoch === 3) break
      await store.close()
      ;({ store } = await openTestStore(folder.path))
    }
    const seen: string[] = []
    for (let after: Position = JOURNAL_START; ;) {
      const batch = await store.journal.read(after, 33)
      if (!batch) break
      for (let row = 0; row < batch.length; row++) {
        const value = batch.sensor[row] === ENTRY ? batch.texts.get(row) : valueAt(batch, row, 'int64')
        seen.push(`${batch.epoch}/${batch.firstSeq + row}:${value}`)
      }
      after = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
    }
    expect(seen).toEqual(expected)
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(1503)
    expect(await store.journal.count({ epoch: 1, seq: 400 }, { epoch: 2, seq: 50 })).toBe(151)
    expect(await store.journal.count({ epoch: 3, seq: 500 }, { epoch: 3, seq: 501 })).toBe(1)
    await store.close()
  })

  it('keeps blocks as long as a reader needs them, and its cursor with its note', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    expect(await store.journal.cursor('hq')).toBeNull()
    for (let block = 0; block < 10; block++) {
      for (let n = 0; n < 100; n++) store.ring.pushNumber(0, 0, NO_TIME, START + n, n)
      await store.flush()
    }
    await store.compact()
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(1000)
    store.journal.settle('hq', { epoch: 1, seq: 550 }, '{"delivered":550}')
    store.journal.settle('hq', { epoch: 1, seq: 40 }, 'late')
    await store.compact()
    // A block goes as a whole; where it begins depends on when the thread committed.
    const kept = await store.journal.count(JOURNAL_START, store.journal.span().head)
    expect(kept).toBeGreaterThanOrEqual(450)
    expect(kept).toBeLessThanOrEqual(550)
    expect((await store.journal.read({ epoch: 1, seq: 550 }, 10))!.firstSeq).toBe(551)
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    expect(await store.journal.cursor('hq')).toEqual({ epoch: 1, seq: 550, note: '{"delivered":550}' })
    store.journal.settle('hq', { epoch: 1, seq: 1000 })
    await store.compact()
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(0)
    expect(await store.journal.read(JOURNAL_START, 10)).toBeNull()
    store.ring.pushNumber(0, 0, NO_TIME, START, 1)
    expect(await store.journal.read({ epoch: 1, seq: 1000 }, 10)).toMatchObject({ epoch: 2, firstSeq: 1, length: 1 })
    await store.close()
  })

  it('tells of new records once in a turn', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    const listener = vi.fn<() => void>()
    const stop = store.journal.onAppend(listener)
    const push = (): boolean => store.ring.pushNumber(0, 0, NO_TIME, START, 1)
    push()
    push()
    expect(listener).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1), EVENTUALLY)
    push()
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(2), EVENTUALLY)
    stop()
    push()
    await store.flush()
    expect(listener).toHaveBeenCalledTimes(2)
    await store.close()
  })

  it('says what dropOldest gave up, and skips it when reading and counting', async () => {
    using folder = temporaryFolder()
    const { store, events, registry } = await openTestStore(folder.path, {
      flushIntervalMs: 60_000,
      buffer: { capacity: 1024, whenFull: 'dropOldest' },
    })
    const pushes = 200_000 // without a pause: no thread takes 1024 at a time as fast as that
    for (let n = 1; n <= pushes; n++) store.ring.pushNumber(0, 0, NO_TIME, START, n)
    await store.flush()
    const seqs: number[] = []
    for (let after: Position = JOURNAL_START; ;) {
      const batch = await store.journal.read(after, 10_000)
      if (!batch) break
      for (let row = 0; row < batch.length; row++) {
        expect(batch.value[row]).toBe(batch.firstSeq + row)
        seqs.push(batch.firstSeq + row)
      }
      after = { epoch: 1, seq: seqs.at(-1)! }
    }
    const dropped = Number(/telemetryx_dropped_total\{[^}]*\} (\d+)/.exec(await registry.metrics())![1])
    expect(dropped).toBeGreaterThan(0)
    expect(seqs.length).toBe(pushes - dropped)
    expect(seqs.at(-1)).toBe(pushes)
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(pushes - dropped)
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('ring-dropped'), EVENTUALLY)
    await store.close()
  })
})
