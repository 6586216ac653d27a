// What a detector has learnt, as a row of numbers: written and read in the same order. What is read comes from a file and
// is not trusted: a number that cannot be makes the whole state of no use.

/** Thrown within `restore` only. */
class UnfitState extends Error {}

export class StateWriter {
  readonly #numbers: number[] = []

  add(...numbers: readonly number[]): this {
    this.#numbers.push(...numbers)
    return this
  }

  all(numbers: Iterable<number>): this {
    for (const number of numbers) this.#numbers.push(number)
    return this
  }

  finish(): Float64Array {
    return Float64Array.from(this.#numbers)
  }
}

export class StateReader {
  readonly #numbers: Float64Array
  #at = 0

  constructor(numbers: Float64Array) {
    this.#numbers = numbers
  }

  get rest(): number {
    return this.#numbers.length - this.#at
  }

  /** The next number, finite and at least `least`. */
  number(least = -Infinity): number {
    const value = this.#next()
    if (!Number.isFinite(value) || value < least) throw new UnfitState()
    return value
  }

  /** As `number`, where one exception stands for what there is not yet. */
  numberOr(exception: number): number {
    const value = this.#next()
    if (!Number.isFinite(value) && !Object.is(value, exception)) throw new UnfitState()
    return value
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    const value = this.number(least)
    if (!Number.isInteger(value) || value > most) throw new UnfitState()
    return value
  }

  /** Fills `target` with finite numbers that are at least `least`. */
  fill(target: Float64Array | Uint32Array | number[], least = -Infinity): void {
    for (let at = 0; at < target.length; at++) target[at] = this.number(least)
  }

  #next(): number {
    if (this.#at >= this.#numbers.length) throw new UnfitState()
    return this.#numbers[this.#at++]!
  }
}

/** Runs `read` over the state. False when it does not fit, to the last number; what was read so far is then of no use. */
export function restored(state: Float64Array, read: (reader: StateReader) => void): boolean {
  const reader = new StateReader(state)
  try {
    read(reader)
  } catch (error) {
    if (error instanceof UnfitState) return false
    throw error
  }
  return reader.rest === 0
}
