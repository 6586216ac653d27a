import { describe, expect, it } from 'vitest'
import { GAP, Ledger, UNKNOWN_SENSOR, type SettledBatch } from '#uplinks/ledger.ts'
import { readLedgerNote } from '#uplinks/ledger-note.ts'

const batch = (epoch: number, firstSeq: number, length: number, rest: Partial<SettledBatch> = {}): SettledBatch => {
  const { filtered = 0, rejected = 0, unknown = 0, stillKept = null } = rest
  return {
    epoch,
    firstSeq,
    length,
    filtered,
    rejected,
    unknown,
    stillKept,
    delivered: length - filtered - rejected - unknown,
  }
}
const fresh = () => new Ledger({ epoch: 3, bookmark: { epoch: 3, seq: 0 }, kept: 0, keptAfterNote: 0 })

describe('The ledger of an uplink', () => {
  it('counts what waits by position until it is settled', () => {
    const ledger = fresh()
    expect(ledger.pending(10)).toBe(10)
    ledger.settle(batch(3, 1, 4, { filtered: 1, rejected: 1, unknown: 1 }))
    expect(ledger).toMatchObject({
      delivered: 1,
      filtered: 1,
      rejected: 1,
      dropped: { [UNKNOWN_SENSOR]: 1 },
      cursor: { epoch: 3, seq: 4 },
    })
    expect(ledger.pending(10)).toBe(6)
    expect(ledger.accepted(10)).toBe(10)
  })

  it('counts a gap in the positions as dropped', () => {
    const ledger = fresh()
    ledger.settle(batch(3, 6, 2))
    ledger.settle(batch(3, 10, 1))
    expect(ledger.dropped).toEqual({ [GAP]: 7 })
    expect(ledger.accepted(10)).toBe(10)
  })

  it('counts what vanished from an earlier epoch, once, whether a gap shows it or not', () => {
    const drops: number[] = []
    const ledger = new Ledger(
      { epoch: 3, bookmark: { epoch: 1, seq: 5 }, kept: 20, keptAfterNote: 20 },
      (_reason, count) => drops.push(count),
    )
    ledger.settle(batch(1, 6, 4))
    ledger.settle(batch(2, 1, 5, { stillKept: 12 })) // 16 were left: 4 are gone
    expect(ledger.pending(0)).toBe(7)
    ledger.settle(batch(3, 1, 1)) // and the last 7 as well
    expect(drops).toEqual([4, 7])
    expect(ledger.accepted(1)).toBe(21)
  })

  it('goes on where it stood after a restart, also when the journal lost records in between', () => {
    const before = fresh()
    before.settle(batch(3, 1, 10, { filtered: 2 }))
    const bookmark = { ...before.cursor, note: before.note(30) } // 20 wait; 5 more come before the end, 8 vanish
    expect(readLedgerNote(bookmark).head).toEqual({ epoch: 3, seq: 30 })
    const after = new Ledger({ epoch: 4, bookmark, kept: 17, keptAfterNote: 5 })
    expect(after).toMatchObject({ delivered: 8, filtered: 2, dropped: { [GAP]: 8 } })
    expect(after.pending(0)).toBe(17)
    expect(after.accepted(0)).toBe(35)
  })

  it('keeps the cursor and counts anew when the note cannot be read', () => {
    const ledger = new Ledger({
      epoch: 4,
      bookmark: { epoch: 3, seq: 9, note: '{"delivered":-1,"head":7' },
      kept: 3,
      keptAfterNote: 3,
    })
    expect(ledger).toMatchObject({ delivered: 0, dropped: {}, cursor: { epoch: 3, seq: 9 } })
    expect(ledger.accepted(2)).toBe(5)
  })
})
