// Runs the stored readings of a sensor, and of the others that its checks look at, through a trial in order of time.

import type { History, StoredReading } from '#domain/history.ts'
import { numericValue } from '#domain/value.ts'
import type { CheckTrial } from '#domain/views.ts'
import type { TimeRange } from './time.ts'

const CHUNK = 10_000
/** More readings than this are left out, and the answer says so. */
const MAX_READINGS = 2_000_000
/** How long before the period another sensor may have had its last reading: one that sends changes only is silent for long. */
const LEAD_IN_MS = 7 * 86_400_000

export interface ReplayRequest {
  readonly trial: CheckTrial
  readonly history: History
  /** Full id of the sensor on trial. */
  readonly sensor: string
  readonly range: TimeRange
  readonly signal: AbortSignal
}

export interface ReplayResult {
  /** Of the sensor on trial. */
  readonly readings: number
  readonly isTruncated: boolean
  readonly highestScore: number
}

export async function replay(request: ReplayRequest): Promise<ReplayResult> {
  const { trial, sensor } = request
  const others = trial.operands.map((id) => new Series(id, request))
  const own = new Series(sensor, request)
  for (const other of others) await prime(trial, other.sensor, request)
  let [readings, taken, highestScore] = [0, 0, 0]
  for (;;) {
    // At one time the others come first: what an expression then judges is the state of that moment.
    let next: Series | null = null
    for (const series of [...others, own]) {
      if (series.head === undefined) await series.fill()
      if (series.head && (!next?.head || series.head.time < next.head.time)) next = series
    }
    if (!next?.head || taken >= MAX_READINGS) return { readings, isTruncated: next !== null, highestScore }
    const { value, time, status } = next.head
    next.shift()
    taken += 1
    if (next !== own) {
      trial.observe(next.sensor, value, time, status)
      continue
    }
    readings += 1
    const { score } = trial.take(value === null ? Number.NaN : numericValue(value), time, status)
    if (score > highestScore) highestScore = score
  }
}

async function prime(trial: CheckTrial, sensor: string, { history, range, signal }: ReplayRequest): Promise<void> {
  const { items } = await history.readings(
    { sensor, from: range.from - LEAD_IN_MS, to: range.from, limit: 1, cursor: null, order: 'newestFirst' },
    signal,
  )
  const [last] = items
  if (last) trial.prime(sensor, last.value, last.status)
}

/** The readings of one sensor, a page at a time. */
class Series {
  readonly sensor: string
  readonly #request: ReplayRequest
  #page: readonly StoredReading[] = []
  #at = 0
  #cursor: string | null = null
  #isOver = false

  constructor(sensor: string, request: ReplayRequest) {
    this.sensor = sensor
    this.#request = request
  }

  /** The next reading; null at the end, undefined: to be filled. */
  get head(): StoredReading | null | undefined {
    return this.#page[this.#at] ?? (this.#isOver ? null : undefined)
  }

  shift(): void {
    this.#at += 1
  }

  async fill(): Promise<void> {
    const { history, range, signal } = this.#request
    do {
      const page = await history.readings(
        { sensor: this.sensor, ...range, limit: CHUNK, cursor: this.#cursor, order: 'oldestFirst' },
        signal,
      )
      this.#page = page.items
      this.#at = 0
      this.#cursor = page.next
      this.#isOver = page.next === null
    } while (this.#page.length === 0 && !this.#isOver)
  }
}
