// The plant of a soak run: so many sensors at 1 Hz on every kind of source, as `telemetryx simulate` and `telemetryx gateway` take it.

import { join } from 'node:path'
import {
  edgeNode,
  http,
  modbusRtu,
  modbusTcp,
  mqtt,
  opcua,
  serial,
  sparkplug,
  type Source,
  type SourceOptions,
} from './sources.ts'

export interface PlantOptions extends SourceOptions {
  readonly sensors: number
  readonly edgeHttpPort: number
  readonly receiver: string
  /** False: no pseudo-terminals can be made here, so that there are no serial lines. */
  readonly hasSerial: boolean
}

export interface Plant {
  /** Kinds of sources that are read, and those that had to be left out. */
  readonly kinds: readonly string[]
  readonly leftOut: readonly string[]
  readonly devices: readonly string[]
  readonly sensors: number
  readonly simulation: object
  readonly gateway: object
  /** The gateway that is the Sparkplug edge node. */
  readonly edge: object
}

const ON_SERIAL_LINES = [modbusRtu, serial]
/** Which part of the sensors is read how. */
const SHARES: readonly (readonly [kind: (count: number, options: SourceOptions) => Source, share: number])[] = [
  [modbusTcp, 0.5],
  [modbusRtu, 0.04],
  [opcua, 0.2],
  [mqtt, 0.12],
  [sparkplug, 0.05],
  [http, 0.07],
  [serial, 0.02],
]

export function soakPlant(options: PlantOptions): Plant {
  const { brokerPort, edgeHttpPort, folder, gatewayPort, hasSerial, receiver } = options
  const count = (share: number): number => Math.max(2, Math.round(options.sensors * share))
  const isHere = (kind: (typeof SHARES)[number][0]): boolean => hasSerial || !ON_SERIAL_LINES.includes(kind)
  const sources = SHARES.filter(([kind]) => isHere(kind)).map(([kind, share]) => kind(count(share), options))
  const absent = SHARES.filter(([kind]) => !isHere(kind)).map(([kind]) => kind(2, options).kind)
  const spark = sources.find(({ kind }) => kind === 'sparkplug')!
  return {
    kinds: sources.map(({ kind }) => kind),
    leftOut: absent,
    devices: sources.flatMap(({ devices }) => devices.map(({ id }) => id)),
    sensors: sources.reduce((sum, { sensors }) => sum + sensors, 0),
    simulation: { version: 1, seed: 1, devices: sources.flatMap(({ simulated }) => simulated) },
    gateway: {
      version: 1,
      gateway: { id: 'soak', factory: 'Soak' },
      data: join(folder, 'data'),
      http: { host: '127.0.0.1', port: gatewayPort, auth: 'none' },
      broker: { host: '127.0.0.1', port: brokerPort },
      devices: sources.flatMap(({ devices }) => devices),
      uplinks: [{ id: 'upstream', type: 'grpc', url: receiver }],
    },
    edge: edgeNode(spark.sensors, edgeHttpPort, options),
  }
}
