// Sensors under other names for one uplink (`map`): the model and the alarms of a batch as its receiver shall see them.
// Numbers, positions and values stay as they are.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'
import type { Model, Sensor } from '#domain/sensor.ts'

export interface MapRule {
  /** Pattern of full sensor ids. */
  readonly sensor: string
  /** New full id; its `*`s stand for what those of `sensor` matched, in order. null: the id stays. */
  readonly as: string | null
  /** New machine id; null: the machine stays. */
  readonly machine: string | null
}

interface CompiledRule extends MapRule {
  readonly pattern: RegExp
}

/** The id that a sensor gets by the first rule that fits; its own when none does. */
export function mappedId(id: string, rules: readonly MapRule[]): string {
  return rename(id, rules.map(compile))?.id ?? id
}

export class SensorMap {
  readonly #rules: readonly CompiledRule[]
  #source: Model | null = null
  #mapped: Model | null = null
  /** Original full id → new one. */
  #names = new Map<string, string>()

  constructor(rules: readonly MapRule[]) {
    this.#rules = rules.map(compile)
  }

  /** The same object for the same model. */
  model(source: Model): Model {
    if (this.#rules.length === 0) return source
    if (source !== this.#source || this.#mapped === null) this.#learn(source)
    return this.#mapped!
  }

  /** The batch with the mapped ids in its alarms; the batch itself when there are none. */
  batch(batch: RecordBatch): RecordBatch {
    if (this.#rules.length === 0 || batch.texts.size === 0) return batch
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
    const renamed = rename(sensor.id, this.#rules)
    if (!renamed) return sensor
    const { id, machine } = renamed
    if (id !== sensor.id) this.#names.set(sensor.id, id)
    const dot = id.indexOf('.')
    const [device, name] = [id.slice(0, dot), id.slice(dot + 1)]
    return { ...sensor, id, device, name, machine: machine ?? sensor.machine }
  }
}

function compile(rule: MapRule): CompiledRule {
  const capturing = sensorPattern(rule.sensor).source.replaceAll('.*', '(.*)')
  return { ...rule, pattern: new RegExp(capturing, 's') }
}

function rename(id: string, rules: readonly CompiledRule[]): { id: string; machine: string | null } | null {
  for (const { pattern, as, machine } of rules) {
    const match = pattern.exec(id)
    if (!match) continue
    let star = 0
    return { id: as?.replace(/\*/g, () => match[++star] ?? '') ?? id, machine }
  }
  return null
}
