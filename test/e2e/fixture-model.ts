// The plant of the browser tests: what stands in it, and the value of each sensor at a time. Pure: the same time, the same value.

import type { Machine, Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import type { Value, ValueType } from '#domain/value.ts'

/** Value of a sensor at a time in Unix milliseconds; null: the device is silent. */
export type ValueAt = (time: number) => Value | null

export interface FixtureModel {
  readonly model: Model
  readonly valueOf: ReadonlyMap<SensorNumber, ValueAt>
}

interface Draft {
  readonly name: string
  readonly description: string
  readonly unit?: string
  readonly type?: ValueType
  readonly limits?: { low?: number; high?: number; highHigh?: number }
  readonly writable?: boolean
  readonly value: ValueAt
}

const FACTORY = { id: 'plant-a', name: 'Plant A' }

/** Device that is always silent. */
export const SILENT_DEVICE = 'chiller'
export const HOT_SENSOR = 'press-2.oil-temperature'
export const ODD_SENSOR = 'press-3.vibration'

/** `extraMachines` more of 8 sensors each, to see whether the page stays quick. */
export function fixtureModel(extraMachines = 0): FixtureModel {
  const sensors: Sensor[] = []
  const valueOf = new Map<SensorNumber, ValueAt>()
  const machines: Machine[] = []
  const add = (id: string, name: string, drafts: readonly Draft[]): void => {
    machines.push({ id, name, factory: FACTORY.id })
    for (const draft of drafts) {
      valueOf.set(sensors.length, draft.value)
      sensors.push(makeSensor(sensors.length, id, draft))
    }
  }
  add('chiller', 'Chiller', chiller())
  add('compressor', 'Compressor', compressor())
  add('energy-meter', 'Energy meter', energyMeter())
  add('press-1', 'Press 1', press(52, 0, 1))
  add('press-2', 'Press 2', press(57, 14, 2))
  add('press-3', 'Press 3', press(48, 0, 3))
  for (let index = 0; index < extraMachines; index++)
    add(`line-${index + 1}`, `Line ${index + 1}`, press(45 + (index % 9), 0, 10 + index))
  const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
  return {
    valueOf,
    model: {
      gateway: 'edge-01',
      factories: [FACTORY],
      machines,
      sensors,
      sensor: (id) => byId.get(id),
      sensorAt: (number) => sensors[number],
    },
  }
}

function makeSensor(number: SensorNumber, device: string, draft: Draft): Sensor {
  return {
    number,
    id: `${device}.${draft.name}`,
    device,
    name: draft.name,
    description: draft.description,
    machine: device,
    valueType: draft.type ?? 'number',
    unit: draft.unit ?? '',
    writable: draft.writable ?? false,
    scale: null,
    deadband: null,
    checks: draft.limits === undefined ? [] : [{ type: 'threshold', ...draft.limits }],
  }
}

/** Sum of two sines and a little noise that depends on the time only. */
function wave(mean: number, swing: number, periodSeconds: number, seed: number): (time: number) => number {
  return (time) => {
    const seconds = time / 1000
    const slow = Math.sin((seconds / periodSeconds) * 2 * Math.PI + seed)
    const fast = Math.sin((seconds / periodSeconds) * 14.7 + seed * 3)
    return mean + swing * (0.75 * slow + 0.2 * fast + 0.12 * noise(Math.floor(seconds), seed))
  }
}

/** −1 … 1 */
function noise(step: number, seed: number): number {
  const x = Math.sin(step * 12.9898 + seed * 78.233) * 43_758.5453
  return 2 * (x - Math.floor(x)) - 1
}

/** `rise`: how far the oil has become too hot within the last minutes of each quarter of an hour. */
function press(oil: number, rise: number, seed: number): Draft[] {
  const temperature = wave(oil, 2.2, 420, seed)
  const pressure = wave(148, 22, 47, seed)
  const vibration = wave(2.4, 0.5, 31, seed)
  const power = wave(74, 12, 90, seed)
  const heat = (time: number): number => (rise === 0 ? 0 : rise * Math.min(1, ((time / 1000) % 900) / 300 + 0.35))
  return [
    { name: 'guard-closed', description: 'Guard closed', type: 'boolean', value: () => true },
    { name: 'motor-power', description: 'Motor power', unit: 'kW', value: power },
    { name: 'oil-pressure', description: 'Oil pressure', unit: 'bar', limits: { low: 90, high: 215 }, value: pressure },
    {
      name: 'oil-temperature',
      description: 'Oil temperature',
      unit: 'degC',
      limits: { high: 65, highHigh: 75 },
      value: (time) => temperature(time) + heat(time),
    },
    {
      name: 'running',
      description: 'Running',
      type: 'boolean',
      writable: true,
      value: (time) => Math.floor(time / 240_000) % 5 !== seed % 5,
    },
    { name: 'stroke-rate', description: 'Stroke rate', unit: '1/min', writable: true, value: () => 24 },
    {
      name: 'strokes',
      description: 'Strokes since start',
      type: 'int64',
      value: (time) => 4_000_000_000n + BigInt(Math.floor(time / 2500)),
    },
    { name: 'vibration', description: 'Frame vibration', unit: 'mm/s', value: vibration },
  ]
}

function compressor(): Draft[] {
  return [
    {
      name: 'air-pressure',
      description: 'Air pressure',
      unit: 'bar',
      limits: { low: 6.2, high: 8.5 },
      value: wave(7.3, 0.5, 75, 21),
    },
    { name: 'dew-point', description: 'Dew point', unit: 'degC', limits: { high: 5 }, value: wave(2.6, 0.8, 300, 22) },
    { name: 'load', description: 'Load', unit: 'percent', value: wave(63, 20, 75, 23) },
    {
      name: 'state',
      description: 'State',
      type: 'string',
      value: (time) => (Math.floor(time / 75_000) % 2 === 0 ? 'Loaded' : 'Idle'),
    },
  ]
}

function chiller(): Draft[] {
  return [
    { name: 'flow', description: 'Coolant flow', unit: 'm3/h', limits: { low: 8 }, value: () => null },
    {
      name: 'return-temperature',
      description: 'Return temperature',
      unit: 'degC',
      limits: { high: 24 },
      value: () => null,
    },
    {
      name: 'supply-temperature',
      description: 'Supply temperature',
      unit: 'degC',
      limits: { high: 16 },
      value: () => null,
    },
  ]
}

function energyMeter(): Draft[] {
  return [
    {
      name: 'active-energy',
      description: 'Energy',
      unit: 'Wh',
      type: 'uint64',
      value: (time) => 9_007_199_254_740_993n + BigInt(Math.floor(time / 1000)),
    },
    {
      name: 'frequency',
      description: 'Frequency',
      unit: 'Hz',
      limits: { low: 49.5, high: 50.5 },
      value: wave(50, 0.06, 60, 31),
    },
    { name: 'power', description: 'Active power', unit: 'kW', value: wave(262, 30, 90, 32) },
    {
      name: 'voltage-l1',
      description: 'Voltage L1',
      unit: 'V',
      limits: { low: 207, high: 253 },
      value: wave(231, 3, 130, 33),
    },
  ]
}
