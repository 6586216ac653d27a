import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MbapGuard } from '#drivers/modbus/mbap-guard.ts'
import { Transactions } from '#drivers/modbus/transactions.ts'
import { mbapFrame } from '#test/sim/raw-modbus-slave.ts'

function feed(guard: MbapGuard, stream: Buffer, cuts: readonly number[]): string | null {
  let start = 0
  for (const cut of [...cuts, stream.length].sort((a, b) => a - b)) {
    const problem = guard.accept(stream.subarray(start, Math.max(start, cut)))
    if (problem !== null) return problem
    start = Math.max(start, cut)
  }
  return null
}

describe('the guard of the stream', () => {
  const frames = fc.array(
    fc.record({ id: fc.nat(0xffff), unit: fc.nat(0xff), pdu: fc.uint8Array({ minLength: 2, maxLength: 253 }) }),
    { maxLength: 6 },
  )

  it('lets every stream of frames pass, however it is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(1600), { maxLength: 20 }), (list, cuts) => {
        const stream = Buffer.concat(list.map(({ id, unit, pdu }) => mbapFrame(id, unit, Buffer.from(pdu))))
        const guard = new MbapGuard()
        const within = cuts.filter((cut) => cut <= stream.length)
        expect(feed(guard, stream, within)).toBeNull()
        expect(guard.isMidFrame).toBe(false)
      }),
    )
  })

  it('knows that half a frame is missing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), (length) => {
        const guard = new MbapGuard()
        guard.accept(mbapFrame(1, 1, Buffer.from('030600010002ffff', 'hex')).subarray(0, length))
        expect(guard.isMidFrame).toBe(true)
      }),
    )
  })

  it('complains of another protocol and of lengths that no frame has, at the header', () => {
    const pdu = Buffer.from('0302000a', 'hex')
    expect(new MbapGuard().accept(mbapFrame(1, 1, pdu, 1))).toMatch('protocol id 1')
    for (const length of [0, 1, 2, 255, 0xffff]) {
      expect(new MbapGuard().accept(mbapFrame(1, 1, pdu, 0, length).subarray(0, 6))).toMatch(`length ${length}`)
    }
    expect(new MbapGuard().accept(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toEqual(expect.any(String))
  })
})

describe('transaction ids', () => {
  it('use all 16 bits', () => {
    const transactions = new Transactions()
    const ids = new Set(Array.from({ length: 65_536 }, () => transactions.issue()))
    expect(ids.size).toBe(65_536)
  })

  it('never give out an id again while its answer may still come', () => {
    const transactions = new Transactions()
    const id = transactions.issue()
    transactions.abandon(id, 9)
    const later = Array.from({ length: 200_000 }, () => transactions.issue())
    expect(later).not.toContain(id)
    expect(transactions.settle(id)).toEqual({ kind: 'late', unit: 9 })
    expect(Array.from({ length: 65_536 }, () => transactions.issue())).toContain(id)
  })

  it('tell a late answer from a repeated and from an unknown one', () => {
    const transactions = new Transactions()
    const [first, second] = [transactions.issue(), transactions.issue()]
    transactions.abandon(second, 3)
    expect(transactions.settle(first)).toEqual({ kind: 'repeated' })
    expect(transactions.settle(second)).toEqual({ kind: 'late', unit: 3 })
    expect(transactions.settle(second + 1)).toEqual({ kind: 'unknown' })
    expect(transactions.settle(40_000)).toEqual({ kind: 'unknown' })
  })

  it('ask for a new connection when thousands were never answered', () => {
    const transactions = new Transactions()
    const kept = Array.from({ length: 5000 }, () => transactions.abandon(transactions.issue(), 1))
    expect(kept.indexOf(false)).toBe(4096)
  })
})
