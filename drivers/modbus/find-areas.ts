// Which addresses of a table can be read, with few requests. Pure: the caller asks, and tells what became of it.
//
//   a block is answered    → all of it can be read
//   a block is refused     → single addresses at every `step` are tried; from one that is answered the area is measured
//                            to both sides by bisection
//
// An area shorter than `step` between two tried addresses is not found; with step 1 nothing is missed.

/** Consecutive addresses that are asked for at once. */
export interface Ask {
  readonly address: number
  readonly width: number
}

/** `absent`: the device lacks the whole table. `failed`: no answer, or one that says nothing about addresses. */
export type AskOutcome = 'answered' | 'refused' | 'absent' | 'failed'

/** Both ends included. */
export interface Area {
  readonly from: number
  readonly to: number
}

export interface FoundAreas {
  readonly areas: readonly Area[]
  /** The longest read that was answered is shorter than what could be read: the device has a limit of its own. */
  readonly maxWidth: number | null
  /** The device lacks the table. */
  readonly isAbsent: boolean
  /** Blocks of which nothing is known. */
  readonly failed: readonly Area[]
}

export interface AreaSearch {
  readonly from: number
  readonly to: number
  /** Addresses of one request, at most what the protocol allows. */
  readonly block: number
  readonly step: number
}

type Search = Generator<Ask, void, AskOutcome>

/** Failures in a row after which a table is given up. */
const MAX_FAILURES = 3

export function* findAreas(search: AreaSearch): Generator<Ask, FoundAreas, AskOutcome> {
  const finder = new AreaFinder(search)
  yield* finder.run()
  return finder.found
}

class AreaFinder {
  readonly #search: AreaSearch
  readonly #areas: Area[] = []
  readonly #failed: Area[] = []
  /** Longest read that may be tried. */
  #block: number
  #maxWidth: number | null = null
  #isAbsent = false
  #failures = 0

  constructor(search: AreaSearch) {
    this.#search = search
    this.#block = search.block
  }

  get found(): FoundAreas {
    return { areas: this.#areas, maxWidth: this.#maxWidth, isAbsent: this.#isAbsent, failed: this.#failed }
  }

  *run(): Search {
    const { from, to } = this.#search
    let at = from
    while (at <= to && !this.#isAbsent && this.#failures < MAX_FAILURES) {
      const width = Math.min(this.#block, to - at + 1)
      const outcome = yield { address: at, width }
      if (outcome === 'answered') this.#add({ from: at, to: at + width - 1 })
      else if (outcome === 'absent') this.#isAbsent = true
      else if (outcome === 'failed') this.#failed.push({ from: at, to: at + width - 1 })
      else if (width > 1) yield* this.#lookInto(at, at + width - 1)
      this.#failures = outcome === 'failed' ? this.#failures + 1 : 0
      at = Math.max(at + width, this.#end + 1)
    }
    if (at <= to && this.#failures >= MAX_FAILURES) this.#failed.push({ from: at, to })
  }

  get #end(): number {
    return this.#areas.at(-1)?.to ?? -1
  }

  /** A block that was refused as a whole. */
  *#lookInto(first: number, last: number): Search {
    const { step } = this.#search
    let refused = Math.max(first, this.#end + 1) - 1
    for (let at = first; at <= last; at = (Math.floor(at / step) + 1) * step) {
      if (at <= this.#end) continue
      if ((yield { address: at, width: 1 }) !== 'answered') {
        refused = at
        continue
      }
      const from = yield* this.#begin(Math.max(refused, this.#end) + 1, at)
      this.#add({ from, to: at })
      yield* this.#extend()
      refused = this.#end
    }
  }

  /** The lowest address from `lowest` on from where `at` can be reached. */
  *#begin(lowest: number, at: number): Generator<Ask, number, AskOutcome> {
    let refused = Math.max(lowest, at - this.#block + 1) - 1
    let answered = at
    while (answered - refused > 1) {
      const middle = (answered + refused) >> 1
      if ((yield { address: middle, width: at - middle + 1 }) === 'answered') answered = middle
      else refused = middle
    }
    return answered
  }

  /** From the end of the last area on, as far as it goes. */
  *#extend(): Search {
    const { to } = this.#search
    while (this.#end < to) {
      const start = this.#end + 1
      const most = Math.min(this.#block, to - start + 1)
      if (most > 1 && (yield { address: start, width: most }) === 'answered') {
        this.#add({ from: start, to: start + most - 1 })
        continue
      }
      if ((yield { address: start, width: 1 }) !== 'answered') return
      const width = yield* this.#widest(start, most)
      this.#add({ from: start, to: start + width - 1 })
      if (width === most) continue
      if ((yield { address: start + width, width: 1 }) !== 'answered') return
      // What is behind it can be read, but not together: a limit of the device, or a border that no read may cross.
      if (width < this.#block && width > 1) this.#block = this.#maxWidth = width
    }
  }

  /** Widest read from `start` that is answered; 1 is. */
  *#widest(start: number, most: number): Generator<Ask, number, AskOutcome> {
    let answered = 1
    let refused = Math.max(2, most)
    if (most <= 1) return 1
    while (refused - answered > 1) {
      const middle = (answered + refused) >> 1
      if ((yield { address: start, width: middle }) === 'answered') answered = middle
      else refused = middle
    }
    return answered
  }

  #add(area: Area): void {
    const before = this.#areas.at(-1)
    if (before !== undefined && before.to >= area.from - 1)
      this.#areas[this.#areas.length - 1] = { ...before, to: area.to }
    else this.#areas.push(area)
  }
}
