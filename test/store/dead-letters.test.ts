import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '#domain/dead-letter.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const letter = (seq: number, over: Partial<DeadLetter> = {}): DeadLetter => ({
  epoch: 1,
  seq,
  sensor: 3,
  status: 0,
  sourceTime: null,
  receivedAt: 1_700_000_000_123,
  bits: -0x7fff_ffff_ffff_fffen,
  text: null,
  reason: 'Not authorised',
  rejectedAt: 1_700_000_000_456,
  ...over,
})

describe('The dead letters of a store', () => {
  it('are there after a restart, whole, and only those of their uplink', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.deadLetters.add('hq', [letter(1), letter(2, { text: 'Grüße', sourceTime: 5.5 })], 10)
    await store.deadLetters.add('scada', [letter(9)], 10)
    await store.close()

    const again = (await openTestStore(folder.path)).store
    const letters = await again.deadLetters.list('hq', { after: 0, limit: 10 })
    expect(letters).toEqual([
      { ...letter(1), id: 1, attempts: 1 },
      { ...letter(2, { text: 'Grüße', sourceTime: 5.5 }), id: 2, attempts: 1 },
    ])
    expect(await again.deadLetters.get('hq', 2)).toEqual(letters[1])
    expect(await again.deadLetters.get('scada', 2)).toBeNull()
    expect(await again.deadLetters.count('scada')).toBe(1)
    await again.close()
  })

  it('count another attempt for a position that is refused again', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.deadLetters.add('hq', [letter(1)], 10)
    expect(await store.deadLetters.add('hq', [letter(1, { reason: 'Still not' })], 10)).toEqual({ held: 1, evicted: 0 })
    expect(await store.deadLetters.list('hq', { after: 0, limit: 10 })).toMatchObject([
      { id: 1, attempts: 2, reason: 'Still not' },
    ])
    await store.close()
  })

  it('give up the oldest beyond their bound, page by id, and go when told to', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.deadLetters.add(
      'hq',
      [1, 2, 3].map((seq) => letter(seq)),
      4,
    )
    expect(await store.deadLetters.add('hq', [letter(4), letter(5)], 4)).toEqual({ held: 4, evicted: 1 })
    const page = await store.deadLetters.list('hq', { after: 2, limit: 2 })
    expect(page.map(({ seq }) => seq)).toEqual([3, 4])
    expect(await store.deadLetters.remove('hq', [page[0]!.id, 99])).toBe(1)
    expect(await store.deadLetters.count('hq')).toBe(3)
    await store.close()
  })
})
