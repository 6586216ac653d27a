// The planner: which requests read a set of points. Pure. Neighbours are merged, over holes up to `maxGap`, but never over
// what the device is known to refuse; a point is never split over two requests (its registers would be of two moments).

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
  /** Nothing is merged: each request reads the addresses of one point. */
  readonly onePerRequest: boolean
  /** The first request of each table begins at address 0. */
  readonly zeroStart: boolean
}

/** What the planner may know about a device: learned.ts; `KNOWS_NOTHING` is a device that was never asked. */
export interface PlanKnowledge {
  /** True when a merged read of these addresses is known to be refused. */
  refuses(span: Span): boolean
  /** True when these addresses, asked for alone, were refused. */
  refusesAlone(span: Span): boolean
  /** Longest read to try, given what the configuration allows. */
  longest(register: Register, configured: number): number
}

export const KNOWS_NOTHING: PlanKnowledge = {
  refuses: () => false,
  refusesAlone: () => false,
  longest: (_register, configured) => configured,
}

/** Addresses that are read together or not at all, and the positions of the spans that are exactly these. */
export interface Cell extends Span {
  readonly members: readonly number[]
}

/** One read request. */
export interface PlannedRead extends Span {
  /** By address, then by width. */
  readonly cells: readonly Cell[]
}

export interface Plan {
  /** Ordered by table and address. */
  readonly reads: readonly PlannedRead[]
  /** Known to be refused even when asked for alone; in no read. */
  readonly refused: readonly Cell[]
}

/** Reads and refused cells hold every span exactly once. */
export function planRequests(spans: readonly Span[], limits: PlanLimits, known = KNOWS_NOTHING): Plan {
  const cells = REGISTERS.map((register) => cellsOf(register, spans, limits))
  return {
    reads: cells.flatMap((table) =>
      merged(
        table.filter((cell) => !known.refusesAlone(cell)),
        limits,
        known,
      ),
    ),
    refused: cells.flat().filter((cell) => cell.members.length > 0 && known.refusesAlone(cell)),
  }
}

/** A read of exactly these cells, of one table. */
export function readOf(cells: readonly Cell[]): PlannedRead {
  const { register, address } = cells[0]!
  const end = Math.max(...cells.map((cell) => cell.address + cell.width))
  return { register, address, width: end - address, cells }
}

function cellsOf(register: Register, spans: readonly Span[], limits: PlanLimits): Cell[] {
  const order = [...spans.keys()].filter((index) => spans[index]!.register === register)
  if (order.length === 0) return []
  order.sort((a, b) => spans[a]!.address - spans[b]!.address || spans[a]!.width - spans[b]!.width)
  const cells: { register: Register; address: number; width: number; members: number[] }[] = []
  if (limits.zeroStart && spans[order[0]!]!.address > 0) cells.push({ register, address: 0, width: 1, members: [] })
  for (const index of order) {
    const { address, width } = spans[index]!
    const last = cells.at(-1)
    if (last?.address === address && last.width === width) last.members.push(index)
    else cells.push({ register, address, width, members: [index] })
  }
  return cells
}

function merged(cells: readonly Cell[], limits: PlanLimits, known: PlanKnowledge): PlannedRead[] {
  const reads: PlannedRead[] = []
  let next = 0
  while (next < cells.length) {
    const read = longestFrom(cells, next, limits, known)
    reads.push(read)
    next += read.cells.length
  }
  return reads
}

/** As many cells from `first` on as one request may read. */
function longestFrom(cells: readonly Cell[], first: number, limits: PlanLimits, known: PlanKnowledge): PlannedRead {
  const { register, address, width } = cells[first]!
  const most = known.longest(register, isBitTable(register) ? limits.maxBits : limits.maxRegisters)
  let end = address + width
  let count = 1
  while (first + count < cells.length && !limits.onePerRequest) {
    const cell = cells[first + count]!
    // Cells without a point only lead there from address 0, over any distance.
    const maxGap = cells[first + count - 1]!.members.length === 0 ? Number.POSITIVE_INFINITY : limits.maxGap
    const newEnd = Math.max(end, cell.address + cell.width)
    if (cell.address > end + maxGap || newEnd - address > most) break
    if (known.refuses({ register, address, width: newEnd - address })) break
    end = newEnd
    count += 1
  }
  return { register, address, width: end - address, cells: cells.slice(first, first + count) }
}
