// What to ask when a read was refused as a whole: bisection, and what follows from its answers. Pure: the caller asks, and
// tells what became of it.
//
//   one cell                              → refused alone: its points are bad, it is left out of later plans
//   several                               → two halves, cut at a hole if there is one; both are asked
//   both halves answered, hole between    → is the hole to blame, or the length? A short read over the hole decides
//   both halves answered, no hole         → too long; or, when such a length was answered before, a border not to be crossed

import type { Learned } from './learned.ts'
import { readOf, type Cell, type PlannedRead } from './plan-requests.ts'

/** `refused`: exception 2 or 3. `short`: an answer with less than was asked for. `failed`: anything else that says nothing about addresses. */
export type Outcome = 'answered' | 'refused' | 'short' | 'failed'

export type Step =
  /** Ask for this; its points get their results from the answer. */
  | { readonly kind: 'ask'; readonly read: PlannedRead }
  /** Ask for this only to learn; its points have their results. */
  | { readonly kind: 'probe'; readonly read: PlannedRead }
  /** These points were refused alone. */
  | { readonly kind: 'refused'; readonly cell: Cell }
  /** Refused together, and asking on is for the next poll. */
  | { readonly kind: 'postponed'; readonly read: PlannedRead }

/** Bounds the requests of one poll that only serve to learn: a device that refuses everything must not hold up its bus. */
export interface Budget {
  left: number
}

/**
 * Steps after `read` had this outcome (`refused` or `short`); `next` takes the outcome of `ask` and `probe`. Every point of
 * the read gets its result by exactly one step.
 */
export function* splitRead(
  read: PlannedRead,
  outcome: 'refused' | 'short',
  learned: Learned,
  budget: Budget,
): Generator<Step, void, Outcome> {
  if (outcome === 'short') learned.noteTooLong(read)
  const cut = bestCut(read.cells)
  if (cut === null) {
    yield { kind: 'refused', cell: read.cells[0]! }
    return
  }
  if (budget.left <= 0) {
    yield { kind: 'postponed', read }
    return
  }
  const halves = [readOf(read.cells.slice(0, cut)), readOf(read.cells.slice(cut))] as const
  let answered = 0
  for (const half of halves) {
    budget.left -= 1
    const result = yield { kind: 'ask', read: half }
    if (result === 'answered') answered += 1
    else if (result !== 'failed') yield* splitRead(half, result, learned, budget)
  }
  if (answered === 2 && outcome === 'refused') yield* blame(read, halves, learned)
}

/** Both halves are answered, the whole is not: why? */
function* blame(
  whole: PlannedRead,
  [left, right]: readonly [PlannedRead, PlannedRead],
  learned: Learned,
): Generator<Step, void, Outcome> {
  const { register } = whole
  const end = left.address + left.width
  const gap = right.address - end
  const isLengthKnown = learned.hasAnswered(whole)
  if (gap <= 0) {
    if (!isLengthKnown) learned.noteTooLong(whole)
    else learned.noteBarrier(gap < 0 ? whole : { register, address: end - 1, width: 2 })
    return
  }
  const hole = { register, address: end, width: gap }
  const before = left.cells.find((cell) => cell.address + cell.width === end)!
  const bridge = readOf([before, right.cells[0]!])
  if (isLengthKnown || bridge.width === whole.width) {
    learned.noteBarrier(hole)
    return
  }
  const result = yield { kind: 'probe', read: bridge }
  if (result === 'answered') learned.noteTooLong(whole)
  else if (result !== 'failed') learned.noteBarrier(hole)
}

/** Where to cut: before which cell. At a hole rather than not, near the middle; null for a single cell. */
function bestCut(cells: readonly Cell[]): number | null {
  const { address, width } = readOf(cells)
  const middle = address + width / 2
  let best: number | null = null
  let bestCost = Number.POSITIVE_INFINITY
  let end = 0
  for (let index = 1; index < cells.length; index++) {
    const before = cells[index - 1]!
    end = Math.max(end, before.address + before.width)
    const start = cells[index]!.address
    const cost = Math.abs((end + start) / 2 - middle) + (start > end ? 0 : width)
    if (cost < bestCost) {
      best = index
      bestCost = cost
    }
  }
  return best
}
