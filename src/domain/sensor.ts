// The model: factory → machine → sensor, and the devices that sensors are read through.

import type { CheckSpec } from './check.ts'
import type { Derivation } from './derivation.ts'
import type { ValueType } from './value.ts'

/**
 * Number of a sensor in the ring, the journal and all per-sensor arrays. Given by the store, dense, from 0;
 * it never changes for one (id, value type) and is never given twice.
 */
export type SensorNumber = number

export interface Scale {
  /** engineering value = raw × factor + offset. Default 1. */
  readonly factor: number
  /** Default 0. */
  readonly offset: number
}

/** A reading is passed on when it differs from the last passed one by at least `absolute`, or after `maxIntervalMs`. */
export interface Deadband {
  readonly absolute: number
  /** Longest silence in milliseconds; null: no limit. */
  readonly maxIntervalMs: number | null
}

/** What may be written to a sensor, and how often. */
export interface WriteLimits {
  /** Lowest value, in engineering units; null: as far as the device goes. */
  readonly min: number | null
  /** Highest value; null: as far as the device goes. */
  readonly max: number | null
  /** Writes a minute on average; a tenth of it may come at once. */
  readonly perMinute: number
  /** A command that has waited longer than this for its turn is not sent any more. Milliseconds. */
  readonly validMs: number
}

export const DEFAULT_WRITE_LIMITS: WriteLimits = { min: null, max: null, perMinute: 60, validMs: 5000 }

/** A sensor as the gateway runs it, after configuration: everything but the driver's own addressing. */
export interface Sensor {
  readonly number: SensorNumber
  /** `device.sensor` */
  readonly id: string
  readonly device: string
  /** The part after the dot. */
  readonly name: string
  readonly description: string
  /** Machine id; every sensor has one (the device's id when none is configured). */
  readonly machine: string
  readonly valueType: ValueType
  /** Engineering unit as configured, for example `degC`; empty when none. */
  readonly unit: string
  readonly writable: boolean
  /** Absent: DEFAULT_WRITE_LIMITS. */
  readonly writeLimits?: WriteLimits
  readonly scale: Scale | null
  readonly deadband: Deadband | null
  readonly checks: readonly CheckSpec[]
  /** Present when the gateway works it out from other sensors. */
  readonly derivation?: Derivation
}

export interface Machine {
  readonly id: string
  readonly name: string
  readonly factory: string
}

export interface Factory {
  readonly id: string
  readonly name: string
}

/** The whole model of one gateway; immutable, replaced on a reload. */
export interface Model {
  readonly gateway: string
  readonly factories: readonly Factory[]
  readonly machines: readonly Machine[]
  readonly sensors: readonly Sensor[]
  /** Sensors that a reload of this run removed: the journal still holds records of them, which are forwarded. Default: none. */
  readonly retired?: readonly Sensor[]
  /** By full id. */
  sensor(id: string): Sensor | undefined
  /** By number, the retired ones too. */
  sensorAt(number: SensorNumber): Sensor | undefined
}
