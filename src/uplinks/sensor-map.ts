// Sensors under other names for one uplink (`map`): the model and the alarms of a batch as its receiver shall see them.
// Numbers, positions and values stay as they are.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { renamer, type RenameRule } from '#domain/sensor-rename.ts'
import type { Model, Sensor } from '#domain/sensor.ts'

export class SensorMap {
  readonly #isEmpty: boolean
  readonly #rename: ReturnType<typeof renamer>
  #source: Model | null = null
  #mapped: Model | null = null
  /** Original full id → new one. */
  #names = new Map<string, string>()

  constructor(rules: readonly RenameRule[]) {
    this.#isEmpty = rules.length === 0
    this.#rename = renamer(rules)
  }

  /** The same object for the same model. */
  model(source: Model): Model {
    if (this.#isEmpty) return source
    if (source !== this.#source || this.#mapped === null) this.#learn(source)
    return this.#mapped!
  }

  /** The batch with the mapped ids in its alarms; the batch itself when there are none. */
  batch(batch: RecordBatch, source: Model): RecordBatch {
    if (this.#isEmpty || batch.texts.size === 0) return batch
    if (source !== this.#source) this.#learn(source)
    let texts: Map<number, string> | null = null
    for (const [row, json] of batch.texts) {
      const renamed = batch.sensor[row] === ENTRY ? this.#renameAlarm(json) : null
      if (renamed !== null) (texts ??= new Map(batch.texts)).set(row, renamed)
    }
    return texts === null ? batch : { ...batch, texts }
  }

  #renameAlarm(json: string): string | null {
    try {
      const entry = JSON.parse(json) as { kind?: unknown; alarm?: { sensor?: unknown } }
      const sensor = entry.kind === 'alarm' ? entry.alarm?.sensor : null
      const name = typeof sensor === 'string' ? this.#names.get(sensor) : undefined
      return name === undefined ? null : JSON.stringify({ ...entry, alarm: { ...entry.alarm, sensor: name } })
    } catch {
      return null
    }
  }

  #learn(source: Model): void {
    this.#source = source
    this.#names = new Map()
    const sensors = source.sensors.map((sensor) => this.#map(sensor))
    const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
    const retired = source.retired?.map((sensor) => this.#map(sensor))
    const byNumber = new Map([...(retired ?? []), ...sensors].map((sensor) => [sensor.number, sensor]))
    const known = new Set(source.machines.map(({ id }) => id))
    const factory = source.factories[0]?.id ?? ''
    const added = [...new Set(sensors.map(({ machine }) => machine))].filter((id) => !known.has(id))
    this.#mapped = {
      ...source,
      machines: [...source.machines, ...added.map((id) => ({ id, name: id, factory }))],
      sensors,
      ...(retired && { retired }),
      sensor: (id) => byId.get(id),
      sensorAt: (number) => byNumber.get(number),
    }
  }

  #map(sensor: Sensor): Sensor {
    const renamed = this.#rename(sensor.id)
    if (!renamed) return sensor
    const { id, machine } = renamed
    if (id !== sensor.id) this.#names.set(sensor.id, id)
    const dot = id.indexOf('.')
    const [device, name] = [id.slice(0, dot), id.slice(dot + 1)]
    return { ...sensor, id, device, name, machine: machine ?? sensor.machine }
  }
}
