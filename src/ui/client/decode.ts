// JSON of the API → the types of wire.ts. Unknown additional fields are ignored: a newer gateway may say more.

import { Fields } from './fields.ts'
import { ROLES, SEVERITIES } from './wire.ts'
import type {
  Alarm,
  Bucket,
  Device,
  Gateway,
  Latest,
  Limits,
  Machine,
  Reading,
  Sensor,
  Session,
  Spread,
  Stats,
  Uplink,
  WriteResult,
} from './wire.ts'

const QUALITIES = ['good', 'uncertain', 'bad'] as const
const LEVELS = ['lowLow', 'low', 'high', 'highHigh', 'anomaly', 'flatline', 'stale', 'expression', 'fault'] as const
const TYPES = ['number', 'boolean', 'int64', 'uint64', 'string'] as const
const DEVICE_STATES = ['connecting', 'up', 'down', 'paused', 'stopped'] as const
const UPLINK_STATES = ['connecting', 'online', 'waiting', 'retrying', 'stopped'] as const
const SHELVINGS = ['timed', 'oneShot'] as const

export function decodeGateway(source: unknown): Gateway {
  const f = new Fields(source, 'gateway')
  const health = f.object('health')
  const store = f.object('store')
  return {
    id: f.text('id'),
    version: f.text('version'),
    epoch: f.number('epoch'),
    startedAt: f.time('startedAt'),
    health: {
      status: health.oneOf('status', ['ok', 'degraded', 'failing']),
      reasons: health.list('reasons', (reason) => {
        const r = new Fields(reason, 'reason')
        return { code: r.text('code'), message: r.text('message'), blocking: r.flag('blocking') }
      }),
    },
    time: f.object('clock').time('time'),
    store: {
      state: store.oneOf('state', ['ok', 'failing']),
      bytes: store.number('bytes'),
      writtenBytes: store.number('writtenBytes'),
      durableRecords: store.number('durableRecords'),
      reason: store.textOrNull('reason'),
    },
  }
}

export function decodeMachine(source: unknown): Machine {
  const f = new Fields(source, 'machine')
  return { id: f.text('id'), name: f.text('name'), factory: f.text('factory'), sensors: f.number('sensors') }
}

export function decodeSensor(source: unknown): Sensor {
  const f = new Fields(source, 'sensor')
  return {
    id: f.text('id'),
    name: f.text('name'),
    device: f.text('device'),
    machine: f.text('machine'),
    unit: f.text('unit'),
    type: f.oneOf('type', TYPES),
    writable: f.flag('writable'),
    description: f.text('description'),
    limits: decodeLimits(f.object('limits')),
  }
}

function decodeLimits(f: Fields): Limits {
  return {
    lowLow: f.numberOrNull('lowLow'),
    low: f.numberOrNull('low'),
    high: f.numberOrNull('high'),
    highHigh: f.numberOrNull('highHigh'),
  }
}

export function decodeLatest(source: unknown): Latest {
  const f = new Fields(source, 'latest')
  return {
    sensor: f.text('sensor'),
    value: f.value('value'),
    quality: f.oneOf('quality', QUALITIES),
    status: f.text('status'),
    time: f.timeOrNull('time'),
    receivedAt: f.timeOrNull('receivedAt'),
  }
}

export function decodeReading(source: unknown): Reading {
  const f = new Fields(source, 'reading')
  return {
    time: f.time('time'),
    value: f.value('value'),
    quality: f.oneOf('quality', QUALITIES),
    status: f.text('status'),
  }
}

export function decodeBucket(source: unknown): Bucket {
  const f = new Fields(source, 'bucket')
  return {
    time: f.time('time'),
    count: f.number('count'),
    min: f.number('min'),
    max: f.number('max'),
    mean: f.number('mean'),
    last: f.number('last'),
  }
}

export function decodeStats(source: unknown): Stats {
  const f = new Fields(source, 'stats')
  return {
    count: f.number('count'),
    min: f.numberOrNull('min'),
    max: f.numberOrNull('max'),
    mean: f.numberOrNull('mean'),
    standardDeviation: f.numberOrNull('standardDeviation'),
    first: f.childOrNull('first', decodeReading),
    last: f.childOrNull('last', decodeReading),
  }
}

export function decodeAlarm(source: unknown): Alarm {
  const f = new Fields(source, 'alarm')
  return {
    id: f.text('id'),
    sensor: f.text('sensor'),
    machine: f.textOrNull('machine'),
    check: f.text('check'),
    checkType: f.text('checkType'),
    level: f.oneOf('level', LEVELS),
    severity: f.oneOf('severity', SEVERITIES),
    active: f.flag('active'),
    acknowledged: f.flag('acknowledged'),
    shelvedUntil: f.timeOrNull('shelvedUntil'),
    raisedAt: f.time('raisedAt'),
    clearedAt: f.timeOrNull('clearedAt'),
    acknowledgedAt: f.timeOrNull('acknowledgedAt'),
    acknowledgedBy: f.textOrNull('acknowledgedBy'),
    message: f.text('message'),
    value: f.numberOrNull('value'),
    limit: f.numberOrNull('limit'),
    score: f.numberOrNull('score'),
    unit: f.textOrNull('unit'),
    confirmed: f.has('confirmed') ? f.flag('confirmed') : null,
    latched: isOn(f, 'latched'),
    shelving: f.has('shelving') ? f.oneOf('shelving', SHELVINGS) : null,
    suppressed: isOn(f, 'suppressed'),
    outOfService: isOn(f, 'outOfService'),
    outOfServiceUntil: f.timeOrNull('outOfServiceUntil'),
    firstOut: isOn(f, 'firstOut'),
    lastComment: f.childOrNull('lastComment', decodeComment),
    gateway: f.textOrNull('gateway'),
  }
}

function decodeComment(source: unknown): NonNullable<Alarm['lastComment']> {
  const f = new Fields(source, 'comment')
  return { text: f.text('text'), by: f.text('by'), time: f.time('time') }
}

export function decodeDevice(source: unknown): Device {
  const f = new Fields(source, 'device')
  return {
    id: f.text('id'),
    driver: f.text('driver'),
    machine: f.text('machine'),
    bus: f.text('bus'),
    state: f.oneOf('state', DEVICE_STATES),
    since: f.time('since'),
    reason: f.textOrNull('reason'),
    sensors: f.number('sensors'),
    badSensors: f.number('badSensors'),
    polls: f.number('polls'),
    skippedPolls: f.number('skippedPolls'),
    requests: f.number('requests'),
    reconnects: f.number('reconnects'),
    errors: f.counts('errors'),
    pollMs: decodeSpread(f.objectOrNull('pollMs')),
    lagMs: decodeSpread(f.objectOrNull('lagMs')),
    lastReadingAt: f.timeOrNull('lastReadingAt'),
    busUtilisation: decodeShares(f.objectOrNull('busUtilisation')),
    plan: decodePlan(f.objectOrNull('plan')),
  }
}

function decodeShares(f: Fields | null): Device['busUtilisation'] {
  return f === null ? null : { bus: f.number('bus'), device: f.number('device') }
}

function decodePlan(f: Fields | null): Device['plan'] {
  return f === null ? null : { pointRequests: f.number('pointRequests'), requests: f.number('requests') }
}

function decodeSpread(f: Fields | null): Spread | null {
  return f === null ? null : { p50: f.number('p50'), p99: f.number('p99'), max: f.number('max') }
}

export function decodeUplink(source: unknown): Uplink {
  const f = new Fields(source, 'uplink')
  const { filtered = 0, ...dropped } = f.counts('dropped')
  return {
    id: f.text('id'),
    type: f.text('type'),
    state: f.oneOf('state', UPLINK_STATES),
    reason: f.textOrNull('reason'),
    cursor: f.text('cursor'),
    accepted: f.number('accepted'),
    delivered: f.number('delivered'),
    pending: f.number('pending'),
    rejected: f.number('rejected'),
    filtered,
    dropped,
    oldestPendingAge: f.number('oldestPendingAge'),
    lanes: f.list('lanes', (source) => {
      const lane = new Fields(source, 'lane')
      return {
        lane: lane.oneOf('lane', ['inOrder', 'live', 'backlog']),
        cursor: lane.text('cursor'),
        pending: lane.number('pending'),
      }
    }),
    breaker: decodeBreaker(f.object('breaker')),
    deadLetters: f.number('deadLetters'),
    replayRate: f.number('replayRate'),
  }
}

function decodeBreaker(f: Fields): Uplink['breaker'] {
  return {
    state: f.oneOf('state', ['closed', 'open', 'halfOpen']),
    failures: f.number('failures'),
    retryAt: f.timeOrNull('retryAt'),
  }
}

export function decodeSession(source: unknown): Session {
  const f = new Fields(source, 'session')
  const user = f.objectOrNull('user')
  return {
    auth: f.oneOf('auth', ['none', 'required']),
    setup: f.flag('setup'),
    user: user === null ? null : { name: user.text('name'), role: user.oneOf('role', ROLES) },
  }
}

export function decodeWriteResult(source: unknown): WriteResult {
  const f = new Fields(source, 'write')
  return { value: f.value('value'), requested: f.value('requested'), time: f.timeOrNull('time') }
}

export type LiveMessage =
  | {
      readonly type: 'readings'
      readonly snapshot: boolean
      /** First answer to a page that comes back: true, only what has changed; false, everything anew. null: neither. */
      readonly resumed: boolean | null
      readonly position: string | null
      readonly readings: readonly Latest[]
    }
  | { readonly type: 'alarm'; readonly alarm: Alarm }

/** A message of /live; null for a type that this dashboard does not know. */
export function decodeLiveMessage(text: string): LiveMessage | null {
  const f = new Fields(JSON.parse(text), 'message')
  switch (f.text('type')) {
    case 'readings':
      return {
        type: 'readings',
        snapshot: f.has('snapshot'),
        resumed: f.has('resumed') ? f.flag('resumed') : null,
        position: f.textOrNull('position'),
        readings: f.list('readings', decodeLatest),
      }
    case 'alarm':
      return { type: 'alarm', alarm: f.child('alarm', decodeAlarm) }
    default:
      return null
  }
}

/** A flag that an older gateway does not send. */
function isOn(fields: Fields, key: string): boolean {
  return fields.has(key) && fields.flag(key)
}
