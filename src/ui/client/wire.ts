// What the gateway's API answers, as the dashboard uses it: times are Unix milliseconds, everything else as in docs/api.md.

export type Quality = 'good' | 'uncertain' | 'bad'
export const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const
/** Alarm priority; SEVERITIES lists them from the worst. */
export type Severity = (typeof SEVERITIES)[number]
export type Level = 'lowLow' | 'low' | 'high' | 'highHigh' | 'anomaly' | 'flatline' | 'stale' | 'expression' | 'fault'
export type ValueType = 'number' | 'boolean' | 'int64' | 'uint64' | 'string'
/** From the least to the most. */
export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** A value in JSON. 64-bit integers beyond ±(2^53 − 1) are decimal strings; null exactly when the quality is bad. */
export type JsonValue = number | boolean | string | null

export interface HealthReason {
  readonly code: string
  readonly message: string
  readonly blocking: boolean
}

export interface Gateway {
  readonly id: string
  readonly version: string
  readonly epoch: number
  readonly startedAt: number
  readonly health: { readonly status: 'ok' | 'degraded' | 'failing'; readonly reasons: readonly HealthReason[] }
  /** The gateway's own wall clock when it answered. */
  readonly time: number
  readonly store: {
    readonly state: 'ok' | 'failing'
    readonly bytes: number
    readonly writtenBytes: number
    readonly durableRecords: number
    readonly reason: string | null
  }
}

export interface Machine {
  readonly id: string
  readonly name: string
  readonly factory: string
  readonly sensors: number
}

export interface Limits {
  readonly lowLow: number | null
  readonly low: number | null
  readonly high: number | null
  readonly highHigh: number | null
}

export interface Sensor {
  readonly id: string
  readonly name: string
  readonly device: string
  readonly machine: string
  readonly unit: string
  readonly type: ValueType
  readonly writable: boolean
  readonly description: string
  readonly limits: Limits
}

export interface Latest {
  readonly sensor: string
  readonly value: JsonValue
  readonly quality: Quality
  readonly status: string
  /** null before the first reading. */
  readonly time: number | null
  readonly receivedAt: number | null
}

export interface Reading {
  readonly time: number
  readonly value: JsonValue
  readonly quality: Quality
  readonly status: string
}

export interface Bucket {
  readonly time: number
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly last: number
}

export interface Stats {
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  readonly standardDeviation: number | null
  readonly first: Reading | null
  readonly last: Reading | null
}

export interface Alarm {
  readonly id: string
  readonly sensor: string
  readonly machine: string | null
  readonly check: string
  readonly checkType: string
  readonly level: Level
  readonly severity: Severity
  readonly active: boolean
  readonly acknowledged: boolean
  readonly shelvedUntil: number | null
  readonly raisedAt: number
  readonly clearedAt: number | null
  readonly acknowledgedAt: number | null
  readonly acknowledgedBy: string | null
  readonly message: string
  readonly value: number | null
  readonly limit: number | null
  readonly score: number | null
  readonly unit: string | null
  /** null: its check asks for no confirmation. */
  readonly confirmed: boolean | null
  /** It stays until somebody resets it. */
  readonly latched: boolean
  readonly shelving: 'timed' | 'oneShot' | null
  readonly suppressed: boolean
  readonly outOfService: boolean
  /** null: until somebody returns it. */
  readonly outOfServiceUntil: number | null
  readonly firstOut: boolean
  readonly lastComment: { readonly text: string; readonly by: string; readonly time: number } | null
  /** Whose it is, as central tells; null: the gateway's that answers. */
  readonly gateway: string | null
}

export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export type DeviceState = 'connecting' | 'up' | 'down' | 'paused' | 'stopped'

export interface Device {
  readonly id: string
  readonly driver: string
  readonly machine: string
  readonly bus: string
  readonly state: DeviceState
  readonly since: number
  readonly reason: string | null
  readonly sensors: number
  readonly badSensors: number
  readonly polls: number
  readonly skippedPolls: number
  readonly requests: number
  readonly reconnects: number
  readonly errors: Readonly<Record<string, number>>
  readonly pollMs: Spread | null
  readonly lagMs: Spread | null
  readonly lastReadingAt: number | null
  /** Shares of the last minute, 0 to 1: the wire was taken by anyone, and by this device. null: it is never asked. */
  readonly busUtilisation: { readonly bus: number; readonly device: number } | null
  /** Requests of one poll of everything: one for each sensor, and as the driver merges them. */
  readonly plan: { readonly pointRequests: number; readonly requests: number } | null
}

export type UplinkState = 'connecting' | 'online' | 'waiting' | 'retrying' | 'stopped'

export interface Uplink {
  readonly id: string
  readonly type: string
  readonly state: UplinkState
  readonly reason: string | null
  readonly cursor: string
  readonly accepted: number
  readonly delivered: number
  readonly pending: number
  readonly rejected: number
  readonly filtered: number
  readonly dropped: Readonly<Record<string, number>>
  /** Seconds. */
  readonly oldestPendingAge: number
  readonly lanes: readonly UplinkLane[]
  readonly breaker: {
    readonly state: 'closed' | 'open' | 'halfOpen'
    readonly failures: number
    readonly retryAt: number | null
  }
  /** Refused records that are kept to be looked at. */
  readonly deadLetters: number
  /** Historical records delivered a second. */
  readonly replayRate: number
}

export interface UplinkLane {
  readonly lane: 'inOrder' | 'live' | 'backlog'
  readonly cursor: string
  readonly pending: number
}

export interface Session {
  readonly auth: 'none' | 'required'
  /** True while there is no administrator yet. */
  readonly setup: boolean
  readonly user: { readonly name: string; readonly role: Role } | null
}

export interface WriteResult {
  readonly value: JsonValue
  readonly requested: JsonValue
  readonly time: number | null
}
