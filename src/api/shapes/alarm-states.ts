// The words by which lists of alarms are narrowed.

import type { Alarm } from '#domain/alarm.ts'

export const ALARM_STATES = [
  'active',
  'unacknowledged',
  'acknowledged',
  'cleared',
  'unconfirmed',
  'latched',
  'shelved',
  'suppressed',
  'outOfService',
  'all',
] as const
export type AlarmState = (typeof ALARM_STATES)[number]

/** What is shelved, suppressed or out of service stands under its own word and in `all` only. `now`: Unix milliseconds. */
export function isInState(alarm: Alarm, state: AlarmState, now: number): boolean {
  const isShelved = alarm.shelvedUntil !== null && alarm.shelvedUntil > now
  const isShown = !isShelved && alarm.suppressed !== true && alarm.outOfService !== true
  switch (state) {
    case 'all':
      return true
    case 'shelved':
      return isShelved
    case 'active':
      return alarm.active && isShown
    case 'unacknowledged':
      return !alarm.acknowledged && isShown
    case 'acknowledged':
      return alarm.acknowledged && isShown
    case 'cleared':
      return !alarm.active && isShown
    case 'unconfirmed':
      return alarm.confirmed === false && isShown
    case 'latched':
      return alarm.latched === true && isShown
    case 'suppressed':
      return alarm.suppressed === true
    case 'outOfService':
      return alarm.outOfService === true
  }
}
