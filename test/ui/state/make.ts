// Small, complete objects of the dashboard for its tests.

import type { Alarm, Sensor } from '../../../src/ui/client/wire.ts'

export function makeAlarm(id: string, sensor: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    sensor,
    machine: null,
    check: 'threshold',
    checkType: 'threshold',
    level: 'high',
    severity: 'high',
    active: true,
    acknowledged: false,
    shelvedUntil: null,
    raisedAt: 1000,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    message: `${sensor} is high`,
    value: null,
    limit: null,
    score: null,
    unit: null,
    confirmed: null,
    latched: false,
    shelving: null,
    suppressed: false,
    outOfService: false,
    outOfServiceUntil: null,
    firstOut: false,
    lastComment: null,
    gateway: null,
    ...more,
  }
}

export function makeSensor(id: string, more: Partial<Sensor> = {}): Sensor {
  const [device, name] = id.split('.') as [string, string]
  return {
    id,
    name,
    device,
    machine: device,
    unit: '',
    type: 'number',
    writable: false,
    description: '',
    limits: { lowLow: null, low: null, high: null, highHigh: null },
    ...more,
  }
}
