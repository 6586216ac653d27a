// What the API may see of the running gateway: read-only views and a few commands, implemented by the rooms.

import type { Alarm } from './alarm.ts'
import type { CheckType, ConditionLevel } from './check.ts'
import type { HealthReason } from './component.ts'
import type { KeptLetter } from './dead-letter.ts'
import type { BlockRead, RequestPlan, WireFrame } from './driver.ts'
import type { Reading } from './reading.ts'
import type { StatusCode } from './quality.ts'
import type { Model, Sensor, SensorNumber } from './sensor.ts'
import type { UplinkStatus } from './uplink.ts'
import type { Value } from './value.ts'

/** Latest reading of each sensor, straight from the pipeline, and the feed of changes. */
export interface LatestValues {
  /** null until the first reading of this run. */
  read(sensor: SensorNumber): Reading | null
  /**
   * `changed` holds the numbers of the sensors with a new reading since the last call, each once, in `count` cells; the
   * array is reused: copy what must outlive the call. Called within a few milliseconds of the reading. Returns the unsubscribe.
   */
  subscribe(listener: (changed: Uint32Array, count: number) => void): () => void
}

/** What one check of a sensor is doing. */
export interface CheckStatus {
  readonly id: string
  readonly type: CheckType
  /** Readings it has learnt from and how many it needs; null once it judges. */
  readonly learning: { readonly seen: number; readonly needed: number } | null
  /** Level of its active alarm; null when there is none. */
  readonly level: ConditionLevel | null
  /** True while an onDelay or offDelay runs. */
  readonly isPending: boolean
  readonly isOutOfService: boolean
}

/** Checks over readings of the past: none of it touches the alarms of the gateway. */
export interface CheckTrial {
  /** Full ids of the other sensors that the checks look at, in their expressions. */
  readonly operands: readonly string[]
  /** Tells where another sensor stood before the first reading; null: bad. */
  prime(sensor: string, value: Value | null, status?: StatusCode): void
  /** Takes the next reading of another sensor, in order of time with `take`. Answers whether an alarm is active. */
  observe(sensor: string, value: Value | null, time: number, status?: StatusCode): boolean
  /** Takes the next reading, oldest first; a value that is not finite is a bad one. */
  take(value: number, time: number, status?: StatusCode): { readonly score: number; readonly alarm: boolean }
}

export interface ServiceRequest {
  readonly by: string
  readonly comment: string | null
}

export interface CheckDesk {
  /**
   * Takes a check out of service, also one without an alarm; `untilMs` (Unix milliseconds): it returns by itself. Answers
   * its alarm, or what stands for it. Throws NOT_FOUND (no such check), CONFLICT (it is already), OUT_OF_RANGE.
   */
  takeOutOfService(
    sensor: SensorNumber,
    check: string,
    request: ServiceRequest & { readonly untilMs: number | null },
  ): Alarm
  /** Throws NOT_FOUND, CONFLICT (it is not out of service). */
  returnToService(sensor: SensorNumber, check: string, request: ServiceRequest): Alarm
  /** In the order of the configuration. */
  status(sensor: SensorNumber): readonly CheckStatus[]
  /** `sensor` with the checks to be tried; `onAlarm` gets each alarm as it is raised and when it has cleared. */
  trial(sensor: Sensor, onAlarm: (alarm: Alarm) => void): CheckTrial
}

/** How often one check has raised its alarm. */
export interface AlarmCount {
  /** Full sensor id. */
  readonly sensor: string
  readonly check: string
  readonly count: number
}

/** How the alarms stand now; what came over a period stands in the history. Shown: neither shelved, suppressed nor out of service. */
export interface AlarmMeasures {
  readonly active: number
  readonly unacknowledged: number
  readonly shelved: number
  readonly suppressed: number
  readonly outOfService: number
  /** Alarms shown to operators in the last ten minutes of this run. */
  readonly inTenMinutes: number
  /** A flood begins with more than 10 alarms in ten minutes and ends with fewer than 5. */
  readonly flood: { readonly isActive: boolean; readonly since: number | null }
}

/** The register of alarms that are active, unacknowledged, unconfirmed, latched, shelved or out of service. */
export interface AlarmRegister {
  list(): readonly Alarm[]
  get(id: string): Alarm | undefined
  /** Throws NOT_FOUND, CONFLICT (already acknowledged). */
  acknowledge(id: string, by: string, comment: string | null): Alarm
  /** Throws NOT_FOUND, CONFLICT. `untilMs`: Unix milliseconds. */
  shelve(id: string, untilMs: number, by: string, comment: string | null, mode?: 'timed' | 'oneShot'): Alarm
  unshelve(id: string, by: string): Alarm
  /** Throws NOT_FOUND, CONFLICT (not asked for, not acknowledged yet, already confirmed). */
  confirm(id: string, by: string, comment: string | null): Alarm
  /** Ends a latched alarm. Throws NOT_FOUND, CONFLICT (not latched, still active, not acknowledged or confirmed). */
  reset(id: string, by: string, comment: string | null): Alarm
  /** Throws NOT_FOUND. */
  comment(id: string, by: string, text: string): Alarm
  /** `untilMs`, Unix milliseconds: it returns by itself. Throws NOT_FOUND, CONFLICT (it is already), OUT_OF_RANGE. */
  takeOutOfService(id: string, by: string, comment: string | null, untilMs?: number | null): Alarm
  /** Throws NOT_FOUND, CONFLICT (it is not out of service). */
  returnToService(id: string, by: string, comment: string | null): Alarm
  measures(): AlarmMeasures
  /** Each change, as it happens. Returns the unsubscribe. */
  subscribe(listener: (alarm: Alarm) => void): () => void
}

export type DeviceState = 'connecting' | 'up' | 'down' | 'paused' | 'stopped'

export interface DeviceStatus {
  readonly id: string
  readonly driver: string
  readonly machine: string
  readonly bus: string
  readonly state: DeviceState
  /** Unix milliseconds. */
  readonly since: number
  /** Why it is not up, in plain words; null when up. */
  readonly reason: string | null
  readonly sensors: number
  /** Sensors whose latest reading is bad. */
  readonly badSensors: number
  readonly polls: number
  /** Polls left out because the one before was still under way, or the ring was full. */
  readonly skippedPolls: number
  readonly requests: number
  readonly reconnects: number
  readonly errors: Readonly<Record<string, number>>
  /** Milliseconds of a poll, over the run; null before the first. */
  readonly pollMs: { readonly p50: number; readonly p99: number; readonly max: number } | null
  /** Milliseconds that polls began after their deadline. */
  readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number } | null
  /**
   * Shares of the last minute, 0 to 1: that the device's wire was taken by polls and writes of anyone, and by this device.
   * Absent or null for a device that is never asked.
   */
  readonly busUtilisation?: { readonly bus: number; readonly device: number } | null
  readonly lastReadingAt: number | null
  /** Requests of one poll of everything, before and after planning; absent or null where the driver plans nothing. */
  readonly plan?: RequestPlan | null
}

/** Who commands a write, for the journal, and until when it is wanted. */
export interface WriteOrigin {
  /** Name of the user or token, or of a part of the gateway. */
  readonly by: string
  /** From where, for example `api 192.0.2.7`. */
  readonly from: string
  /** Unix milliseconds after which it must not be sent any more, if that is sooner than the sensor's rules say. */
  readonly expiresAt?: number
}

/** Counts of durations; `upToMs`: upper bound, above that of the step before. */
export type LatencySteps = readonly { readonly upToMs: number; readonly count: number }[]

export interface DeviceLatency {
  readonly poll: LatencySteps
  readonly lag: LatencySteps
}

export interface DeviceDirectory {
  list(): readonly DeviceStatus[]
  get(id: string): DeviceStatus | undefined
  /** How long its polls took, and how late they began, over the run; both empty before the first. Throws NOT_FOUND. */
  latency?(id: string): DeviceLatency
  /** The last frames on the device's wire, oldest first; null where the driver records none. Throws NOT_FOUND. */
  frames?(id: string): readonly WireFrame[] | null
  /** Reads registers as they are, through the device's own bus; see `Device.readBlock`. Throws NOT_FOUND, CONFLICT, … */
  readBlock?(id: string, block: BlockRead, signal: AbortSignal): Promise<Uint8Array>
  /** Asks the device now and resolves when it has answered. Throws NOT_FOUND, CONFLICT (it does not run), and what it failed with. */
  probe?(id: string): Promise<void>
  /** Closes the connection and starts anew. Throws NOT_FOUND. */
  restart(id: string): Promise<void>
  /**
   * Writes to a sensor in engineering units; resolves with what was read back. Each is an event in the journal, also one
   * that is refused. Throws NOT_FOUND, NOT_WRITABLE, OUT_OF_RANGE, RATE_LIMITED, EXPIRED, CONNECTION_LOST, …
   */
  write(sensor: SensorNumber, value: Value, origin: WriteOrigin, signal: AbortSignal): Promise<Value>
}

export interface UplinkDirectory {
  list(): readonly UplinkStatus[]
  /** Absent: nothing that is refused is kept. */
  readonly letters?: UplinkLetters
}

/** The dead letters of uplinks. Each throws NOT_FOUND for an uplink that there is not. */
export interface UplinkLetters {
  /** Oldest first, those with an id beyond `after`. */
  list(uplink: string, after: number, limit: number): Promise<readonly KeptLetter[]>
  /** Sends one again. True: it arrived. False: refused again. Throws NOT_FOUND, CONFLICT, CONNECTION_FAILED, … and then it is kept. */
  retry(uplink: string, id: number): Promise<boolean>
  /** Throws letters away; answers how many there were. */
  discard(uplink: string, ids: readonly number[]): Promise<number>
}

export interface GatewayInfo {
  readonly id: string
  readonly version: string
  readonly epoch: number
  /** Unix milliseconds. */
  readonly startedAt: number
  /** Empty when all is well. */
  health(): readonly HealthReason[]
  model(): Model
}
