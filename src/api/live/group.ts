// The live clients that want the same sensors: changes are gathered and put into words once for all of them.

import type { Clock, Timer } from '#kit/clock.ts'
import type { LiveClient } from './client.ts'
import { NumberSet } from './number-set.ts'

/** Shortest time between two messages of readings. */
export const INTERVAL_MS = 50

interface LiveGroupOptions {
  readonly clock: Clock
  /** 1 for each sensor number that this group wants. */
  readonly wanted: Uint8Array
  readonly patterns: readonly string[]
  readonly matches: (sensorId: string) => boolean
  /** Where the feed stands. */
  readonly position: () => number
  readonly readingsMessage: (sensors: NumberSet, position: number) => Buffer
}

export class LiveGroup {
  readonly clients = new Set<LiveClient>()
  readonly patterns: readonly string[]
  readonly matches: (sensorId: string) => boolean
  readonly #clock: Clock
  readonly #position: () => number
  readonly #readingsMessage: (sensors: NumberSet, position: number) => Buffer
  #wanted: Uint8Array
  #changed: NumberSet
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: Timer | null = null

  constructor(options: LiveGroupOptions) {
    this.#clock = options.clock
    this.#wanted = options.wanted
    this.#position = options.position
    this.#readingsMessage = options.readingsMessage
    this.patterns = options.patterns
    this.matches = options.matches
    this.#changed = new NumberSet(options.wanted.length)
  }

  /** Every sensor that this group wants. */
  everything(): NumberSet {
    const all = new NumberSet(this.#wanted.length)
    for (let number = 0; number < this.#wanted.length; number++) if (this.#wanted[number] === 1) all.add(number)
    return all
  }

  /** Takes note of changes: the first goes out at once, those that follow within INTERVAL_MS go together. */
  collect(changed: Uint32Array, count: number): void {
    for (let index = 0; index < count; index++) {
      const number = changed[index]!
      if (this.#wanted[number] === 1) this.#changed.add(number)
    }
    if (this.#changed.count === 0 || this.#timer !== null) return
    const waitMs = this.#sentAt + INTERVAL_MS - this.#clock.monotonic()
    if (waitMs <= 0) this.flush()
    else this.#timer = this.#clock.after(waitMs, () => this.flush())
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#changed.count === 0) return
    this.#sentAt = this.#clock.monotonic()
    const position = this.#position()
    const message = this.#readingsMessage(this.#changed, position)
    for (const client of this.clients) client.readings(message, this.#changed, position)
    this.#changed.clear()
  }

  /** The model has changed. */
  rewire(wanted: Uint8Array): void {
    this.flush()
    this.#wanted = wanted
    this.#changed = new NumberSet(wanted.length)
    for (const client of this.clients) client.resize(wanted.length)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
