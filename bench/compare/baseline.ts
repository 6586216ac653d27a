// The stored baseline, and how a run compares with it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { speedOf, type Calibration } from './calibration.ts'

export type Figures = Readonly<Record<string, number>>

export interface Measured {
  readonly figures: Figures
  readonly calibration: Calibration
}

export interface Baseline {
  /** What it was recorded on, in words. */
  readonly machine: string
  readonly benchmarks: Readonly<Record<string, Measured>>
}

/** `rate`: more is better, grows with the machine's speed. `time`: less is better, shrinks with it. The rest does neither. */
export type FigureKind = 'rate' | 'time' | 'size' | 'plain'

/** The unit is part of a figure's name. */
export function kindOf(name: string): FigureKind {
  if (/PerSecond/.test(name)) return /^(offered|updates|messages|bytes)PerSecond/.test(name) ? 'plain' : 'rate'
  if (
    /(Ms|Ns|[Nn]anoseconds|[Mm]icroseconds|Seconds)/.test(name) &&
    !/^(lag|durable|age|latency|pollLag|received)/.test(name)
  )
    return 'time'
  if (/Bytes|bytes|Megabytes/.test(name)) return 'size'
  return 'plain'
}

/** Above 1 is better than the baseline; null: this figure is not compared. */
export function ratioOf(name: string, now: Measured, then: Measured): number | null {
  const value = now.figures[name]
  const before = then.figures[name]
  if (value === undefined || before === undefined || value <= 0 || before <= 0) return null
  const speed = speedOf(now.calibration, then.calibration)
  switch (kindOf(name)) {
    case 'rate':
      return value / before / speed
    case 'time':
      return before / (value * speed)
    case 'size':
      return before / value
    case 'plain':
      return null
  }
}

/** null: none is stored. */
export function readBaseline(file: string): Baseline | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Baseline) : null
}

/** Benchmarks that were not run keep what is stored. */
export function updateBaseline(file: string, machine: string, measured: Readonly<Record<string, Measured>>): void {
  const benchmarks = { ...readBaseline(file)?.benchmarks, ...measured }
  const sorted = Object.fromEntries(Object.entries(benchmarks).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify({ machine, benchmarks: sorted }, rounded, 2)}\n`)
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}
