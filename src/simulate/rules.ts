// What is wrong with a simulation beyond what its schema can say; everything at once. Pure.

import { endOf } from './modbus-points.ts'
import type { DeviceSpec, FaultSpec, SimulationSpec } from './schema.ts'
import { unknownNames } from './template.ts'

export interface SimulationProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

type Protocol = DeviceSpec['protocol']
type ModbusPoints = Extract<DeviceSpec, { protocol: 'modbus-tcp' }>['points']

const MESSAGES = ['silence', 'late', 'garbage', 'half-frame'] as const
const FAULTS: Readonly<Record<Protocol, readonly FaultSpec['type'][]>> = {
  'modbus-tcp': [...MESSAGES, 'hang-up', 'refuse', 'wrong-unit', 'wrong-transaction', 'exception'],
  'modbus-rtu': [...MESSAGES, 'hang-up', 'refuse', 'wrong-unit', 'exception'],
  opcua: ['hang-up', 'refuse', 'exception'],
  mqtt: [...MESSAGES, 'hang-up'],
  serial: [...MESSAGES, 'hang-up', 'refuse'],
  http: MESSAGES,
  replay: [],
}
const OF_VALUES: readonly FaultSpec['type'][] = ['stuck', 'spike', 'drift']

export function simulationProblems({ devices }: SimulationSpec): readonly SimulationProblem[] {
  const problems: SimulationProblem[] = []
  const ids = new Set<string>()
  for (const [index, device] of devices.entries()) {
    const at = ['devices', index]
    if (ids.has(device.id)) problems.push({ path: [...at, 'id'], message: `there is a device "${device.id}" already` })
    ids.add(device.id)
    for (const problem of [...pointProblems(device), ...faultProblems(device), ...lineProblems(device, devices, index)])
      problems.push({ ...problem, path: [...at, ...problem.path] })
  }
  return problems
}

function* pointProblems(device: DeviceSpec): Generator<SimulationProblem> {
  if (device.protocol === 'replay') return
  const ids: string[] = []
  for (const [index, point] of device.points.entries()) {
    const path = ['points', index]
    if (ids.includes(point.id)) yield { path: [...path, 'id'], message: `there is a point "${point.id}" already` }
    ids.push(point.id)
    if (point.signal !== undefined && point.value !== undefined)
      yield { path: [...path, 'value'], message: 'a point has a signal or a value, not both' }
    const isModbus = device.protocol === 'modbus-tcp' || device.protocol === 'modbus-rtu'
    if (typeof point.value === 'string' && isModbus)
      yield { path: [...path, 'value'], message: 'a number or true or false is needed here' }
  }
  if (device.protocol === 'modbus-tcp' || device.protocol === 'modbus-rtu') yield* registerProblems(device.points)
  if (device.protocol !== 'serial') return
  for (const name of unknownNames(device.answer, ids))
    yield { path: ['answer'], message: `there is no point "${name}"` }
}

function* registerProblems(points: ModbusPoints): Generator<SimulationProblem> {
  for (const [index, { register, address, type }] of points.entries()) {
    const path = ['points', index]
    if (endOf({ register, address, type: type ?? 'uint16' }) > 65_536)
      yield { path: [...path, 'address'], message: 'it ends behind address 65535' }
    if ((register === 'coil' || register === 'discrete') && type !== undefined && type !== 'bool')
      yield { path: [...path, 'type'], message: `a ${register} holds one bit: bool` }
  }
}

function* faultProblems(device: DeviceSpec): Generator<SimulationProblem> {
  const allowed = FAULTS[device.protocol]
  const ids = device.protocol === 'replay' || !('points' in device) ? [] : device.points.map(({ id }) => id)
  for (const [index, fault] of ('faults' in device ? (device.faults ?? []) : []).entries()) {
    const path = ['faults', index]
    const isOfValue = OF_VALUES.includes(fault.type) && device.protocol !== 'replay'
    if (!isOfValue && !allowed.includes(fault.type)) {
      const known = [...allowed, ...(device.protocol === 'replay' ? [] : OF_VALUES)].join(', ')
      yield {
        path: [...path, 'type'],
        message: `${device.protocol} has no fault ${fault.type}; it has ${known || 'none'}`,
      }
    }
    if ('point' in fault && !ids.includes(fault.point))
      yield { path: [...path, 'point'], message: `there is no point "${fault.point}"` }
    if (fault.every !== undefined && fault.for === undefined)
      yield { path: [...path, 'every'], message: 'what comes again must end: give for' }
    else if (fault.every !== undefined && fault.every <= fault.for!)
      yield { path: [...path, 'every'], message: 'it must be longer than for' }
  }
}

/** Where several devices share a line they must be told apart, and agree on it. */
function* lineProblems(device: DeviceSpec, all: readonly DeviceSpec[], index: number): Generator<SimulationProblem> {
  const line = lineOf(device)
  if (line === null) return
  const before = all.slice(0, index).filter((other) => lineOf(other) === line)
  for (const other of before) {
    const areUnits = 'unit' in device && 'unit' in other && device.protocol === other.protocol
    const what = 'path' in device ? 'path' : 'port'
    if (!areUnits) yield { path: [what], message: `${other.id} has it already` }
    else if (device.unit === other.unit)
      yield { path: ['unit'], message: `${other.id} is unit ${other.unit} there already` }
  }
}

/** Name of what only one can have; null: nothing. */
export function lineOf(device: DeviceSpec): string | null {
  if ('path' in device) return `serial:${device.path}`
  if ('port' in device && device.port !== 0) return `tcp:${device.port}`
  return null
}
