// A sensor made complete: its address parsed, every default applied.

import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ValueType } from '#domain/value.ts'
import { parseNodeAddress, type NodeAddress } from './node-address.ts'
import {
  DEFAULT_QUEUE_SIZE,
  DEFAULT_SAMPLING_INTERVAL_MS,
  type OpcuaDeviceConfig,
  type OpcuaSensorConfig,
} from './schema.ts'
import type { ValueTarget } from './values.ts'

export interface OpcuaPoint extends ValueTarget {
  readonly id: string
  readonly sensor: SensorNumber
  readonly isWritable: boolean
  readonly address: NodeAddress
  readonly type: ValueType
  /** Element of an array; null: the whole value. */
  readonly index: number | null
  readonly samplingIntervalMs: number
  readonly queueSize: number
  /** In the units of the node; null: every change. */
  readonly serverDeadband: number | null
}

/** Throws CONFIG_INVALID for a node id that `problems` would have refused. */
export function pointOf(sensor: Sensor, config: OpcuaSensorConfig, device: OpcuaDeviceConfig): OpcuaPoint {
  const address = parseNodeAddress(config.node)
  if ('problem' in address) throw new TelemetryError('CONFIG_INVALID', `${sensor.id}: ${address.problem}`)
  const type = config.type ?? 'number'
  const hasDeadband = type !== 'boolean' && type !== 'string'
  return {
    id: sensor.id,
    sensor: sensor.number,
    isWritable: sensor.writable,
    address,
    type,
    index: config.index ?? null,
    isElement: config.index !== undefined,
    samplingIntervalMs: config.samplingInterval ?? device.samplingInterval ?? DEFAULT_SAMPLING_INTERVAL_MS,
    queueSize: config.queueSize ?? device.queueSize ?? DEFAULT_QUEUE_SIZE,
    serverDeadband: hasDeadband ? (config.serverDeadband ?? device.serverDeadband ?? null) : null,
  }
}
