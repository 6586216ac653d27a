// An alarm's change and an event as a journal keeps them, with every part that may be absent: the compiler refuses one that is forgotten.

import type { Alarm, AlarmEntry, EventEntry } from '#domain/alarm.ts'

export const ALARM_ENTRY: AlarmEntry & { readonly alarm: Required<Alarm> } = {
  kind: 'alarm',
  change: 'shelved',
  time: 1_795_000_000_123,
  by: 'ada',
  comment: 'until the pump is back',
  alarm: {
    id: '3-7',
    sensor: 'press-1.pressure',
    check: 'threshold',
    checkType: 'threshold',
    level: 'highHigh',
    severity: 'urgent',
    active: true,
    acknowledged: true,
    shelvedUntil: 1_795_000_100_000,
    raisedAt: 1_795_000_000_000,
    clearedAt: null,
    acknowledgedAt: 1_795_000_000_100,
    acknowledgedBy: 'ada',
    message: 'Pressure 92 bar, limit 90 bar',
    finding: {
      value: 92,
      limit: 90,
      score: 4.5,
      mean: 70.25,
      standardDeviation: 0.5,
      window: 300,
      rate: -1.5,
      seconds: 3,
    },
    confirmed: false,
    confirmedAt: null,
    confirmedBy: null,
    latched: true,
    shelving: 'oneShot',
    suppressed: true,
    outOfService: true,
    outOfServiceUntil: 1_795_000_200_000,
    neverRaised: true,
    group: 'hydraulics',
    firstOut: true,
    lastComment: { text: 'seen', by: 'ada', time: 1_795_000_000_200 },
  },
}

export const EVENT_ENTRY: Required<EventEntry> = {
  kind: 'event',
  type: 'ring-blocked',
  severity: 'warning',
  time: 1_795_000_000_456,
  message: 'The buffer is full',
  source: 'gateway',
  data: { fill: 0.97, names: ['a', null, true], nested: { n: 1 } },
}
