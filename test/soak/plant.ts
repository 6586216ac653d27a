// The plant of a soak run: so many sensors at 1 Hz on every protocol, with faults at their times, as `telemetryx simulate` and
// `telemetryx gateway` take it.

import { join } from 'node:path'

export interface PlantOptions {
  readonly folder: string
  readonly sensors: number
  /** Of a first Modbus server; each further one takes the next. */
  readonly ports: readonly number[]
  readonly opcuaPort: number
  readonly brokerPort: number
  readonly gatewayPort: number
  readonly receiver: string
  readonly hasSerial: boolean
  readonly hasFaults: boolean
}

export interface PlantFiles {
  readonly simulation: object
  readonly gateway: object
  readonly sensors: number
}

interface Part {
  readonly simulated: object[]
  readonly devices: object[]
  readonly sensors: number
}

const SERIAL_FIELDS = 10
const MODBUS_SERVERS = 4
const noise = { type: 'noise', mean: 50, deviation: 5 }
const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `s${at}`)

/** Sixty in a hundred sensors are read over Modbus, twenty over OPC UA, the rest by MQTT, HTTP and a serial line. */
export function soakPlant(options: PlantOptions): PlantFiles {
  const { sensors, hasSerial } = options
  const share = (part: number): number => Math.round(sensors * part)
  const parts = [
    modbus(share(0.6), options),
    opcua(share(0.2), options),
    mqtt(share(0.12), options),
    http(share(0.07), options),
    ...(hasSerial ? [serial(options)] : []),
  ]
  const { folder, brokerPort, gatewayPort, receiver } = options
  return {
    simulation: { version: 1, seed: 1, devices: parts.flatMap(({ simulated }) => simulated) },
    gateway: {
      version: 1,
      gateway: { id: 'soak', factory: 'Soak' },
      data: join(folder, 'data'),
      http: { host: '127.0.0.1', port: gatewayPort, auth: 'none' },
      broker: { host: '127.0.0.1', port: brokerPort },
      devices: parts.flatMap(({ devices }) => devices),
      uplinks: [{ id: 'upstream', type: 'grpc', url: receiver }],
    },
    sensors: parts.reduce((sum, part) => sum + part.sensors, 0),
  }
}

/** Each server fails in a way of its own, one after the other. */
function modbus(count: number, { ports, hasFaults }: PlantOptions): Part {
  const perServer = Math.ceil(count / MODBUS_SERVERS)
  const servers = ports.slice(0, MODBUS_SERVERS)
  const faults = [
    { type: 'silence', at: '15s', for: '5s', every: '45s' },
    { type: 'half-frame', at: '20s', for: '3s', every: '45s' },
    { type: 'wrong-transaction', at: '25s', for: '3s', every: '45s' },
    { type: 'hang-up', at: '30s', for: '3s', every: '45s' },
  ]
  return {
    simulated: servers.map((port, at) => ({
      id: `modbus-${at}`,
      protocol: 'modbus-tcp',
      port,
      points: ids(perServer).map((id, n) => ({
        id,
        register: 'holding',
        address: 2 * n,
        type: 'float32',
        signal: noise,
      })),
      ...(hasFaults && { faults: [faults[at]!] }),
    })),
    devices: servers.map((port, at) => ({
      id: `modbus-${at}`,
      driver: 'modbus',
      connection: { transport: 'tcp', host: '127.0.0.1', port, unit: 1, timeout: '500ms' },
      poll: '1s',
      sensors: ids(perServer).map((id, n) => ({ id, register: 'holding', address: 2 * n, type: 'float32' })),
    })),
    sensors: servers.length * perServer,
  }
}

function opcua(count: number, { opcuaPort, hasFaults }: PlantOptions): Part {
  return {
    simulated: [
      {
        id: 'plc',
        protocol: 'opcua',
        port: opcuaPort,
        points: ids(count).map((id) => ({ id, signal: noise })),
        ...(hasFaults && { faults: [{ type: 'refuse', at: '35s', for: '5s', every: '60s' }] }),
      },
    ],
    devices: [
      {
        id: 'plc',
        driver: 'opcua',
        connection: { endpoint: `opc.tcp://127.0.0.1:${opcuaPort}` },
        mode: 'poll',
        poll: '1s',
        sensors: ids(count).map((id) => ({ id, node: `nsu=urn:telemetryx:simulation;s=plc.${id}` })),
      },
    ],
    sensors: count,
  }
}

function mqtt(count: number, { brokerPort }: PlantOptions): Part {
  return {
    simulated: [
      {
        id: 'wireless',
        protocol: 'mqtt',
        url: `mqtt://127.0.0.1:${brokerPort}`,
        every: '1s',
        points: ids(count).map((id) => ({ id, topic: `wireless/${id}`, signal: noise })),
      },
    ],
    devices: [
      {
        id: 'wireless',
        driver: 'mqtt',
        sensors: ids(count).map((id) => ({ id, topic: `wireless/${id}`, payload: 'number' })),
      },
    ],
    sensors: count,
  }
}

function http(count: number, { gatewayPort }: PlantOptions): Part {
  return {
    simulated: [
      {
        id: 'apps',
        protocol: 'http',
        url: `http://127.0.0.1:${gatewayPort}/api/v1/ingest/apps`,
        every: '1s',
        points: ids(count).map((id) => ({ id, signal: noise })),
      },
    ],
    devices: [{ id: 'apps', driver: 'http', sensors: ids(count).map((id) => ({ id })) }],
    sensors: count,
  }
}

function serial({ folder }: PlantOptions): Part {
  const fields = ids(SERIAL_FIELDS)
  return {
    simulated: [
      {
        id: 'scale',
        protocol: 'serial',
        path: join(folder, 'line'),
        every: '1s',
        answer: `${fields.map((id) => `{${id}:.2}`).join(';')}\r\n`,
        points: fields.map((id) => ({ id, signal: noise })),
      },
    ],
    devices: [
      {
        id: 'scale',
        driver: 'serial',
        connection: { path: join(folder, 'line') },
        framing: { delimiter: '\r\n' },
        parse: { pattern: `^${fields.map((id) => `(?<${id}>-?[0-9.]+)`).join(';')}$` },
        sensors: fields.map((id) => ({ id, field: id })),
      },
    ],
    sensors: fields.length,
  }
}
