// Signals: a value for each moment. Pure but for their random source; asked with times that never go back.

import { gaussian } from '#kit/random.ts'

export type SignalSpec = { readonly noise?: number | undefined } & (
  | {
      readonly type: 'sine'
      readonly mean: number
      readonly amplitude: number
      readonly period: number
      readonly phase: number
    }
  | { readonly type: 'ramp'; readonly from: number; readonly to: number; readonly period: number }
  | { readonly type: 'counter'; readonly start: number; readonly perSecond: number }
  | {
      readonly type: 'square'
      readonly low: number
      readonly high: number
      readonly period: number
      readonly duty: number
    }
  | { readonly type: 'noise'; readonly mean: number; readonly deviation: number }
  | { readonly type: 'walk'; readonly start: number; readonly step: number; readonly min: number; readonly max: number }
  | { readonly type: 'replay'; readonly rows: readonly ReplayRow[]; readonly interval: number; readonly loop: boolean }
)

export interface ReplayRow {
  /** Milliseconds from the first row; null: one row for each interval. */
  readonly atMs: number | null
  readonly value: number
}

/** The value at a time, in seconds from the start. */
export type Signal = (seconds: number) => number

/** Periods and intervals are in milliseconds, as the configuration decodes them. */
export function createSignal(spec: SignalSpec, random: () => number): Signal {
  const clean = cleanSignal(spec, random)
  const { noise = 0 } = spec
  return noise === 0 ? clean : (seconds) => clean(seconds) + gaussian(random) * noise
}

function cleanSignal(spec: SignalSpec, random: () => number): Signal {
  switch (spec.type) {
    case 'sine':
      return (seconds) =>
        spec.mean + spec.amplitude * Math.sin(2 * Math.PI * (turns(seconds, spec.period) + spec.phase))
    case 'ramp':
      return (seconds) => spec.from + (spec.to - spec.from) * (turns(seconds, spec.period) % 1)
    case 'counter':
      return (seconds) => Math.floor(spec.start + spec.perSecond * seconds)
    case 'square':
      return (seconds) => (turns(seconds, spec.period) % 1 < spec.duty ? spec.high : spec.low)
    case 'noise':
      return () => spec.mean + gaussian(random) * spec.deviation
    case 'walk':
      return walk(spec, random)
    case 'replay':
      return replay(spec.rows, spec.interval, spec.loop)
  }
}

function turns(seconds: number, periodMs: number): number {
  return (seconds * 1000) / periodMs
}

/** A Wiener process: after one second it is off by `step` (standard deviation), however often it was asked; reflected at its ends. */
function walk({ start, step, min, max }: SignalSpec & { type: 'walk' }, random: () => number): Signal {
  let value = start
  let last = 0
  return (seconds) => {
    const passed = seconds - last
    if (passed <= 0) return value
    last = seconds
    value += gaussian(random) * step * Math.sqrt(passed)
    if (value > max) value = Math.max(min, 2 * max - value)
    if (value < min) value = Math.min(max, 2 * min - value)
    return value
  }
}

function replay(rows: readonly ReplayRow[], intervalMs: number, loop: boolean): Signal {
  const times = rows.map(({ atMs }, index) => atMs ?? index * intervalMs)
  const length = (times.at(-1) ?? 0) + intervalMs
  return (seconds) => {
    const at = loop ? (seconds * 1000) % length : seconds * 1000
    let low = 0
    let high = rows.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (times[middle]! <= at) low = middle
      else high = middle - 1
    }
    return rows[low]?.value ?? 0
  }
}
