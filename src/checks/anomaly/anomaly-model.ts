// The adaptive anomaly score of one sensor: how far a reading is from what the sensor's past makes likely.
//
// Three baselines (the level of late, the same time on other days, the same time in other weeks), three spans (this
// reading; the mean deviation of late, short and long), each deviation judged by the tail of its own past.
// docs/anomaly.md tells what else was tried and what each scored.

import type { StateReader, StateWriter } from '../learnt-state.ts'
import { Pace } from './pace.ts'
import { SeasonalProfile } from './seasonal-profile.ts'
import { TailModel } from './tail-model.ts'

const DAY_MS = 86_400_000

export const BASELINES = ['level', 'day', 'week'] as const
export type Baseline = (typeof BASELINES)[number]

/** Readings before the first score. */
export const LEARNING_READINGS = 150

/** Memory of the level in readings: a day's, but never fewer than these; the constant that matters most (docs/anomaly.md). */
const MIN_HORIZON = 2000
const MAX_HORIZON = 10_000_000

/** In horizons: the spans over which deviations are averaged, besides the reading itself. */
const SPAN_HORIZONS = [1 / 200, 1 / 20]
const SPANS = 1 + SPAN_HORIZONS.length
/** In horizons: what is forgotten at once, and how long a surprise stays known. */
const ERA_HORIZONS = 2
const KNOWN_HORIZONS = 1 / 20

/** Slots of the profiles: a quarter of an hour of the day, an hour of the week. */
const DAY_SLOTS = 96
const WEEK_SLOTS = 168
const DAY_GAIN = 0.1
const WEEK_GAIN = 0.3

/** Readings nearer to each other than five minutes are looks at the same thing: they share one chance of surprise. */
const LOOKS_PER_DAY = 288

/** Of a surprise that lasts, only one that grows by this factor is news. */
const GROWTH = 1.2
/** Surprises below this are not remembered as known. */
const MIN_KNOWN = 2

/** Values are limited to ± this, so that no sum overflows. */
const MAX_MAGNITUDE = 1e150

/** What stood behind a score. */
export interface AnomalyDetail {
  /** The baseline that was missed by the most. */
  readonly baseline: Baseline
  /** What it expected, in the sensor's unit. */
  readonly expected: number
  /** Mean deviation from it over the last `span` readings, or of the reading itself where `span` is 1. */
  readonly deviation: number
  /** Deviations up to here were usual: the start of the tail. */
  readonly usual: number
  readonly span: number
  /** Readings in memory that it was compared with. */
  readonly window: number
}

/** Takes finite values with their times, one at a time, without looking ahead. Never allocates after construction. */
export class AnomalyModel {
  readonly #pace = new Pace()
  readonly #day = new SeasonalProfile(DAY_MS, DAY_SLOTS, DAY_GAIN)
  readonly #week = new SeasonalProfile(7 * DAY_MS, WEEK_SLOTS, WEEK_GAIN)
  /** By baseline, then by span: the tail of its deviations, and the mean deviation now. */
  readonly #tails = Array.from({ length: BASELINES.length * SPANS }, () => new TailModel())
  readonly #means = new Float64Array(BASELINES.length * SPANS)
  readonly #expected = new Float64Array(BASELINES.length)
  #count = 0
  /** All arithmetic is on value − origin: large offsets cost no digits. */
  #origin = 0
  #level = 0
  #last = 0
  #grain = 0
  #sinceKnown = Infinity
  #known = 0
  #surprise = 0
  #horizon = MIN_HORIZON
  /** Of the last reading: which baseline and span surprised the most. */
  #baseline = 0
  #span = 0

  /** Readings taken. */
  get count(): number {
    return this.#count
  }

  /** Surprise of the last reading, also where it is no news. */
  get surprise(): number {
    return this.#surprise
  }

  /** Some 2,000 numbers. */
  save(writer: StateWriter): void {
    writer.add(this.#count, this.#origin, this.#level, this.#last, this.#grain)
    writer.add(this.#sinceKnown, this.#known, this.#horizon)
    this.#pace.save(writer)
    this.#day.save(writer)
    this.#week.save(writer)
    writer.all(this.#means)
    for (const tail of this.#tails) tail.save(writer)
  }

  restore(reader: StateReader): void {
    this.#count = reader.whole(0, Number.MAX_SAFE_INTEGER)
    this.#origin = reader.number()
    this.#level = reader.number()
    this.#last = reader.number()
    this.#grain = reader.number(0)
    this.#sinceKnown = reader.numberOr(Infinity)
    this.#known = reader.number(0)
    this.#horizon = reader.number(MIN_HORIZON)
    this.#pace.restore(reader)
    this.#day.restore(reader)
    this.#week.restore(reader)
    reader.fill(this.#means)
    for (const tail of this.#tails) tail.restore(reader)
  }

  /** What the last reading was compared with. Allocates: for findings only. */
  describe(): AnomalyDetail {
    const at = this.#baseline * SPANS + this.#span
    const tail = this.#tails[at]!
    const span = this.#span === 0 ? 1 : Math.max(1, this.#horizon * SPAN_HORIZONS[this.#span - 1]!)
    return {
      baseline: BASELINES[this.#baseline]!,
      expected: this.#origin + this.#expected[this.#baseline]!,
      deviation: this.#means[at]!,
      usual: tail.tailStart + this.#grain / span,
      span: Math.round(span),
      window: tail.count,
    }
  }

  /**
   * Learns a reading (`value` finite, `time` in Unix milliseconds) after having judged it. Answers its surprise where it
   * is news, else 0: about −log10 of the chance of such a reading, 0 … 20.
   */
  take(value: number, time: number): number {
    const limited = Math.min(MAX_MAGNITUDE, Math.max(-MAX_MAGNITUDE, value))
    if (this.#count === 0) this.#origin = limited
    const relative = limited - this.#origin
    this.#pace.take(time)
    const perDay = this.#pace.readingsPerDay
    const horizon = Math.min(MAX_HORIZON, Math.max(MIN_HORIZON, perDay))
    this.#expected[0] = this.#count === 0 ? Number.NaN : this.#level
    this.#expected[1] = this.#day.expect(time)
    this.#expected[2] = this.#week.expect(time)
    this.#horizon = horizon
    const surprise = this.#judge(relative, horizon) - Math.log10(Math.max(1, perDay / LOOKS_PER_DAY))
    this.#learn(relative, horizon)
    this.#surprise = Math.max(0, surprise)
    const news = this.#news(this.#surprise, horizon)
    // While it learns a surprise is noted, so that its echo in the means is no news later, but not told.
    return this.#count <= LEARNING_READINGS ? 0 : news
  }

  /**
   * Half the greatest surprise of the three baselines and a quarter of their sum: one that all three share counts more
   * than one that a single baseline has. A baseline without a past yet adds nothing.
   */
  #judge(relative: number, horizon: number): number {
    let greatest = -1
    let sum = 0
    for (let baseline = 0; baseline < BASELINES.length; baseline++) {
      const deviation = relative - this.#expected[baseline]!
      if (Number.isNaN(deviation)) continue
      let surprise = -1
      let surprising = 0
      for (let span = 0; span < SPANS; span++) {
        const readings = span === 0 ? 1 : Math.max(1, horizon * SPAN_HORIZONS[span - 1]!)
        const one = this.#judgeSpan(baseline * SPANS + span, deviation, readings, horizon)
        if (one <= surprise) continue
        surprise = one
        surprising = span
      }
      sum += surprise
      if (surprise <= greatest) continue
      greatest = surprise
      this.#baseline = baseline
      this.#span = surprising
    }
    return Math.max(0, greatest) / 2 + sum / 4
  }

  #judgeSpan(at: number, deviation: number, readings: number, horizon: number): number {
    this.#means[at]! += (deviation - this.#means[at]!) / readings
    // What does not exceed the grain, the smallest step that the sensor ever made, is no deviation: it may know but two
    // values, or flicker by its last digit. In a mean over n readings one such step weighs an n-th.
    const beyondGrain = Math.max(0, Math.abs(this.#means[at]!) - this.#grain / readings)
    return this.#tails[at]!.take(beyondGrain, horizon * ERA_HORIZONS)
  }

  #learn(relative: number, horizon: number): void {
    this.#count += 1
    const step = Math.abs(relative - this.#last)
    if (this.#count > 1 && step > 0 && (this.#grain === 0 || step < this.#grain)) this.#grain = step
    this.#last = relative
    this.#level += (relative - this.#level) * Math.max(1 / this.#count, 1 / horizon)
    this.#day.learn(relative)
    this.#week.learn(relative)
  }

  #news(surprise: number, horizon: number): number {
    this.#sinceKnown += 1
    const isKnown = this.#sinceKnown < horizon * KNOWN_HORIZONS && surprise <= this.#known * GROWTH
    if (isKnown) return 0
    if (surprise > MIN_KNOWN) {
      this.#sinceKnown = 0
      this.#known = surprise
    }
    return surprise
  }
}
