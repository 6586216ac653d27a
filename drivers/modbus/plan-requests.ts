// The planner: which requests read a set of points. Pure. Neighbours are merged, a point is never split over two requests
// (its registers would be of two moments), and with `maxGap` 0 nothing is read that no point wants.

import { isBitTable, REGISTERS, type Register } from './point.ts'

/** Consecutive addresses of one table. */
export interface Span {
  readonly register: Register
  readonly address: number
  readonly width: number
}

export interface PlanLimits {
  /** Unwanted addresses between two points that one request may read over. */
  readonly maxGap: number
  /** Input or holding registers in one request, 1 … 125; no span may be wider. */
  readonly maxRegisters: number
  /** Coils or discrete inputs in one request, 1 … 2000. */
  readonly maxBits: number
}

/** One read request. */
export interface PlannedRead extends Span {
  /** Positions of the spans that it covers. */
  readonly members: readonly number[]
}

/** Requests that cover every span exactly once, ordered by table and address. */
export function planRequests(spans: readonly Span[], limits: PlanLimits): readonly PlannedRead[] {
  return REGISTERS.flatMap((register) => planTable(register, spans, limits))
}

function planTable(register: Register, spans: readonly Span[], limits: PlanLimits): PlannedRead[] {
  const most = isBitTable(register) ? limits.maxBits : limits.maxRegisters
  const order = [...spans.keys()].filter((index) => spans[index]!.register === register)
  order.sort((a, b) => spans[a]!.address - spans[b]!.address || spans[a]!.width - spans[b]!.width)
  const reads: PlannedRead[] = []
  let first = 0
  while (first < order.length) {
    const address = spans[order[first]!]!.address
    let end = address
    let next = first
    while (next < order.length) {
      const span = spans[order[next]!]!
      const newEnd = Math.max(end, span.address + span.width)
      const fits = next === first || (span.address <= end + limits.maxGap && newEnd - address <= most)
      if (!fits) break
      end = newEnd
      next += 1
    }
    reads.push({ register, address, width: end - address, members: order.slice(first, next) })
    first = next
  }
  return reads
}
