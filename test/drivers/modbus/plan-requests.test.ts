import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planRequests as plan, type PlanLimits, type Span } from '#drivers/modbus/plan-requests.ts'
import { isBitTable, REGISTERS } from '#drivers/modbus/point.ts'

const LIMITS: PlanLimits = { maxGap: 0, maxRegisters: 125, maxBits: 2000, onePerRequest: false, zeroStart: false }
const planRequests = (spans: readonly Span[], limits: Partial<PlanLimits>) =>
  plan(spans, { ...LIMITS, ...limits }).reads.map((read) => ({
    ...read,
    members: read.cells.flatMap(({ members }) => members),
  }))
const holding = (address: number, width = 1): Span => ({ register: 'holding', address, width })
const shape = (spans: Span[], limits: Partial<PlanLimits> = {}): number[][] =>
  planRequests(spans, { ...LIMITS, ...limits }).map(({ address, width }) => [address, width])

describe('the planner', () => {
  it('reads neighbours in one request, whatever their order', () => {
    expect(shape([holding(4, 2), holding(0, 4), holding(6)])).toEqual([[0, 7]])
  })

  it('reads over no hole unless told to', () => {
    expect(shape([holding(0), holding(2)])).toEqual([
      [0, 1],
      [2, 1],
    ])
    expect(shape([holding(0), holding(2)], { maxGap: 1 })).toEqual([[0, 3]])
    expect(shape([holding(0), holding(3)], { maxGap: 1 })).toHaveLength(2)
  })

  it('keeps the tables apart', () => {
    expect(planRequests([holding(0), { register: 'input', address: 1, width: 1 }], LIMITS)).toHaveLength(2)
  })

  it('splits at the most that one request may read, and never within a point', () => {
    expect(shape([holding(0, 124), holding(124, 2), holding(126, 1)])).toEqual([
      [0, 124],
      [124, 3],
    ])
  })

  it('reads a register once for all points in it', () => {
    const [read] = planRequests([holding(5), holding(5), holding(4, 2)], LIMITS)
    expect(read).toMatchObject({ address: 4, width: 2 })
    expect([...read!.members].toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  })

  it('merges nothing for a device that wants one point in each request', () => {
    expect(shape([holding(0), holding(1), holding(1), holding(2, 2)], { onePerRequest: true })).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
    ])
  })

  it('begins each table at address 0 for a device that wants it so', () => {
    expect(shape([holding(3), holding(9, 2)], { zeroStart: true, maxGap: 8 })).toEqual([[0, 11]])
    expect(shape([holding(100), holding(130)], { zeroStart: true })).toEqual([
      [0, 101],
      [130, 1],
    ])
    expect(shape([holding(200)], { zeroStart: true })).toEqual([
      [0, 1],
      [200, 1],
    ])
    expect(shape([holding(0)], { zeroStart: true })).toEqual([[0, 1]])
  })

  const span = fc
    .record({
      register: fc.constantFrom(...REGISTERS),
      address: fc.integer({ min: 0, max: 400 }),
      width: fc.constantFrom(1, 1, 1, 2, 4, 10),
    })
    .map((any): Span => (isBitTable(any.register) ? { ...any, width: 1 } : any))
  const limits = fc.record({
    maxGap: fc.integer({ min: 0, max: 12 }),
    maxRegisters: fc.integer({ min: 10, max: 125 }),
    maxBits: fc.integer({ min: 1, max: 2000 }),
  })

  it('covers every point exactly once, within the limits, for any points', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 80 }), limits, (spans, limit) => {
        const reads = planRequests(spans, limit)
        expect(reads.flatMap((read) => [...read.members]).sort((a, b) => a - b)).toEqual([...spans.keys()])
        for (const read of reads) {
          expect(read.width).toBeLessThanOrEqual(isBitTable(read.register) ? limit.maxBits : limit.maxRegisters)
          for (const member of read.members) {
            const { register, address, width } = spans[member]!
            expect(register).toBe(read.register)
            expect(address >= read.address && address + width <= read.address + read.width).toBe(true)
          }
        }
      }),
    )
  })

  it('reads nothing that no point wants when no gap is allowed, and no longer gap than allowed', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 80 }), limits, (spans, limit) => {
        for (const read of planRequests(spans, limit)) {
          const wanted = new Set(
            read.members.flatMap((member) =>
              Array.from({ length: spans[member]!.width }, (_, n) => spans[member]!.address + n),
            ),
          )
          let gap = 0
          for (let address = read.address; address < read.address + read.width; address++) {
            gap = wanted.has(address) ? 0 : gap + 1
            expect(gap).toBeLessThanOrEqual(limit.maxGap)
          }
          expect(gap).toBe(0) // ends on a wanted address
        }
      }),
    )
  })
})
