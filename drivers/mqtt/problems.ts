// What is wrong with an MQTT device's configuration beyond what its schemas can say; everything at once.

import type { ConfigProblem } from '#domain/driver.ts'
import { highestCapture, parseJsonPath } from './json-path.ts'
import { pointType } from './point.ts'
import type { MqttDeviceConfig, MqttSensorConfig } from './schema.ts'
import { NAMESPACE, parsePublisher } from '#kit/sparkplug/topic.ts'
import { filterFault, wildcards } from './topic-filter.ts'

/** Problems with paths from the device's YAML: `['sensors', 3, 'topic']`. */
export function mqttProblems(device: MqttDeviceConfig, sensors: readonly MqttSensorConfig[]): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [...connectionProblems(device)]
  for (const [index, sensor] of sensors.entries()) {
    for (const { key, message } of sensorProblems(sensor)) problems.push({ path: ['sensors', index, key], message })
  }
  return problems
}

function* connectionProblems({ connection }: MqttDeviceConfig): Generator<ConfigProblem> {
  if (!connection) return
  const { url, timeout, tls } = connection
  if (url === undefined) {
    // Not the keys with defaults: those are always there.
    for (const key of ['username', 'password', 'clientId', 'tls'] as const) {
      if (connection[key] === undefined) continue
      yield { path: ['connection', key], message: 'Only a broker with a url has this; the embedded one needs nothing' }
    }
    return
  }
  if (!URL.canParse(url)) yield { path: ['connection', 'url'], message: 'This is not a URL' }
  if (timeout === 0) yield { path: ['connection', 'timeout'], message: 'A timeout of 0 leaves no time to connect' }
  if (tls && !/^(?:mqtts|wss):/.test(url)) {
    yield { path: ['connection', 'tls'], message: 'Only mqtts and wss are encrypted: this would be ignored' }
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    yield { path: ['connection', 'tls'], message: 'A client certificate needs both cert and key' }
  }
}

interface SensorProblem {
  readonly key: keyof MqttSensorConfig
  readonly message: string
}

function* sensorProblems(sensor: MqttSensorConfig): Generator<SensorProblem> {
  const fault = filterFault(sensor.topic)
  if (fault !== null) {
    yield { key: 'topic', message: `A topic ${fault}` }
    return
  }
  if (sensor.payload === 'sparkplug') yield* sparkplugProblems(sensor)
  else yield* plainProblems(sensor)
}

function* plainProblems(sensor: MqttSensorConfig): Generator<SensorProblem> {
  const { payload = 'json', metric } = sensor
  if (metric !== undefined) yield { key: 'metric', message: 'Only a payload of kind sparkplug has metrics' }
  for (const key of ['value', 'time', 'quality'] as const) {
    const text = sensor[key]
    if (text === undefined) continue
    if (payload === 'json') yield* pathProblems(key, text, sensor.topic)
    else yield { key, message: `Only a payload of kind json has paths; this one is ${payload}` }
  }
  if (sensor.timeUnit !== undefined && sensor.time === undefined)
    yield { key: 'timeUnit', message: 'There is no time that it could be the unit of' }
  const type = pointType(sensor)
  if (payload === 'text' && type !== 'string') yield { key: 'type', message: `A text is of type string, not ${type}` }
  if (payload === 'bool' && type !== 'bool') yield { key: 'type', message: `A bool is of type bool, not ${type}` }
  if (payload === 'number' && (type === 'string' || type === 'bool'))
    yield { key: 'type', message: `A number is of type number, int64 or uint64, not ${type}` }
}

function* pathProblems(key: 'value' | 'time' | 'quality', text: string, topic: string): Generator<SensorProblem> {
  const path = parseJsonPath(text)
  if (path === null) {
    yield { key, message: `${JSON.stringify(text)} is no path; write it as $.a.b[0] or $['a name']` }
    return
  }
  const wanted = highestCapture(path)
  const present = wildcards(topic)
  if (wanted > present)
    yield { key, message: `{${wanted}} asks for a wildcard that the topic does not have; it has ${present}` }
}

function* sparkplugProblems(sensor: MqttSensorConfig): Generator<SensorProblem> {
  if (parsePublisher(sensor.topic) === null)
    yield {
      key: 'topic',
      message: `A Sparkplug B topic is ${NAMESPACE}/GROUP/+/NODE or ${NAMESPACE}/GROUP/+/NODE/DEVICE`,
    }
  if (sensor.metric === undefined) yield { key: 'topic', message: 'A sensor of a Sparkplug B message needs its metric' }
  for (const key of ['value', 'time', 'timeUnit', 'quality'] as const) {
    if (sensor[key] !== undefined) yield { key, message: 'A Sparkplug B message says this itself' }
  }
}
