// Conditions and a register whose journal can be looked at.

import { AlarmBook } from '#alarms/register.ts'
import type { Condition } from '#alarms/alarm-state.ts'
import type { AlarmEntry } from '#domain/alarm.ts'
import { silentLogger } from '#kit/logger.ts'

export const NOON = Date.UTC(2026, 0, 1, 12)

export function condition(changes: Partial<Condition> = {}): Condition {
  return {
    sensor: 'press-1.oil-temperature',
    check: 'threshold',
    checkType: 'threshold',
    level: 'high',
    severity: 'medium',
    time: NOON,
    message: 'Oil temperature 76.2 °C is above the high limit of 75 °C',
    finding: { value: 76.2, limit: 75 },
    ...changes,
  }
}

export interface Desk {
  readonly book: AlarmBook
  readonly journal: AlarmEntry[]
  /** Types of the events about the alarms as a whole. */
  readonly events: string[]
  /** Wall clock; to be set by the test. */
  now: number
}

export function openDesk(openAlarms: readonly AlarmEntry[] = [], epoch = 3): Desk {
  const journal: AlarmEntry[] = []
  const events: string[] = []
  const time = { now: NOON }
  const desk: Desk = {
    journal,
    events,
    get now() {
      return time.now
    },
    set now(now) {
      time.now = now
    },
    book: new AlarmBook({
      epoch,
      now: () => time.now,
      journal: (entry) => void journal.push(entry),
      record: (event) => void events.push(event.type),
      log: silentLogger,
      openAlarms,
    }),
  }
  return desk
}
