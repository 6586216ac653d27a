// Where an alarm is, in words.

import type { Alarm } from '../client/wire.ts'
import { sensorName } from '../format/words.ts'
import type { Plant } from '../state/plant.ts'

/** Machine and sensor of an alarm; the sensor's id when it is no longer configured. */
export function alarmPlace(plant: Plant, alarm: Alarm): string {
  const live = plant.sensor(alarm.sensor)
  if (live === undefined) return alarm.sensor
  const machine = plant.machine(live.sensor.machine)?.machine.name
  return machine === undefined ? sensorName(live.sensor) : `${machine} · ${sensorName(live.sensor)}`
}
