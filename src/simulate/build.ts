// From the description of simulated devices to what runs: each device's points and faults, and the servers behind them.

import { join } from 'node:path'
import type { Clock } from '#kit/clock.ts'
import type { SimulationFiles } from './files.ts'
import { HttpPoster } from './http-poster.ts'
import { LineFaults } from './line-faults.ts'
import { modbusUnit, type ModbusPointSpec } from './modbus-points.ts'
import { ModbusReplay } from './modbus-replay.ts'
import { ModbusRtu } from './modbus-rtu.ts'
import { ModbusServer, type SimulatedUnit } from './modbus-server.ts'
import { MqttPublisher } from './mqtt-publisher.ts'
import { OpcuaServer } from './opcua-server.ts'
import { Points, type PointSpec } from './points.ts'
import { lineOf } from './rules.ts'
import type { DeviceSpec } from './schema.ts'
import { SerialInstrument } from './serial-instrument.ts'

export interface BuildContext {
  readonly clock: Clock
  readonly random: () => number
  /** Seconds from the start. */
  readonly seconds: () => number
  readonly files: SimulationFiles
  /** Folder for certificates. */
  readonly dir: string
  readonly onState: (device: string, text: string) => void
}

export interface BuiltDevice {
  readonly spec: DeviceSpec
  /** null: a replay has none. */
  readonly points: Points | null
  readonly faults: LineFaults
}

/** One server, line or client; several units may be behind it. */
export interface Station {
  readonly devices: readonly string[]
  /** Resolves with where it can be reached. */
  start(): Promise<string>
  stop(): Promise<void>
}

export interface Built {
  readonly devices: readonly BuiltDevice[]
  readonly stations: readonly Station[]
}

type OfProtocol<P extends DeviceSpec['protocol']> = Extract<DeviceSpec, { protocol: P }>
type ModbusSpec = OfProtocol<'modbus-tcp'> | OfProtocol<'modbus-rtu'>

interface SharedLine {
  readonly first: ModbusSpec
  readonly units: Map<number, SimulatedUnit>
  readonly ids: string[]
}

/** Does no I/O but reading files. Throws an Error for a file that cannot be used. */
export function buildSimulation(specs: readonly DeviceSpec[], context: BuildContext): Built {
  const devices: BuiltDevice[] = []
  const stations: Station[] = []
  const shared = new Map<string, SharedLine>()
  for (const spec of specs) {
    if (spec.protocol === 'modbus-tcp' || spec.protocol === 'modbus-rtu') {
      const points = pointsOf(spec, context)
      const unit = unitOf(spec, points)
      const key = lineOf(spec) ?? `own:${spec.id}`
      const line: SharedLine = shared.get(key) ?? { first: spec, units: new Map(), ids: [] }
      shared.set(key, line)
      line.units.set(spec.unit, unit)
      line.ids.push(spec.id)
      devices.push({ spec, points, faults: unit.faults })
      continue
    }
    const points = 'points' in spec ? pointsOf(spec, context) : null
    const { station, faults } = singleStation(spec, points, context)
    devices.push({ spec, points, faults })
    stations.push(station)
  }
  for (const { first, units, ids } of shared.values()) stations.push(modbusStation(first, units, ids, context))
  return { devices, stations }
}

function pointsOf(spec: Exclude<DeviceSpec, { protocol: 'replay' }>, { files, seconds, random }: BuildContext): Points {
  const points = spec.points.map(({ id, signal, value = 0, decimals = null }): PointSpec => ({
    id,
    signal: signal === undefined ? null : files.signal(signal),
    value,
    decimals,
  }))
  return new Points(points, seconds, random)
}

function unitOf(spec: ModbusSpec, points: Points): SimulatedUnit {
  const { holes, identity } = spec
  const registers = spec.points.map(({ id, register, address, type, order, factor, signal }): ModbusPointSpec => {
    const isBit = register === 'coil' || register === 'discrete'
    return {
      id,
      register,
      address,
      type: type ?? (isBit ? 'bool' : 'uint16'),
      order,
      factor,
      isHeld: signal === undefined,
    }
  })
  const named = identity === undefined ? null : ([identity.vendor, identity.product, identity.revision] as const)
  return modbusUnit({ points: registers, refusesHoles: holes === 'refuse', identity: named }, points)
}

function modbusStation(
  first: ModbusSpec,
  units: ReadonlyMap<number, SimulatedUnit>,
  devices: readonly string[],
  { clock, random }: BuildContext,
): Station {
  if (first.protocol === 'modbus-rtu') {
    const { path, baudRate, parity } = first
    const line = { path, baudRate, parity, dataBits: 8, stopBits: 1 } as const
    const rtu = new ModbusRtu({ line, units, clock, random })
    return { devices, start: () => rtu.start().then(() => path), stop: () => rtu.stop() }
  }
  const { host, port } = first
  const server = new ModbusServer(units, { clock, random })
  return { devices, start: async () => `${host}:${await server.listen(port, host)}`, stop: () => server.close() }
}

function singleStation(
  spec: Exclude<DeviceSpec, ModbusSpec>,
  points: Points | null,
  context: BuildContext,
): { station: Station; faults: LineFaults } {
  const { clock, random, dir } = context
  const onState = (text: string): void => context.onState(spec.id, text)
  const devices = [spec.id]
  switch (spec.protocol) {
    case 'opcua': {
      const variables = spec.points.map(({ id, type, unit = '', signal }) => ({
        id,
        type,
        unit,
        isWritable: signal === undefined,
      }))
      const server = new OpcuaServer({
        device: spec.id,
        port: spec.port,
        pki: join(dir, 'opcua-simulation'),
        everyMs: spec.every,
        variables,
        points: points!,
        clock,
      })
      return { station: { devices, start: () => server.start(), stop: () => server.stop() }, faults: server.faults }
    }
    case 'mqtt': {
      const { id, url, retain, every: everyMs, points: topics } = spec
      const qos = spec.qos === 0 ? 0 : 1
      const client = new MqttPublisher({
        id,
        url,
        qos,
        retain,
        everyMs,
        topics,
        points: points!,
        clock,
        random,
        onState,
      })
      const start = (): Promise<string> => client.start().then(() => url)
      return { station: { devices, start, stop: () => client.stop() }, faults: client.faults }
    }
    case 'serial': {
      const { path, baudRate, parity, dataBits, request = null, every: everyMs, answer } = spec
      const line = { path, baudRate, parity, dataBits, stopBits: 1 } as const
      const instrument = new SerialInstrument({ line, request, everyMs, answer, points: points!, clock, random })
      const start = (): Promise<string> => instrument.start().then(() => path)
      return { station: { devices, start, stop: () => instrument.stop() }, faults: instrument.faults }
    }
    case 'http': {
      const { url, token = null, every: everyMs } = spec
      const poster = new HttpPoster({ url, token, everyMs, points: points!, clock, random, onState })
      const start = (): Promise<string> => poster.start().then(() => url)
      return { station: { devices, start, stop: () => poster.stop() }, faults: poster.faults }
    }
    case 'replay':
      return { station: replayStation(spec, context), faults: new LineFaults() }
  }
}

function replayStation({ id, framing, frames, port, host }: OfProtocol<'replay'>, { files }: BuildContext): Station {
  const recorded = files.frames(frames)
  let replay: ModbusReplay | null = null
  return {
    devices: [id],
    start: async () => {
      replay = await ModbusReplay.start(framing, recorded, { port, host })
      return `${host}:${replay.port}`
    },
    stop: async () => replay?.stop(),
  }
}
