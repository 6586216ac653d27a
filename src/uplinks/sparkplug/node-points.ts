// The gateway's model as an edge node: devices, their metrics, and an alias for each, worked out once for each model.

import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'

/** Aliases of the node's own metrics; those of sensors follow, by their number, so that they stay the same for good. */
export const ALARM_ALIAS = 1n
export const EVENT_ALIAS = 2n
const FIRST_SENSOR_ALIAS = 16

export interface Point {
  readonly sensor: Sensor
  readonly alias: bigint
  readonly device: NodeDevice
}

export interface NodeDevice {
  readonly id: string
  readonly points: readonly Point[]
}

export class NodePoints {
  readonly model: Model
  readonly devices: ReadonlyMap<string, NodeDevice>
  readonly #byNumber: (Point | undefined)[] = []

  /** `wants`: sensors that this uplink is to send. */
  constructor(model: Model, wants: (sensor: SensorNumber) => boolean) {
    this.model = model
    const devices = new Map<string, { id: string; points: Point[] }>()
    for (const sensor of [...model.sensors, ...retiredOf(model)]) {
      if (!wants(sensor.number)) continue
      let device = devices.get(sensor.device)
      if (!device) devices.set(sensor.device, (device = { id: sensor.device, points: [] }))
      const point = { sensor, device, alias: BigInt(FIRST_SENSOR_ALIAS + sensor.number) }
      device.points.push(point)
      this.#byNumber[sensor.number] = point
    }
    this.devices = devices
  }

  at(number: SensorNumber): Point | undefined {
    return this.#byNumber[number]
  }

  /** Highest sensor number, or -1. */
  get top(): number {
    return this.#byNumber.length - 1
  }

  /** The point of a device that a command names, by metric name or alias. */
  find(device: string, name: string | null, alias: bigint | null): Point | undefined {
    return this.devices
      .get(device)
      ?.points.find((point) => (name === null ? point.alias === alias : point.sensor.name === name))
  }
}

/** Sensors that are gone and whose records may still wait. One whose id is used again has its type in its metric's name. */
function retiredOf({ retired = [], sensors }: Model): Sensor[] {
  const ids = new Set(sensors.map(({ id }) => id))
  return retired.map((sensor) =>
    ids.has(sensor.id) ? { ...sensor, name: `${sensor.name} (${sensor.valueType}, ${sensor.number})` } : sensor,
  )
}
