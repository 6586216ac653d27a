// What a gateway tells of its sensors, made fit for the database, and how much of it is taken.

import type { ValueType } from '#domain/value.ts'

/** A sensor as its gateway tells of it, made fit for the database. */
export interface SensorRow {
  /** Value type and id. */
  readonly key: string
  readonly id: string
  readonly valueType: ValueType
  readonly machine: string
  readonly machineName: string
  readonly factory: string
  readonly factoryName: string
  readonly unit: string
  readonly description: string
  readonly writable: boolean
}

/** How a machine is called at central. */
export type MachineName = (row: Pick<SensorRow, 'machine' | 'factory'>) => string

export interface ModelLimits {
  readonly gatewaysPerTenant: number
  readonly sensorsPerGateway: number
  readonly sensorsPerTenant: number
}

export const DEFAULT_MODEL_LIMITS: ModelLimits = {
  gatewaysPerTenant: 1000,
  sensorsPerGateway: 20_000,
  sensorsPerTenant: 200_000,
}
