// The model on the wire: factories, machines, sensors.

import { Type, type Static } from 'typebox'
import type { CheckSpec } from '#domain/check.ts'
import type { Derivation } from '#domain/derivation.ts'
import type { Machine, Model, Sensor } from '#domain/sensor.ts'
import { formatDuration } from '#domain/units.ts'
import type { CheckStatus } from '#domain/views.ts'

export const FactorySchema = Type.Object({ id: Type.String(), name: Type.String() })

export const MachineSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  factory: Type.String({ description: 'Id of its factory.' }),
  sensors: Type.Integer({ description: 'How many sensors it has.' }),
})

const limit = Type.Union([Type.Number(), Type.Null()])

export const SensorSchema = Type.Object({
  id: Type.String({ examples: ['press-1.oil-temperature'] }),
  name: Type.String({ description: 'The part after the dot.' }),
  device: Type.String(),
  machine: Type.String(),
  factory: Type.String(),
  unit: Type.String({ description: 'Empty when none is configured.' }),
  type: Type.Enum(['number', 'boolean', 'int64', 'uint64', 'string']),
  writable: Type.Boolean(),
  description: Type.String(),
  limits: Type.Object(
    { lowLow: limit, low: limit, high: limit, highHigh: limit },
    { description: 'The tightest of its threshold checks.' },
  ),
})

/** What one sensor tells beyond what the list does. */
export const SensorDetailSchema = Type.Object({
  ...SensorSchema.properties,
  derivation: Type.Union([Type.String(), Type.Null()], {
    description: 'How the gateway works it out, as an expression or the name of a figure; null when it is read.',
  }),
  checks: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Name of the check within its sensor.' }),
      type: Type.String({ examples: ['threshold', 'anomaly'] }),
      learning: Type.Union([Type.Object({ seen: Type.Integer(), needed: Type.Integer() }), Type.Null()], {
        description: 'Readings it has learnt from, and how many it needs before it judges; null once it does.',
      }),
      level: Type.Union([Type.String(), Type.Null()], { description: 'Of its active alarm.' }),
      pending: Type.Boolean({ description: 'A delay is running.' }),
      outOfService: Type.Boolean({ description: 'Its alarms are kept, not shown.' }),
    }),
    { description: 'What its checks are doing.' },
  ),
})

export type SensorLimits = Static<typeof SensorSchema>['limits']

/** All machines in their form on the wire. */
export function machineShapes(model: Model): Static<typeof MachineSchema>[] {
  const counts = new Map<string, number>()
  for (const sensor of model.sensors) counts.set(sensor.machine, (counts.get(sensor.machine) ?? 0) + 1)
  return model.machines.map(({ id, name, factory }) => ({ id, name, factory, sensors: counts.get(id) ?? 0 }))
}

/** `machines` by id: the model's machines. */
export function sensorShape(sensor: Sensor, machines: ReadonlyMap<string, Machine>): Static<typeof SensorSchema> {
  return {
    id: sensor.id,
    name: sensor.name,
    device: sensor.device,
    machine: sensor.machine,
    factory: machines.get(sensor.machine)?.factory ?? '',
    unit: sensor.unit,
    type: sensor.valueType,
    writable: sensor.writable,
    description: sensor.description,
    limits: limitsOf(sensor.checks),
  }
}

/** One sensor with the state of its checks. */
export function sensorDetailShape(
  sensor: Sensor,
  machines: ReadonlyMap<string, Machine>,
  checks: readonly CheckStatus[],
): Static<typeof SensorDetailSchema> {
  return {
    ...sensorShape(sensor, machines),
    derivation: sensor.derivation === undefined ? null : derivationText(sensor.derivation),
    checks: checks.map(({ id, type, learning, level, isPending, isOutOfService }) => ({
      id,
      type,
      learning: learning && { seen: learning.seen, needed: learning.needed },
      level,
      pending: isPending,
      outOfService: isOutOfService,
    })),
  }
}

function derivationText(derivation: Derivation): string {
  if (derivation.kind === 'expression') return derivation.text
  const { figure, of, sizeMs } = derivation.window
  return `${figure} of ${of} over ${formatDuration(sizeMs)}`
}

/** Machines of a model by id. */
export function machinesById(model: Model): ReadonlyMap<string, Machine> {
  return new Map(model.machines.map((machine) => [machine.id, machine]))
}

function limitsOf(checks: readonly CheckSpec[]): SensorLimits {
  const limits: SensorLimits = { lowLow: null, low: null, high: null, highHigh: null }
  for (const check of checks) {
    if (check.type !== 'threshold') continue
    limits.lowLow = tightest(Math.max, limits.lowLow, check.lowLow)
    limits.low = tightest(Math.max, limits.low, check.low)
    limits.high = tightest(Math.min, limits.high, check.high)
    limits.highHigh = tightest(Math.min, limits.highHigh, check.highHigh)
  }
  return limits
}

function tightest(
  choose: (a: number, b: number) => number,
  known: number | null,
  other: number | undefined,
): number | null {
  if (other === undefined) return known
  return known === null ? other : choose(known, other)
}
