// The configuration of a gateway as the other rooms take it: typed, decoded, everything defaulted.
// Durations are milliseconds, sizes bytes.

import type { CheckSpec } from '#domain/check.ts'
import type { CommandName } from '#domain/command.ts'
import type { Derivation } from '#domain/derivation.ts'
import type { Deadband, Scale, WriteLimits } from '#domain/sensor.ts'
import type { RenameRule } from '#domain/sensor-rename.ts'
import type { ValueType } from '#domain/value.ts'
import type { HttpLimits } from './http-limits.ts'

export interface GatewayConfig {
  /** `factory` is the display name as written. */
  readonly gateway: { readonly id: string; readonly factory: string }
  /** Absolute path of the configuration file's folder: relative paths of uplinks start there. */
  readonly folder: string
  /** Absolute path of the data folder. */
  readonly data: string
  /** `capacity` in records. */
  readonly buffer: { readonly capacity: number; readonly whenFull: 'block' | 'dropOldest' }
  readonly store: StoreConfig
  readonly http: {
    readonly host: string
    readonly port: number
    readonly auth: 'required' | 'none'
    /** Absolute paths, or a certificate that the gateway makes; null: not encrypted. */
    readonly tls: { readonly cert: string; readonly key: string } | 'selfSigned' | null
    readonly limits: HttpLimits
  }
  /** `operators`: on duty at a time; null: as many as acted. */
  readonly alarms: { readonly operators: number | null }
  /** null: the gateway has no broker of its own. */
  readonly broker: BrokerConfig | null
  /** `watchMs` 0: changes are not watched. `revisions`: how many are kept. */
  readonly configuration: { readonly watchMs: number; readonly revisions: number }
  /** Where traces go by OTLP; null: nothing is traced. */
  readonly traceEndpoint: string | null
  /** npm packages with further drivers, as written. */
  readonly drivers: readonly string[]
  readonly devices: readonly DeviceConfig[]
  /** In the order in which they are worked out: each uses only those above it. */
  readonly derived: readonly DerivedConfig[]
  readonly uplinks: readonly UplinkConfig[]
}

export interface BrokerConfig {
  readonly host: string
  readonly port: number
  readonly users: readonly {
    readonly name: string
    readonly password: string
    readonly publish: readonly string[]
    readonly subscribe: readonly string[]
  }[]
  /** Absolute paths. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly maxConnections: number
  readonly maxPayloadBytes: number
}

export interface StoreConfig {
  readonly flushIntervalMs: number
  readonly sync: 'normal' | 'full'
  readonly retention: { readonly rawMs: number; readonly minuteMs: number; readonly hourMs: number }
  readonly maxBytes: number
}

export interface DeviceConfig {
  readonly id: string
  /** Kind of the driver. */
  readonly driver: string
  /** Display name; the id when none is given. */
  readonly machine: string
  readonly pollMs: number
  /** The driver's own keys, decoded by its deviceSchema. */
  readonly config: unknown
  readonly sensors: readonly SensorConfig[]
}

export interface SensorConfig {
  readonly id: string
  readonly description: string
  readonly unit: string
  readonly writable: boolean
  /** null: the defaults. */
  readonly writeLimits: WriteLimits | null
  readonly scale: Scale | null
  readonly deadband: Deadband | null
  readonly checks: readonly CheckSpec[]
  /** null: the device's. */
  readonly pollMs: number | null
  /** After scaling. */
  readonly valueType: ValueType
  /** The driver's own keys, decoded by its sensorSchema. */
  readonly config: unknown
}

/** A sensor that the gateway works out from others. */
export interface DerivedConfig {
  /** Full id, `device.sensor`. */
  readonly id: string
  readonly description: string
  readonly unit: string
  /** Display name. */
  readonly machine: string
  readonly deadband: Deadband | null
  readonly checks: readonly CheckSpec[]
  readonly valueType: ValueType
  readonly derivation: Derivation
}

export interface UplinkConfig {
  readonly id: string
  /** Kind of the uplink. */
  readonly type: string
  /** Patterns of full sensor ids. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Other names of sensors. */
  readonly map: readonly RenameRule[]
  /** `maxRate` in records per second; null: no limit. */
  readonly replay: { readonly order: 'inOrder' | 'liveFirst'; readonly maxRate: number | null }
  readonly batch: { readonly records: number; readonly delayMs: number }
  /** Batches under way at once. */
  readonly inFlight: number
  /** What the receiver may ask for; null: nothing. */
  readonly commands: {
    readonly allow: readonly CommandName[]
    /** Patterns of full sensor ids. */
    readonly write: readonly string[]
    readonly maxAgeMs: number
  } | null
  readonly deadLetters: { readonly max: number }
  /** The kind's own keys, decoded by its schema. */
  readonly config: unknown
}
