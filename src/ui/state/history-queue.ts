// Fetches the last minutes of sensors whose sparkline has come into view, a few at a time.

import type { GatewayApi } from '../client/gateway-api.ts'
import type { Bucket } from '../client/wire.ts'
import type { LiveSensor } from './live-sensor.ts'

const LONGEST_SPAN_MS = 600_000
const SHORTEST_SPAN_MS = 60_000
const EVERY_SECONDS = 5
const AT_ONCE = 4
const LEAST_GAP_MS = 15_000

export class HistoryQueue {
  readonly #api: GatewayApi
  readonly #now: () => number
  readonly #known = new WeakSet<LiveSensor>()
  readonly #waiting: LiveSensor[] = []
  #running = 0
  #oldest = Number.POSITIVE_INFINITY

  constructor(api: GatewayApi, now: () => number) {
    this.#api = api
    this.#now = now
  }

  /**
   * Milliseconds that every sparkline shows: ten minutes, less on a gateway that has just begun, so that its first minute is not
   * a blot at the right edge. The same for all, so that they can be compared.
   */
  spanMs(now: number): number {
    return Math.min(LONGEST_SPAN_MS, Math.max(SHORTEST_SPAN_MS, now - this.#oldest))
  }

  /** Asks for the past of a sensor once; numeric and boolean sensors only. */
  want(live: LiveSensor): void {
    if (this.#known.has(live) || live.sensor.type === 'string') return
    this.#known.add(live)
    this.#waiting.push(live)
    this.#next()
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const live = this.#waiting.shift()
      if (live === undefined) return
      this.#running += 1
      void this.#load(live).finally(() => {
        this.#running -= 1
        this.#next()
      })
    }
  }

  /** Readings may be missing since some time: where a line has been drawn, they are asked for. */
  fill(sensors: readonly LiveSensor[]): void {
    for (const live of sensors) {
      if (live.gapFrom === null || !this.#known.has(live) || this.#waiting.includes(live)) continue
      this.#waiting.push(live)
    }
    this.#next()
  }

  async #load(live: LiveSensor): Promise<void> {
    const to = this.#now()
    try {
      const signal = AbortSignal.timeout(15_000)
      const buckets = await this.#api.buckets(live.sensor.id, { from: to - LONGEST_SPAN_MS, to }, EVERY_SECONDS, signal)
      const { times, values } = pointsOf(buckets)
      live.fillGap(to, times, values)
      live.series.prepend(times, values)
      this.#oldest = Math.min(this.#oldest, live.series.firstTime)
    } catch {
      this.#known.delete(live) // the sparkline begins with the live values, and asks again when it is next seen
    }
  }
}

function pointsOf(buckets: readonly Bucket[]): {
  readonly times: readonly number[]
  readonly values: readonly number[]
} {
  const times: number[] = []
  const values: number[] = []
  const gapMs = gapBetween(buckets.map(({ time }) => time))
  for (const { time, min, max, last } of buckets) {
    const before = times.at(-1)
    if (before !== undefined && time - before > gapMs) {
      times.push(before + 1)
      values.push(Number.NaN)
    }
    // The extreme that is farther from the last value, then that: a spike must not vanish in a mean.
    if (min !== max) {
      times.push(time, time + EVERY_SECONDS * 400)
      values.push(last - min > max - last ? min : max, last)
    } else {
      times.push(time)
      values.push(last)
    }
  }
  return { times, values }
}

/**
 * A pause from which on the line is broken: buckets do not tell an outage from silence within a deadband, but an outage stands
 * out from the sensor's usual distance.
 */
function gapBetween(times: readonly number[]): number {
  const distances = times.slice(1).map((time, index) => time - times[index]!)
  const usual = distances.sort((a, b) => a - b)[distances.length >> 1] ?? 0
  return Math.max(LEAST_GAP_MS, usual * 6)
}
