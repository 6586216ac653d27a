// What live clients of one tenant see, kept in memory while there are any: model, latest values and open alarms of all its gateways,
// or of some. Filled from storage, then by what becomes durable in any process. Sensors have numbers of their own here, from 0.

import { isDeepStrictEqual } from 'node:util'
import { isOpen, type Alarm } from '#domain/alarm.ts'
import { qualityOf, type StatusCode } from '#domain/quality.ts'
import { ENTRY, type Reading } from '#domain/reading.ts'
import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import type { TakenBatch } from '../ingest-ports.ts'
import type { CentralAlarm, LatestReading } from '../ports.ts'

/** As storage or a batch tells it. */
interface Described {
  readonly id: string
  readonly machine: string
  readonly unit: string
  readonly valueType: ValueType
}

export class TenantView {
  /** Ids of gateways; empty: all. */
  readonly gateways: ReadonlySet<string>
  readonly #sensors: Sensor[] = []
  readonly #byId = new Map<string, Sensor>()
  readonly #latest: (Reading | null)[] = []
  readonly #alarms = new Map<string, Alarm>()
  readonly #onReadings = new Set<(changed: Uint32Array, count: number) => void>()
  readonly #onAlarm = new Set<(alarm: Alarm) => void>()
  #model: Model | null = null
  /** Alarms that batches have told of while storage is asked; null: it is not asked. */
  #told: Set<string> | null = null

  constructor(gateways: ReadonlySet<string>) {
    this.gateways = gateways
  }

  // As LatestValues.
  read(number: SensorNumber): Reading | null {
    return this.#latest[number] ?? null
  }

  readonly readings = {
    read: (number: SensorNumber): Reading | null => this.read(number),
    subscribe: (listener: (changed: Uint32Array, count: number) => void): (() => void) => {
      this.#onReadings.add(listener)
      return () => void this.#onReadings.delete(listener)
    },
  }

  readonly alarms = {
    list: (): readonly Alarm[] => [...this.#alarms.values()],
    subscribe: (listener: (alarm: Alarm) => void): (() => void) => {
      this.#onAlarm.add(listener)
      return () => void this.#onAlarm.delete(listener)
    },
  }

  /** A new object whenever a sensor has come. */
  model(): Model {
    this.#model ??= {
      gateway: '',
      factories: [],
      machines: [],
      sensors: [...this.#sensors],
      sensor: (id) => this.#byId.get(id),
      sensorAt: (number) => this.#sensors[number],
    }
    return this.#model
  }

  /** From storage: what came by a batch meanwhile is newer. */
  fill(values: readonly LatestReading[]): void {
    for (const { reading, sensor } of values) {
      if (!this.wants(sensor.gateway)) continue
      const { number } = this.#learn(sensor)
      this.#latest[number] ??= reading
    }
  }

  /** Storage is about to be asked for the open alarms: what batches tell from now on is newer. */
  awaitAlarms(): void {
    this.#told = new Set()
  }

  haveAlarms(): void {
    this.#told = null
  }

  /** The open alarms, as storage has them. Answers those that are open here and not there. */
  settleAlarms(open: readonly CentralAlarm[]): { readonly gateway: string; readonly id: string }[] {
    const there = new Set<string>()
    for (const { alarm, gateway } of open) {
      if (!this.wants(gateway)) continue
      const named = withGateway(alarm, gateway)
      there.add(named.id)
      if (!this.#told?.has(named.id) && !isDeepStrictEqual(this.#alarms.get(named.id), named)) this.#tell(named)
    }
    const over = [...this.#alarms.keys()].filter((id) => !there.has(id) && !this.#told?.has(id))
    return over.map((name) => {
      const slash = name.indexOf('/')
      return { gateway: name.slice(0, slash), id: name.slice(slash + 1) }
    })
  }

  /** One of those, as storage has it; null: it has none of this id any more. */
  endAlarm(found: CentralAlarm | null): void {
    if (found === null) return
    const alarm = withGateway(found.alarm, found.gateway)
    if (!this.#told?.has(alarm.id)) this.#tell(alarm)
  }

  wants(gateway: string): boolean {
    return this.gateways.size === 0 || this.gateways.has(gateway)
  }

  /** `alarmsInDoubt`: a backlog tells of alarms, of which the live lane may have told something newer. */
  take(taken: TakenBatch): 'known' | 'alarmsInDoubt' {
    if (!this.wants(taken.gateway)) return 'known'
    const { batch, rows } = taken
    const isBacklog = batch.lane === 'backlog'
    let outcome: 'known' | 'alarmsInDoubt' = 'known'
    const changed = new Uint32Array(rows.length)
    let count = 0
    const seen = new Set<SensorNumber>()
    for (const row of rows) {
      if (batch.sensor[row] === ENTRY) {
        const entry = batch.entries.get(row)
        if (entry?.kind !== 'alarm') continue
        if (isBacklog) outcome = 'alarmsInDoubt'
        else this.#alarm(entry.alarm, taken)
        continue
      }
      const number = this.#reading(taken, row)
      if (number === null || seen.has(number)) continue
      seen.add(number)
      changed[count++] = number
    }
    if (count > 0) for (const listener of this.#onReadings) listener(changed, count)
    return outcome
  }

  #reading({ batch, sensorOf }: TakenBatch, row: number): SensorNumber | null {
    const adopted = sensorOf(batch.sensor[row]!)
    if (adopted === undefined) return null
    const { number } = this.#learn(adopted)
    const receivedAt = batch.receivedAt[row]!
    const time = Number.isNaN(batch.sourceTime[row]!) ? receivedAt : batch.sourceTime[row]!
    const known = this.#latest[number]
    // A backlog is history, not what is so now.
    if (known && known.time > time) return null
    const status: StatusCode = batch.status[row]!
    const value = batch.valueOf(row, adopted.valueType)
    this.#latest[number] = { sensor: adopted.id, value, status, quality: qualityOf(status), time, receivedAt }
    return number
  }

  #alarm(told: Alarm, { gateway }: TakenBatch): void {
    // Where two gateways have the same id, the second one's sensor carries its name (docs/decisions/0019).
    const own = `${gateway}.${told.sensor}`
    const alarm = { ...withGateway(told, gateway), sensor: this.#byId.has(own) ? own : told.sensor }
    this.#told?.add(alarm.id)
    this.#tell(alarm)
  }

  #tell(alarm: Alarm): void {
    if (isOpen(alarm)) this.#alarms.set(alarm.id, alarm)
    else this.#alarms.delete(alarm.id)
    for (const listener of this.#onAlarm) listener(alarm)
  }

  #learn({ id, machine, unit, valueType }: Described): Sensor {
    const known = this.#byId.get(id)
    if (known && known.machine === machine && known.unit === unit) return known
    const dot = id.lastIndexOf('.')
    const sensor: Sensor = {
      number: known?.number ?? this.#sensors.length,
      id,
      device: id.slice(0, Math.max(dot, 0)),
      name: id.slice(dot + 1),
      description: '',
      machine,
      valueType,
      unit,
      writable: false,
      scale: null,
      deadband: null,
      checks: [],
    }
    this.#sensors[sensor.number] = sensor
    this.#byId.set(id, sensor)
    this.#model = null
    return sensor
  }
}

/** Unique within the tenant: each gateway counts its alarms by itself. */
export function withGateway(alarm: Alarm, gateway: string): Alarm {
  return { ...alarm, id: `${gateway}/${alarm.id}` }
}
