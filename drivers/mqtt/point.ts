// A sensor's configuration, complete: topic split into levels, paths parsed, type settled.

import type { Sensor } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import { parseJsonPath, type JsonPath } from './json-path.ts'
import type { MqttSensorConfig } from './schema.ts'
import { parsePublisher, type Publisher } from '#kit/sparkplug/topic.ts'

export type Payload = NonNullable<MqttSensorConfig['payload']>
export type PointType = NonNullable<MqttSensorConfig['type']>

export interface MqttPoint {
  readonly sensor: Sensor
  readonly topic: string
  readonly levels: readonly string[]
  readonly payload: Exclude<Payload, 'sparkplug'>
  readonly type: PointType
  readonly value: JsonPath
  readonly time: JsonPath | null
  readonly quality: JsonPath | null
  /** Milliseconds in one unit of a time that is a number. */
  readonly timeFactor: number
}

export interface SparkplugPoint {
  readonly sensor: Sensor
  readonly publisher: Publisher
  readonly metric: string
  readonly type: PointType
}

const TIME_FACTOR = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const

const VALUE_TYPES: Readonly<Record<PointType, ValueType>> = {
  number: 'number',
  bool: 'boolean',
  string: 'string',
  int64: 'int64',
  uint64: 'uint64',
}

export function pointType({ payload, type }: MqttSensorConfig): PointType {
  if (type !== undefined) return type
  return payload === 'text' ? 'string' : payload === 'bool' ? 'bool' : 'number'
}

export function valueTypeOf(config: MqttSensorConfig): ValueType {
  return VALUE_TYPES[pointType(config)]
}

/** The configuration has been found without problems. */
export function pointOf(sensor: Sensor, config: MqttSensorConfig): MqttPoint | SparkplugPoint {
  const { topic, payload = 'json', metric } = config
  const type = pointType(config)
  if (payload === 'sparkplug') {
    return { sensor, publisher: parsePublisher(topic)!, metric: metric!, type }
  }
  const path = (text: string | undefined): JsonPath | null => (text === undefined ? null : parseJsonPath(text))
  return {
    sensor,
    topic,
    levels: topic.split('/'),
    payload,
    type,
    value: path(config.value) ?? [],
    time: path(config.time),
    quality: path(config.quality),
    timeFactor: TIME_FACTOR[config.timeUnit ?? 'ms'],
  }
}
