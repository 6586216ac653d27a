import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENTRY } from '#domain/reading.ts'
import type { Delivery } from '#domain/uplink.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { ReceivedPositions } from '#receiver/dedupe.mjs'
import { coverageOf } from '#uplinks/grpc/coverage.ts'

/** r: wanted reading, x: filtered reading, a: wanted alarm, y: filtered alarm. */
type Row = 'r' | 'x' | 'a' | 'y'

function deliveryOf(rows: readonly Row[], wanted: readonly Row[]): Delivery {
  const batch = new MutableRecordBatch(1, 101, rows.length)
  for (const [n, row] of rows.entries()) batch.sensor[n] = row === 'a' || row === 'y' ? ENTRY : 0
  batch.length = rows.length
  const chosen = Uint32Array.from([...rows.keys()].filter((n) => wanted.includes(rows[n]!)))
  return { lane: 'live', historical: false, batch, rows: chosen, rowCount: chosen.length }
}

describe('What a delivery says of the positions between its records', () => {
  it('leaves no position to a receiver as arrived that another delivery still has', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Row[]>('r', 'x', 'a', 'y'), { minLength: 1, maxLength: 40 }), (rows) => {
        const received = new ReceivedPositions()
        const readings = deliveryOf(rows, ['r'])
        const coverage = coverageOf(readings)
        const seqs = [...readings.rows].map((row) => 101 + row)
        if (seqs.length > 0) received.addBatch({ epoch: 1, seqs, ...coverage })
        for (const [n, row] of rows.entries()) {
          if (row === 'r') expect(received.has(1, 101 + n)).toBe(true)
          if (row === 'a') expect(received.has(1, 101 + n)).toBe(false) // refused, it must be able to come again
        }
      }),
    )
  })

  it('is everything when all records of a batch come in one', () => {
    expect(coverageOf(deliveryOf(['r', 'x', 'a', 'r', 'x'], ['r', 'a']))).toEqual({
      firstSeq: 101,
      lastSeq: 105,
      openSeqs: [],
    })
  })

  it('leaves alarms open that are not among them, and does not end on one', () => {
    expect(coverageOf(deliveryOf(['a', 'r', 'a', 'x', 'a'], ['r']))).toEqual({
      firstSeq: 101,
      lastSeq: 104,
      openSeqs: [101, 103],
    })
  })

  it('is nothing without readings', () => {
    expect(coverageOf(deliveryOf(['a', 'x', 'a'], ['a']))).toBeNull()
  })
})
