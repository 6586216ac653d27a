// How often each sensor may be written: a bucket of tokens for each, refilled evenly.

import type { SensorNumber, WriteLimits } from '#domain/sensor.ts'
import type { Clock } from '#kit/clock.ts'

/** Of the writes of a minute, the part that may come at once. */
const BURST_SHARE = 1 / 10
const MINUTE_MS = 60_000

interface Bucket {
  tokens: number
  /** Monotonic milliseconds. */
  at: number
}

export class WriteRate {
  readonly #clock: Clock
  readonly #buckets = new Map<SensorNumber, Bucket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** 0 when a write may go now, and it is counted; else the milliseconds until one may. */
  take(sensor: SensorNumber, { perMinute }: WriteLimits): number {
    const now = this.#clock.monotonic()
    const size = Math.max(1, perMinute * BURST_SHARE)
    const bucket = this.#buckets.get(sensor) ?? { tokens: size, at: now }
    this.#buckets.set(sensor, bucket)
    bucket.tokens = Math.min(size, bucket.tokens + ((now - bucket.at) * perMinute) / MINUTE_MS)
    bucket.at = now
    const missing = 1 - bucket.tokens
    // What is missing by the rounding of the division is not worth a wait.
    if (missing > 1e-9) return Math.ceil((missing * MINUTE_MS) / perMinute)
    bucket.tokens -= 1
    return 0
  }
}
