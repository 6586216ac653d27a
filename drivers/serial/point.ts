// A device's points made ready: which request each is read by, and in which order requests are sent. Pure.

import type { Point } from '#domain/driver.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { knownBytes } from './bytes.ts'
import type { SerialDeviceConfig, SerialSensorConfig } from './schema.ts'

export interface SerialPoint {
  readonly sensor: SensorNumber
  readonly config: SerialSensorConfig
}

/** One request and the points that its answer holds. */
export interface Exchange {
  readonly bytes: Uint8Array
  readonly points: readonly SerialPoint[]
}

export function pointsOf(points: readonly Point[]): SerialPoint[] {
  return points.map(({ sensor, config }) => ({ sensor: sensor.number, config: config as SerialSensorConfig }))
}

/** Points with the same request share one answer. */
export function exchangesOf(points: readonly SerialPoint[], device: SerialDeviceConfig): readonly Exchange[] {
  const bySend = new Map<string, SerialPoint[]>()
  for (const point of points) {
    const send = point.config.send ?? device.request?.send ?? ''
    const shared = bySend.get(send)
    if (shared === undefined) bySend.set(send, [point])
    else shared.push(point)
  }
  return [...bySend].map(([send, shared]) => ({ bytes: knownBytes(send), points: shared }))
}
