// A set of sensor numbers that is filled and emptied all the time without allocating.

import type { SensorNumber } from '#domain/sensor.ts'

export class NumberSet {
  readonly #isIn: Uint8Array
  readonly #numbers: Uint32Array
  #count = 0

  /** @param size numbers run from 0 to size − 1. */
  constructor(size: number) {
    this.#isIn = new Uint8Array(size)
    this.#numbers = new Uint32Array(size)
  }

  /** Numbers run below this. */
  get size(): number {
    return this.#isIn.length
  }

  get count(): number {
    return this.#count
  }

  add(number: SensorNumber): void {
    if (number >= this.#isIn.length || this.#isIn[number] === 1) return
    this.#isIn[number] = 1
    this.#numbers[this.#count] = number
    this.#count += 1
  }

  /** The number at `index`, below `count`, in the order of adding. */
  at(index: number): SensorNumber {
    return this.#numbers[index]!
  }

  addAll(other: NumberSet): void {
    for (let index = 0; index < other.count; index++) this.add(other.at(index))
  }

  clear(): void {
    for (let index = 0; index < this.#count; index++) this.#isIn[this.#numbers[index]!] = 0
    this.#count = 0
  }
}
