// Sensors by number: a gateway's model as it is told to receivers, and what a receiver has been told.

import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import { qualityOf, Status, type Quality } from '#domain/quality.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import {
  Quality as WireQuality,
  SensorSchema,
  StatusNameSchema,
  type Sensor as WireSensor,
  type StatusName,
} from './generated/telemetryx/v1/events_pb.js'
import { DictionarySchema, type Dictionary } from './generated/telemetryx/v1/ingest_pb.js'
import { valueTypeOf, wireTypeOf } from './values.ts'

/** Some 200 bytes each, for most descriptions: far below what a receiver takes before it has said how much. */
const SENSORS_A_MESSAGE = 200
/** A receiver's limit: a gateway with more is none. */
const MAX_SENSORS = 1_000_000

export const WIRE_QUALITIES: Readonly<Record<Quality, WireQuality>> = {
  good: WireQuality.GOOD,
  uncertain: WireQuality.UNCERTAIN,
  bad: WireQuality.BAD,
}

/** The model, with sensors that are gone and whose records may still come, in pieces of which each fits into any receiver's message. At least one. */
export function wireDictionaries(model: Model): Dictionary[] {
  const factories = new Map(model.factories.map(({ id, name }) => [id, name]))
  const machines = new Map(model.machines.map((machine) => [machine.id, machine]))
  const all = [...(model.retired ?? []), ...model.sensors]
  const pieces: Dictionary[] = []
  for (let start = 0; start === 0 || start < all.length; start += SENSORS_A_MESSAGE) {
    const sensors = all.slice(start, start + SENSORS_A_MESSAGE).map((sensor) => {
      const machine = machines.get(sensor.machine)
      const factory = machine?.factory ?? model.factories[0]?.id ?? ''
      const names = {
        machineName: machine?.name ?? sensor.machine,
        factory,
        factoryName: factories.get(factory) ?? factory,
      }
      return wireSensor(sensor, names)
    })
    pieces.push(create(DictionarySchema, { sensors }))
  }
  return pieces
}

function wireSensor(sensor: Sensor, names: { machineName: string; factory: string; factoryName: string }): WireSensor {
  const { description, id, machine, number, unit, valueType, writable } = sensor
  return create(SensorSchema, {
    number,
    id,
    valueType: wireTypeOf(valueType),
    unit,
    machine,
    ...names,
    description,
    writable,
  })
}

/** The status codes with their names, for receivers without a table of their own. */
export function wireStatuses(): StatusName[] {
  return Object.entries(Status).map(([name, code]) =>
    create(StatusNameSchema, { code, name, quality: WIRE_QUALITIES[qualityOf(code)] }),
  )
}

/** What a receiver knows of one gateway's sensors. */
export interface KnownSensor {
  readonly number: number
  readonly id: string
  readonly valueType: ValueType
  readonly unit: string
  readonly machine: string
  readonly machineName: string
  readonly factory: string
  readonly factoryName: string
  readonly description: string
  readonly writable: boolean
}

export class KnownSensors {
  readonly #byNumber = new Map<number, KnownSensor>()

  get size(): number {
    return this.#byNumber.size
  }

  /** Throws PROTOCOL for a type that this version does not know, and when there are too many. */
  learn(dictionary: Dictionary | undefined): KnownSensor[] {
    return (dictionary?.sensors ?? []).map((wire) => {
      const valueType = valueTypeOf(wire.valueType)
      if (valueType === undefined)
        throw new TelemetryError('PROTOCOL', `Sensor ${wire.number} has a value type that is not known here`)
      const { $typeName: _, $unknown: __, ...fields } = wire
      const sensor = { ...fields, valueType }
      this.#byNumber.set(sensor.number, sensor)
      if (this.#byNumber.size > MAX_SENSORS) throw new TelemetryError('PROTOCOL', `More than ${MAX_SENSORS} sensors`)
      return sensor
    })
  }

  get(number: number): KnownSensor | undefined {
    return this.#byNumber.get(number)
  }

  readonly typeOf = (number: number): ValueType | undefined => this.#byNumber.get(number)?.valueType
}
