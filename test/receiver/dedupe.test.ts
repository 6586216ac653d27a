import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReceivedPositions } from '#receiver/dedupe.mjs'

/** A gateway: records by epoch, lost connections, and what it sends again. */
interface Sending {
  readonly epoch: number
  readonly from: number
  readonly length: number
  /** Every n-th record is wanted. */
  readonly every: number
  readonly covers: boolean
  /** The record that the receiver refuses, if it is in the batch. */
  readonly refuses: number
  /** A position of which the batch says nothing. */
  readonly open: number
}

const sending: fc.Arbitrary<Sending> = fc.record({
  epoch: fc.integer({ min: 1, max: 3 }),
  from: fc.integer({ min: 1, max: 60 }),
  length: fc.integer({ min: 1, max: 20 }),
  every: fc.integer({ min: 1, max: 4 }),
  covers: fc.boolean(),
  refuses: fc.integer({ min: 1, max: 200 }),
  open: fc.integer({ min: 1, max: 200 }),
})

describe('The positions that a receiver has', () => {
  it('take each record once, in whatever order, lane, epoch and repetition it comes', () => {
    fc.assert(
      fc.property(fc.array(sending, { maxLength: 40 }), (sendings) => {
        const positions = new ReceivedPositions()
        const taken = new Set<string>() // the model: every position by itself
        const closed = new Set<string>()
        for (const { covers, epoch, every, from, length, open, refuses } of sendings) {
          const last = from + length - 1
          const all = Array.from({ length }, (_, n) => from + n)
          const seqs = all.filter((seq) => seq % every === 0 && seq !== open)
          const fresh = positions.fresh(epoch, seqs).map((index) => seqs[index]!)
          const known = (seq: number): boolean => taken.has(`${epoch}/${seq}`) || closed.has(`${epoch}/${seq}`)
          expect(fresh).toEqual(seqs.filter((seq) => !known(seq)))
          const refused = fresh.filter((seq) => seq === refuses)
          for (const seq of fresh) if (seq !== refuses) taken.add(`${epoch}/${seq}`)
          if (covers) for (const seq of all) if (!refused.includes(seq) && seq !== open) closed.add(`${epoch}/${seq}`)
          positions.addBatch({
            epoch,
            seqs,
            refused,
            ...(covers ? { firstSeq: from, lastSeq: last, openSeqs: [open] } : {}),
          })
        }
        for (const epoch of [1, 2, 3])
          for (let seq = 1; seq <= 90; seq++)
            expect(positions.has(epoch, seq)).toBe(taken.has(`${epoch}/${seq}`) || closed.has(`${epoch}/${seq}`))
      }),
    )
  })

  it('are kept as few ranges, which neither touch nor overlap, and come back from JSON', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(30))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 60 }), (ranges) => {
        const positions = new ReceivedPositions()
        for (const [first, length] of ranges) positions.add(7, first, first + length)
        const [state] = positions.toJSON()
        const kept = state?.ranges ?? []
        for (const [n, [first, last]] of kept.entries()) {
          expect(last).toBeGreaterThanOrEqual(first)
          if (n > 0) expect(first).toBeGreaterThan(kept[n - 1]![1] + 1)
        }
        const again = new ReceivedPositions(
          JSON.parse(JSON.stringify(positions)) as ReturnType<typeof positions.toJSON>,
        )
        expect(again.toJSON()).toEqual(positions.toJSON())
        expect(positions.gaps(7)).toEqual(kept.slice(1).map(([first], n) => [kept[n]![1] + 1, first - 1]))
      }),
    )
  })

  it('stay one range while a gateway sends in order, filtered or not, and two with a lane for what waited', () => {
    const positions = new ReceivedPositions()
    for (let from = 1; from <= 10_000; from += 100)
      positions.addBatch({ epoch: 1, seqs: [from, from + 50], firstSeq: from, lastSeq: from + 99 })
    expect(positions.rangeCount).toBe(1)
    positions.addBatch({ epoch: 1, seqs: [20_001], firstSeq: 20_001, lastSeq: 20_100 }) // live, after an outage
    expect(positions.gaps(1)).toEqual([[10_001, 20_000]])
    positions.addBatch({ epoch: 1, seqs: [10_007], firstSeq: 10_001, lastSeq: 20_000 }) // the backlog
    expect(positions.gaps(1)).toEqual([])
    expect(positions.last(1)).toBe(20_100)
  })

  it('see a restart as a new epoch, and a repeat of an old one as a repeat', () => {
    const positions = new ReceivedPositions()
    positions.addBatch({ epoch: 4, seqs: [1, 2, 3] })
    expect(positions.fresh(5, [1, 2, 3])).toEqual([0, 1, 2])
    expect(positions.fresh(4, [2, 3, 4])).toEqual([2])
    positions.addBatch({ epoch: 5, seqs: [1] })
    expect(positions.epochs()).toEqual([4, 5])
    expect(positions.forget(4)).toBe(true)
    expect(positions.epochs()).toEqual([5])
  })

  it('leave a refused record open, so that it may come again', () => {
    const positions = new ReceivedPositions()
    const added = positions.addBatch({ epoch: 1, seqs: [1, 2, 3, 4], refused: [2, 4], firstSeq: 1, lastSeq: 5 })
    expect(added).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
    ])
    expect(positions.fresh(1, [1, 2, 3, 4])).toEqual([1, 3])
  })

  it('take a record that stands in one batch twice only once', () => {
    expect(new ReceivedPositions().fresh(1, [5, 5, 4, 4, 6])).toEqual([0, 2, 4])
  })

  it.each([
    [1, [0]],
    [1, [1.5]],
    [1, [-3]],
    [1, [2 ** 53]],
    [1, [Number.NaN]],
  ])('refuse what is no position: %d/%j', (epoch, seqs) => {
    expect(() => new ReceivedPositions().fresh(epoch, seqs)).toThrow(RangeError)
    expect(() => new ReceivedPositions().add(epoch, seqs[0]!)).toThrow(RangeError)
  })
})
