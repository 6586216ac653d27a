// Limits are known to the gateway alone; an alarm tells central the one that it was raised by.

import type { Alarm, Limits } from '../client/wire.ts'

/** Of each level the limit that its newest alarm told; null where none did. `occurrences`: newest first. Pure. */
export function limitsOfAlarms(occurrences: readonly Alarm[]): Limits {
  const told = (level: keyof Limits): number | null =>
    occurrences.find((alarm) => alarm.checkType === 'threshold' && alarm.level === level && alarm.limit !== null)
      ?.limit ?? null
  return { lowLow: told('lowLow'), low: told('low'), high: told('high'), highHigh: told('highHigh') }
}
