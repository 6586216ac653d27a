// Resources of central on the wire: those of a gateway's API with what central knows beyond them, and central's own.

import { Type, type Static } from 'typebox'
import { FactorySchema, MachineSchema, SensorDetailSchema, SensorSchema } from '#api/shapes/model-shape.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '#api/time.ts'
import { SCOPES } from '../people/caller.ts'
import type { ApiKeyRecord, FactoryRecord, Labels, MachineRecord, SensorRecord, TenantRecord } from '../ports.ts'

export const NullableText = Type.Union([Type.String(), Type.Null()])

const labels = {
  metadata: Type.Record(Type.String(), Type.Unknown(), {
    description: 'What people keep beside it: any JSON object up to 16 KiB.',
    examples: [{ building: 'B2', costCentre: 4711 }],
  }),
  tags: Type.Array(Type.String(), { description: 'At most 50.', examples: [['hydraulics']] }),
}

export const CentralFactorySchema = Type.Object({ ...FactorySchema.properties, ...labels })
export const CentralMachineSchema = Type.Object({ ...MachineSchema.properties, ...labels })
const gateway = Type.String({ description: 'Who sends it: id of a gateway, or name of a program.' })
export const CentralSensorSchema = Type.Object({ ...SensorSchema.properties, gateway, ...labels })
/** `derivation` and `checks` are known to the gateway alone: null and empty here. */
export const CentralSensorDetailSchema = Type.Object({ ...SensorDetailSchema.properties, gateway, ...labels })

const NO_LIMITS = { lowLow: null, low: null, high: null, highHigh: null }

function labelsOf({ metadata, tags }: Labels): { metadata: Record<string, unknown>; tags: string[] } {
  return { metadata: { ...metadata }, tags: [...tags] }
}

export function factoryShape(factory: FactoryRecord): Static<typeof CentralFactorySchema> {
  return { id: factory.id, name: factory.name, ...labelsOf(factory) }
}

export function machineShape(machine: MachineRecord): Static<typeof CentralMachineSchema> {
  const { factory, id, name, sensors } = machine
  return { id, name, factory, sensors, ...labelsOf(machine) }
}

export function sensorShape(sensor: SensorRecord): Static<typeof CentralSensorSchema> {
  const { description, device, factory, id, machine, name, unit, valueType, writable } = sensor
  return {
    id,
    name,
    device,
    machine,
    factory,
    unit,
    type: valueType,
    writable,
    description,
    limits: { ...NO_LIMITS },
    gateway: sensor.gateway,
    ...labelsOf(sensor),
  }
}

export function sensorDetailShape(sensor: SensorRecord): Static<typeof CentralSensorDetailSchema> {
  return { ...sensorShape(sensor), derivation: null, checks: [] }
}

export const TenantSchema = Type.Object({
  id: Type.String({ examples: ['plant-group'] }),
  name: Type.String(),
  active: Type.Boolean({ description: 'false: suspended; its keys and people are refused.' }),
  createdAt: TimeSchema,
})

export function tenantShape({ createdAt, id, isActive, name }: TenantRecord): Static<typeof TenantSchema> {
  return { id, name, active: isActive, createdAt: isoTime(createdAt) }
}

export const KeySchema = Type.Object({
  id: Type.String({ description: 'Names it; opens nothing.' }),
  name: Type.String(),
  scopes: Type.Array(Type.Enum([...SCOPES])),
  gateway: Type.Union([Type.String(), Type.Null()], { description: 'The one that it may send for; null: any.' }),
  createdAt: TimeSchema,
  createdBy: Type.String(),
  expiresAt: NullableTimeSchema,
  lastUsedAt: NullableTimeSchema,
  revokedAt: NullableTimeSchema,
})

export function keyShape(key: ApiKeyRecord): Static<typeof KeySchema> {
  return {
    id: key.id,
    name: key.name,
    scopes: SCOPES.filter((scope) => key.scopes.includes(scope)),
    gateway: key.gateway,
    createdAt: isoTime(key.createdAt),
    createdBy: key.createdBy,
    expiresAt: isoTimeOrNull(key.expiresAt),
    lastUsedAt: isoTimeOrNull(key.lastUsedAt),
    revokedAt: isoTimeOrNull(key.revokedAt),
  }
}
