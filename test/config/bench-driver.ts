// A driver and a kind of uplink as tests of the config room need them: nested keys, a union, secrets, problems of its own.

import { Type } from 'typebox'
import type { Catalogue } from '#config/load.ts'
import type { ConfigProblem, Driver } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { durationSchema, strictObject } from '#domain/schema.ts'
import type { UplinkKind } from '#domain/uplink.ts'
import type { ValueType } from '#domain/value.ts'

const Tcp = strictObject({
  transport: Type.Literal('tcp'),
  host: Type.String({ minLength: 1 }),
  port: Type.Integer({ minimum: 1, maximum: 65_535, default: 502 }),
  timeout: durationSchema({ description: 'Longest wait.', default: '1s' }),
})
const Rtu = strictObject({
  transport: Type.Literal('rtu'),
  path: Type.String({ pattern: '^/dev/', examples: ['/dev/ttyUSB0'] }),
  parity: Type.Union([Type.Literal('none'), Type.Literal('even'), Type.Literal('odd')], { default: 'none' }),
})

const TYPES = { float: 'number', int64: 'int64', bool: 'boolean', text: 'string' } as const

function isType(word: unknown): word is keyof typeof TYPES {
  return typeof word === 'string' && Object.hasOwn(TYPES, word)
}

function field(config: unknown, key: string): unknown {
  return typeof config === 'object' && config !== null ? Reflect.get(config, key) : undefined
}

/** Complains about an address of 666 and about a host named `cursed`, quoting it as careless drivers do. */
export const benchDriver: Driver = {
  kind: 'bench',
  deviceSchema: strictObject({
    connection: Type.Union([Tcp, Rtu]),
    login: Type.Optional(strictObject({ name: Type.String(), password: Type.String({ secret: true, minLength: 4 }) })),
  }),
  sensorSchema: strictObject({
    address: Type.Integer({ minimum: 0, maximum: 65_535 }),
    type: Type.Union([Type.Literal('float'), Type.Literal('int64'), Type.Literal('bool'), Type.Literal('text')], {
      default: 'float',
    }),
  }),
  valueType(config): ValueType {
    const type = field(config, 'type')
    return isType(type) ? TYPES[type] : 'number'
  },
  problems(device, sensors): ConfigProblem[] {
    const found: ConfigProblem[] = []
    const host = field(field(device, 'connection'), 'host')
    if (typeof host === 'string' && host.startsWith('cursed')) {
      found.push({ path: ['connection', 'host'], message: `Nobody connects to ${host}` })
    }
    for (const [index, sensor] of sensors.entries()) {
      if (field(sensor, 'address') === 666)
        found.push({ path: ['sensors', index, 'address'], message: 'This address is taken' })
    }
    return found
  },
  open() {
    throw new TelemetryError('INTERNAL', 'The bench driver has no device')
  },
}

export const wireUplink: UplinkKind = {
  type: 'wire',
  schema: strictObject({
    url: Type.String({ pattern: '^wire://', examples: ['wire://host'] }),
    token: Type.Optional(Type.String({ secret: true, minLength: 8 })),
  }),
  open() {
    throw new TelemetryError('INTERNAL', 'The wire uplink has no connection')
  },
}

export const benchCatalogue: Catalogue = {
  drivers: new Map([[benchDriver.kind, benchDriver]]),
  uplinks: new Map([[wireUplink.type, wireUplink]]),
}
