// How rare is a deviation: the largest deviations of the recent past, and the tail that they span.
//
// In: one deviation (≥ 0) after the other. Out: the surprise −log10 P, where P estimates the chance of a reading that
// deviates at least as far. Nothing is assumed about the shape of the distribution but its tail, so that bell-shaped
// noise and bursty counts are judged by the same limit.

import type { StateReader, StateWriter } from '../learnt-state.ts'

/** Largest deviations that span the tail; the score differs by two points from 16 to 64 (docs/anomaly.md). */
const TAIL = 32

/** Generations of largest deviations; the oldest is forgotten whole. */
const ERAS = 4

/** Where the largest of all eras stand. */
const TOP = ERAS * TAIL

/** Heaviest tail believed in: 32 deviations do not tell more, and a heavier one would find nothing rare. */
const MAX_SHAPE = 0.75

/** Least scale, of the start of the tail: else coarsely quantised noise would make a hair's breadth look impossible. */
const MIN_SCALE = 0.05

/** Beyond 10^-20 no tail estimate means anything. */
const MAX_SURPRISE = 20

/**
 * Peaks over threshold: P(D > d) = TAIL / n · (1 + γ (d − dk) / σ)^(−1/γ), the generalised Pareto tail beyond dk, the
 * smallest of the TAIL largest of the n deviations remembered. Its shape γ is the moment estimate of Dekkers, Einmahl and
 * de Haan 1989 within 0 (exponential, as of bell-shaped noise) and 0.75 (bursts), its scale σ the mean excess times 1 − γ.
 * Use on streams: Siffer et al. 2017 (SPOT).
 * Remembers between 3 and 4 eras exactly as if every reading in them were kept. Memory: 8 · 32 · (4 + 1 + 1) bytes.
 */
export class TailModel {
  /** The largest deviations of each era, ascending, then those of all eras; unused places are −1. */
  readonly #largest = new Float64Array((ERAS + 1) * TAIL).fill(-1)
  /** Logarithms of those of all eras. */
  readonly #logs = new Float64Array(TAIL).fill(-Infinity)
  readonly #eraCounts: number[] = Array.from({ length: ERAS }, () => 0)
  #era = 0
  #count = 0

  /** Deviations remembered. */
  get count(): number {
    return this.#count
  }

  /** The deviation from which on readings are part of the tail; 0 while there are too few. */
  get tailStart(): number {
    return Math.max(0, this.#largest[TOP]!)
  }

  /**
   * Surprise of `deviation` (finite, ≥ 0) against those before, then learns it: −log10 P, 0 for all that is not in the
   * tail, at most 20. An era ends after `eraReadings`.
   */
  take(deviation: number, eraReadings: number): number {
    const surprise = deviation > this.#largest[TOP]! ? this.#surprise(deviation) : 0
    if (this.#eraCounts[this.#era]! >= eraReadings) this.#startEra()
    this.#eraCounts[this.#era]! += 1
    this.#count += 1
    const offset = this.#era * TAIL
    if (deviation > this.#largest[offset]!) insert(this.#largest, offset, deviation)
    if (deviation > this.#largest[TOP]!) {
      const at = insert(this.#largest, TOP, deviation)
      this.#logs.copyWithin(0, 1, at + 1)
      this.#logs[at] = Math.log(deviation)
    }
    return surprise
  }

  save(writer: StateWriter): void {
    writer.all(this.#largest).all(this.#eraCounts).add(this.#era)
  }

  restore(reader: StateReader): void {
    reader.fill(this.#largest, -1)
    for (let era = 0; era < ERAS; era++) this.#eraCounts[era] = reader.whole(0, Number.MAX_SAFE_INTEGER)
    this.#era = reader.whole(0, ERAS - 1)
    this.#count = this.#eraCounts.reduce((sum, count) => sum + count, 0)
    // The order is what the estimate stands on.
    for (let offset = 0; offset <= TOP; offset += TAIL) this.#largest.subarray(offset, offset + TAIL).sort()
    for (let at = 0; at < TAIL; at++) this.#logs[at] = Math.log(Math.max(0, this.#largest[TOP + at]!))
  }

  #surprise(deviation: number): number {
    const start = this.#largest[TOP]!
    if (start < 0) return 0
    if (start === 0) return this.#surpriseOfChange(deviation)
    let [excess, logs, squares] = [0, 0, 0]
    for (let at = 1; at < TAIL; at++) {
      const log = this.#logs[at]! - this.#logs[0]!
      logs += log
      squares += log * log
      excess += this.#largest[TOP + at]! - start
    }
    const others = TAIL - 1
    const shape = tailShape(logs / others, squares / others)
    const scale = Math.max((excess / others) * (1 - shape), start * MIN_SCALE)
    const scaled = (deviation - start) / scale
    const beyond = (shape < 1e-3 ? scaled : Math.log1p(shape * scaled) / shape) / Math.LN10
    return Math.min(MAX_SURPRISE, Math.max(0, Math.log10(this.#count / TAIL) + beyond))
  }

  /** Fewer than TAIL readings ever deviated: there is no tail, but their share is known. */
  #surpriseOfChange(deviation: number): number {
    if (deviation === 0) return 0
    let changes = 1
    for (let at = 0; at < TAIL; at++) if (this.#largest[TOP + at]! > 0) changes += 1
    return Math.log10(Math.max(1, this.#count / changes))
  }

  #startEra(): void {
    this.#era = (this.#era + 1) % ERAS
    this.#count -= this.#eraCounts[this.#era]!
    this.#eraCounts[this.#era] = 0
    const largest = this.#largest
    largest.fill(-1, this.#era * TAIL, (this.#era + 1) * TAIL)
    largest.fill(-1, TOP)
    for (let at = 0; at < TOP; at++) if (largest[at]! > largest[TOP]!) insert(largest, TOP, largest[at]!)
    for (let at = 0; at < TAIL; at++) this.#logs[at] = Math.log(Math.max(0, largest[TOP + at]!))
  }
}

/** Moment estimate of the shape, from the mean logarithm over the start of the tail and the mean of its square. */
function tailShape(logMean: number, squareMean: number): number {
  if (squareMean === 0) return 0
  const spread = Math.max(1e-6, 1 - (logMean * logMean) / squareMean)
  return Math.min(MAX_SHAPE, Math.max(0, logMean + 1 - 0.5 / spread))
}

/** Puts `value` into the ascending TAIL numbers from `offset`, the smallest of which drops out. Answers its place. */
function insert(sorted: Float64Array, offset: number, value: number): number {
  const end = offset + TAIL - 1
  let at = offset
  while (at < end && sorted[at + 1]! < value) {
    sorted[at] = sorted[at + 1]!
    at += 1
  }
  sorted[at] = value
  return at - offset
}
