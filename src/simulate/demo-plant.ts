// The machines of the demo beside the press shop, one for each further protocol: how they are simulated, and how a gateway
// reads them. Each fails now and then.

import { Value } from 'typebox/value'
import { SimulationSchema, type DeviceSpec } from './schema.ts'

export interface DemoMachine {
  readonly spec: DeviceSpec
  /** An entry of `devices:` in gateway.yaml. */
  readonly yaml: string
}

export interface DemoPlantOptions {
  /** false: nothing ever fails. */
  readonly faults: boolean
}

type Fault = Readonly<Record<string, unknown>>

/** A filling line behind an OPC UA server on this port. */
export function fillingLine(port: number, options: DemoPlantOptions): DemoMachine {
  const node = (point: string): string => `"nsu=urn:telemetryx:simulation;s=filling-line.${point}"`
  return {
    spec: decoded(options, {
      id: 'filling-line',
      protocol: 'opcua',
      port,
      every: '500ms',
      points: [
        {
          id: 'speed',
          unit: '1/min',
          decimals: 1,
          signal: { type: 'walk', start: 240, step: 1.5, min: 225, max: 255 },
        },
        { id: 'fill-level', unit: 'ml', decimals: 1, signal: { type: 'noise', mean: 502, deviation: 0.8 } },
        { id: 'bottles', type: 'uint32', signal: { type: 'counter', start: 18_200, perSecond: 4 } },
        { id: 'state', type: 'string', value: 'producing' },
        { id: 'setpoint', unit: '1/min', value: 240 },
      ],
      faults: [
        { type: 'drift', point: 'fill-level', perSecond: -0.6, at: '55s', for: '25s', every: '6m' },
        { type: 'refuse', at: '3m', for: '15s', every: '7m' },
      ],
    }),
    yaml: [
      '  - id: filling-line',
      '    driver: opcua',
      '    machine: Filling line',
      `    connection: { endpoint: "opc.tcp://127.0.0.1:${port}" }`,
      '    publishInterval: 500ms',
      '    sensors:',
      `      - { id: speed, description: Speed, node: ${node('speed')}, unit: 1/min }`,
      `      - { id: fill-level, description: Fill level, node: ${node('fill-level')}, unit: ml, checks: [ { type: threshold, low: 495, high: 510, hysteresis: 1, onDelay: 3s } ] }`,
      `      - { id: bottles, description: Bottles, node: ${node('bottles')} }`,
      `      - { id: state, description: State, node: ${node('state')}, type: string }`,
      `      - { id: setpoint, description: Speed setpoint, node: ${node('setpoint')}, unit: 1/min, writable: true }`,
    ].join('\n'),
  }
}

/** A packing scale on a serial line: goods come and go, and a request "P" is answered by the weight. */
export function packingScale(path: string, options: DemoPlantOptions): DemoMachine {
  return {
    spec: decoded(options, {
      id: 'scale',
      protocol: 'serial',
      path,
      request: 'P\r\n',
      answer: '{stable:S:U} {weight:8.2} kg\r\n',
      points: [
        { id: 'weight', signal: { type: 'square', low: 0.05, high: 12, period: '12s', duty: 0.6, noise: 0.02 } },
        { id: 'stable', signal: { type: 'square', low: 0, high: 1, period: '6s', duty: 0.8 } },
      ],
      faults: [
        { type: 'spike', point: 'weight', by: 6, at: '75s', for: '8s', every: '5m' },
        { type: 'garbage', at: '4m', for: '6s', every: '8m' },
      ],
    }),
    yaml: [
      '  - id: scale',
      '    driver: serial',
      '    machine: Packing scale',
      `    connection: { path: ${JSON.stringify(path)}, baudRate: 9600 }`,
      '    framing: { delimiter: "\\r\\n", maxBytes: 64 }',
      '    request: { send: "P\\r\\n", every: 500ms, timeout: 1s }',
      '    parse: { pattern: "^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$" }',
      '    sensors:',
      '      - { id: weight, description: Weight, field: weight, unit: kg, checks: [ { type: threshold, high: 15, onDelay: 1s } ] }',
      '      - { id: stable, description: At rest, field: stable, type: boolean, map: { S: true, U: false } }',
    ].join('\n'),
  }
}

/** A fan whose bearing is watched by a wireless sensor that publishes to this broker. */
export function coolingFan(url: string, options: DemoPlantOptions): DemoMachine {
  const topic = (name: string): string => `plant/cooling-fan/${name}`
  const payload = '{"v":{value},"ts":{time}}'
  return {
    spec: decoded(options, {
      id: 'cooling-fan',
      protocol: 'mqtt',
      url,
      every: '1s',
      points: [
        {
          id: 'vibration',
          topic: topic('vibration'),
          payload,
          decimals: 3,
          signal: { type: 'noise', mean: 2.1, deviation: 0.08 },
        },
        {
          id: 'bearing',
          topic: topic('bearing'),
          payload,
          decimals: 2,
          signal: { type: 'sine', mean: 58, amplitude: 1.5, period: '3m', noise: 0.1 },
        },
      ],
      faults: [
        { type: 'drift', point: 'vibration', perSecond: 0.15, at: '95s', for: '30s', every: '6m' },
        { type: 'silence', at: '5m', for: '15s', every: '9m' },
      ],
    }),
    yaml: [
      '  - id: cooling-fan',
      '    driver: mqtt',
      '    machine: Cooling fan',
      `    connection: { url: "${url}" }`,
      '    sensors:',
      `      - { id: vibration, description: Vibration, topic: ${topic('vibration')}, value: $.v, time: $.ts, unit: mm/s, checks: [ { type: threshold, high: 4.5, hysteresis: 0.5 }, { type: stale, for: 10s } ] }`,
      `      - { id: bearing, description: Bearing temperature, topic: ${topic('bearing')}, value: $.v, time: $.ts, unit: degC, deadband: { absolute: 0.1, maxInterval: 10s } }`,
    ].join('\n'),
  }
}

function decoded(
  { faults }: DemoPlantOptions,
  device: { readonly faults: readonly Fault[]; readonly [key: string]: unknown },
): DeviceSpec {
  const { devices } = Value.Decode(SimulationSchema, { devices: [faults ? device : { ...device, faults: [] }] })
  return devices[0]!
}
