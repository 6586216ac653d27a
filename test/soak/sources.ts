// Each kind of source that a gateway reads, as `telemetryx simulate` serves it and `telemetryx gateway` reads it, with the faults of its
// kind, each of which comes once a minute.

import { join } from 'node:path'

export interface SourceOptions {
  readonly folder: string
  /** Of four Modbus servers. */
  readonly modbusPorts: readonly number[]
  /** Of the Modbus server behind the Sparkplug edge node. */
  readonly edgePort: number
  readonly opcuaPort: number
  readonly brokerPort: number
  readonly gatewayPort: number
  readonly hasFaults: boolean
}

/** One kind of source. */
export interface Source {
  readonly kind: string
  readonly simulated: readonly object[]
  readonly devices: readonly Device[]
  readonly sensors: number
}

export interface Device extends Record<string, unknown> {
  readonly id: string
}

interface Fault {
  readonly type: string
  readonly at: string
  readonly for: string
  readonly [setting: string]: unknown
}

/** From one coming of a fault to its next. */
export const FAULTS_EVERY_SECONDS = 60

const noise = { type: 'noise', mean: 50, deviation: 5 }
const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `s${at}`)
const faulty = (hasFaults: boolean, faults: readonly Fault[]): object =>
  hasFaults ? { faults: faults.map((fault) => ({ ...fault, every: `${FAULTS_EVERY_SECONDS}s` })) } : {}

/** float32 values in one block of holding registers. */
function registers(count: number) {
  const points = ids(count).map((id, at) => ({ id, register: 'holding', address: 2 * at, type: 'float32' }))
  return { points: points.map((point) => ({ ...point, signal: noise })), sensors: points }
}

/** Four servers, each of which fails in ways of its own. */
export function modbusTcp(count: number, { modbusPorts, hasFaults }: SourceOptions): Source {
  const each = Math.ceil(count / modbusPorts.length)
  const faults: readonly (readonly Fault[])[] = [
    [
      { type: 'silence', at: '15s', for: '4s' },
      { type: 'exception', at: '35s', for: '2s' },
    ],
    [
      { type: 'half-frame', at: '20s', for: '3s' },
      { type: 'late', delay: '800ms', at: '40s', for: '3s' },
    ],
    [
      { type: 'wrong-transaction', at: '25s', for: '3s' },
      { type: 'garbage', at: '45s', for: '2s' },
    ],
    [
      { type: 'hang-up', at: '30s', for: '3s' },
      { type: 'wrong-unit', at: '50s', for: '2s' },
    ],
  ]
  const { points, sensors } = registers(each)
  return {
    kind: 'modbus-tcp',
    simulated: modbusPorts.map((port, at) => ({
      id: `modbus-${at}`,
      protocol: 'modbus-tcp',
      port,
      points,
      ...faulty(hasFaults, faults[at] ?? []),
    })),
    devices: modbusPorts.map((port, at) => ({
      id: `modbus-${at}`,
      driver: 'modbus',
      connection: { transport: 'tcp', host: '127.0.0.1', port, unit: 1, timeout: '500ms' },
      poll: '1s',
      sensors,
    })),
    sensors: modbusPorts.length * each,
  }
}

/** Two units on one serial line, which is unplugged now and then. */
export function modbusRtu(count: number, { folder, hasFaults }: SourceOptions): Source {
  const path = join(folder, 'rtu')
  const units = [1, 2]
  const each = Math.ceil(count / units.length)
  const faults: readonly (readonly Fault[])[] = [
    [
      { type: 'silence', at: '15s', for: '3s' },
      { type: 'garbage', at: '25s', for: '2s' },
      { type: 'hang-up', at: '45s', for: '3s' },
    ],
    [
      { type: 'wrong-unit', at: '20s', for: '2s' },
      { type: 'half-frame', at: '30s', for: '2s' },
    ],
  ]
  const { points, sensors } = registers(each)
  const line = { path, baudRate: 115_200 }
  return {
    kind: 'modbus-rtu',
    simulated: units.map((unit, at) => ({
      id: `rtu-${unit}`,
      protocol: 'modbus-rtu',
      ...line,
      unit,
      points,
      ...faulty(hasFaults, faults[at] ?? []),
    })),
    devices: units.map((unit) => ({
      id: `rtu-${unit}`,
      driver: 'modbus',
      connection: { transport: 'rtu', ...line, unit, timeout: '200ms' },
      poll: '1s',
      sensors,
    })),
    sensors: units.length * each,
  }
}

/** One server, polled by one device and subscribed to by another. */
export function opcua(count: number, { opcuaPort, hasFaults }: SourceOptions): Source {
  const connection = { endpoint: `opc.tcp://127.0.0.1:${opcuaPort}` }
  const all = ids(count)
  const half = Math.ceil(count / 2)
  const sensors = all.map((id) => ({ id, node: `nsu=urn:telemetryx:simulation;s=plc.${id}` }))
  return {
    kind: 'opcua',
    simulated: [
      {
        id: 'plc',
        protocol: 'opcua',
        port: opcuaPort,
        every: '1s',
        points: all.map((id) => ({ id, signal: noise })),
        ...faulty(hasFaults, [
          { type: 'exception', at: '20s', for: '3s' },
          { type: 'refuse', at: '35s', for: '4s' },
        ]),
      },
    ],
    devices: [
      { id: 'plc', driver: 'opcua', connection, mode: 'poll', poll: '1s', sensors: sensors.slice(0, half) },
      {
        id: 'plc-told',
        driver: 'opcua',
        connection,
        mode: 'subscribe',
        publishInterval: '500ms',
        sensors: sensors.slice(half),
      },
    ],
    sensors: count,
  }
}

export function mqtt(count: number, { brokerPort, hasFaults }: SourceOptions): Source {
  const publisher = (id: string, payload: string, faults: readonly Fault[]): object => ({
    id,
    protocol: 'mqtt',
    url: `mqtt://127.0.0.1:${brokerPort}`,
    every: '1s',
    points: ids(each).map((point) => ({ id: point, topic: `${id}/${point}`, payload, signal: noise })),
    ...faulty(hasFaults, faults),
  })
  const each = Math.ceil(count / 2)
  const device = (id: string, how: object): Device => ({
    id,
    driver: 'mqtt',
    sensors: ids(each).map((sensor) => ({ id: sensor, topic: `${id}/${sensor}`, ...how })),
  })
  return {
    kind: 'mqtt',
    simulated: [
      publisher('wireless', '{value}', [
        { type: 'garbage', at: '20s', for: '2s' },
        { type: 'silence', at: '40s', for: '3s' },
      ]),
      publisher('telling', '{"v":{value},"t":{time}}', [
        { type: 'half-frame', at: '25s', for: '2s' },
        { type: 'hang-up', at: '35s', for: '3s' },
      ]),
    ],
    devices: [device('wireless', { payload: 'number' }), device('telling', { value: '$.v', time: '$.t' })],
    sensors: 2 * each,
  }
}

/** Read from a Sparkplug edge node, which is a gateway of its own with a machine behind it; its faults are kills. */
export function sparkplug(count: number, { edgePort }: SourceOptions): Source {
  const { points } = registers(count)
  return {
    kind: 'sparkplug',
    simulated: [{ id: 'edge', protocol: 'modbus-tcp', port: edgePort, points }],
    devices: [
      {
        id: 'spark',
        driver: 'mqtt',
        sensors: ids(count).map((id) => ({
          id,
          topic: 'spBv1.0/soak/+/edge-node/press',
          payload: 'sparkplug',
          metric: id,
        })),
      },
    ],
    sensors: count,
  }
}

/** gateway.yaml of that edge node. */
export function edgeNode(count: number, httpPort: number, options: SourceOptions): object {
  const { brokerPort, edgePort, folder } = options
  return {
    version: 1,
    gateway: { id: 'edge-node', factory: 'Soak' },
    data: join(folder, 'edge-data'),
    http: { host: '127.0.0.1', port: httpPort, auth: 'none' },
    devices: [
      {
        id: 'press',
        driver: 'modbus',
        connection: { transport: 'tcp', host: '127.0.0.1', port: edgePort, unit: 1, timeout: '500ms' },
        poll: '1s',
        sensors: registers(count).sensors,
      },
    ],
    uplinks: [{ id: 'scada', type: 'sparkplug', url: `mqtt://127.0.0.1:${brokerPort}`, group: 'soak' }],
  }
}

export function http(count: number, { gatewayPort, hasFaults }: SourceOptions): Source {
  return {
    kind: 'http',
    simulated: [
      {
        id: 'apps',
        protocol: 'http',
        url: `http://127.0.0.1:${gatewayPort}/api/v1/ingest/apps`,
        every: '1s',
        points: ids(count).map((id) => ({ id, signal: noise })),
        ...faulty(hasFaults, [
          { type: 'half-frame', at: '20s', for: '3s' },
          { type: 'silence', at: '40s', for: '3s' },
        ]),
      },
    ],
    devices: [{ id: 'apps', driver: 'http', sensors: ids(count).map((id) => ({ id })) }],
    sensors: count,
  }
}

/** An instrument that sends by itself, and one that is asked. */
export function serial(count: number, { folder, hasFaults }: SourceOptions): Source {
  const each = Math.ceil(count / 2)
  const fields = ids(each)
  const instrument = (id: string, request: object, faults: readonly Fault[]): object => ({
    id,
    protocol: 'serial',
    path: join(folder, id),
    every: '1s',
    ...request,
    answer: `${fields.map((field) => `{${field}:.2}`).join(';')}\r\n`,
    points: fields.map((field) => ({ id: field, signal: noise })),
    ...faulty(hasFaults, faults),
  })
  const device = (id: string, request: object): Device => ({
    id,
    driver: 'serial',
    connection: { path: join(folder, id), baudRate: 115_200 },
    framing: { delimiter: '\r\n' },
    ...request,
    parse: { pattern: `^${fields.map((field) => `(?<${field}>-?[0-9.]+)`).join(';')}$` },
    sensors: fields.map((field) => ({ id: field, field })),
  })
  return {
    kind: 'serial',
    simulated: [
      instrument('scale', { request: 'P\r\n' }, [
        { type: 'garbage', at: '20s', for: '2s' },
        { type: 'late', delay: '700ms', at: '30s', for: '2s' },
        { type: 'silence', at: '45s', for: '3s' },
      ]),
      instrument('printer', {}, [
        { type: 'garbage', at: '25s', for: '3s' },
        { type: 'hang-up', at: '40s', for: '3s' },
      ]),
    ],
    devices: [device('scale', { request: { send: 'P\r\n', every: '1s', timeout: '400ms' } }), device('printer', {})],
    sensors: 2 * each,
  }
}
