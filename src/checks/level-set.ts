// Conditions as bits, so that a reading's verdict is one number and costs no allocation: a check may stand at several
// levels at once (above high and above highHigh), and an alarm shows the most severe one.

import type { CheckSpec, ConditionLevel, Severity } from '#domain/check.ts'

/** A set of condition levels, one bit each. */
export type LevelSet = number

export const NO_LEVEL: LevelSet = 0
/** Verdict of a check that cannot judge yet: it neither raises nor clears. */
export const UNDECIDED: LevelSet = -1

export const LEVEL_BITS: Readonly<Record<ConditionLevel, LevelSet>> = {
  lowLow: 1,
  low: 2,
  high: 4,
  highHigh: 8,
  anomaly: 16,
  flatline: 32,
  stale: 64,
  expression: 128,
  fault: 256, // of the gateway itself: no check reports it
}

/** Number of different levels: bits 0 … LEVEL_COUNT − 1. */
export const LEVEL_COUNT = 8

const OUTER: readonly ConditionLevel[] = ['lowLow', 'highHigh']
const INNER: readonly ConditionLevel[] = ['low', 'high', 'anomaly', 'flatline', 'stale', 'expression']

/**
 * The level that an alarm shows; null for the empty set. Of two equally severe ones (a low limit passed while the high
 * one is still held by a delay) the one in `present` wins.
 */
export function mostSevereLevel(levels: LevelSet, present: LevelSet): ConditionLevel | null {
  return pick(OUTER, levels & present) ?? pick(OUTER, levels) ?? pick(INNER, levels & present) ?? pick(INNER, levels)
}

function pick(candidates: readonly ConditionLevel[], levels: LevelSet): ConditionLevel | null {
  if (levels === NO_LEVEL) return null
  for (const level of candidates) if ((levels & LEVEL_BITS[level]) !== 0) return level
  return null
}

/** The mildest level that a check can have, the upper one first. */
export function firstLevel(spec: CheckSpec): ConditionLevel {
  switch (spec.type) {
    case 'threshold':
      return (['high', 'low', 'highHigh', 'lowLow'] as const).find((level) => spec[level] !== undefined) ?? 'high'
    case 'rate':
      return spec.high === undefined ? 'low' : 'high'
    case 'zscore':
    case 'ewma':
    case 'anomaly':
      return 'anomaly'
    case 'flatline':
    case 'stale':
    case 'expression':
      return spec.type
  }
}

/** Severity of a level when the check's configuration names none. */
export function defaultSeverity(level: ConditionLevel): Severity {
  switch (level) {
    case 'lowLow':
    case 'highHigh':
    case 'fault':
      return 'urgent'
    case 'low':
    case 'high':
      return 'medium'
    case 'anomaly':
    case 'flatline':
    case 'stale':
    case 'expression':
      return 'low'
  }
}
