// The model: factories, machines, sensors of the caller's tenant. Changes stand in model-changes.ts.

import { Type } from 'typebox'
import { pageOf } from '#api/paging.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { IdParams, page, pageOfQuery, tenantOf, withETag } from '../request-parts.ts'
import {
  CentralFactorySchema,
  CentralMachineSchema,
  CentralSensorDetailSchema,
  CentralSensorSchema,
  factoryShape,
  machineShape,
  sensorDetailShape,
  sensorShape,
} from '../shapes.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))
const config = { permission: 'read' } as const

export function registerModel(app: CentralServer, context: CentralContext): void {
  registerFactories(app, context)
  registerMachines(app, context)
  registerSensors(app, context)
}

/** What the tenant does not have, in the same words whether or not another one has it. */
export function found<T>(value: T | null, kind: string, id: string): T {
  if (value === null) throw new TelemetryError('NOT_FOUND', `There is no ${kind} ${id}`)
  return value
}

function registerFactories(app: CentralServer, { lanes, options: { storage } }: CentralContext): void {
  app.get(
    '/factories',
    {
      config,
      schema: {
        tags: ['model'],
        summary: 'Factories',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(CentralFactorySchema, 'Factories by id') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const result = await lanes.run(tenant, () => storage.model.factories(tenant, pageOfQuery(request.query)))
      return { items: result.items.map(factoryShape), next: result.next }
    },
  )
  app.get(
    '/factories/:id',
    {
      config,
      schema: { tags: ['model'], summary: 'One factory', params: IdParams, response: { 200: CentralFactorySchema } },
    },
    async (request, reply) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const factory = found(await lanes.run(tenant, () => storage.model.factory(tenant, id)), 'factory', id)
      return withETag(reply, factory.revision, factoryShape(factory))
    },
  )
}

function registerMachines(app: CentralServer, { lanes, options: { storage } }: CentralContext): void {
  app.get(
    '/machines',
    {
      config,
      schema: {
        tags: ['model'],
        summary: 'Machines',
        querystring: Type.Object({ factory: text('Id of a factory.'), ...page }, { additionalProperties: false }),
        response: { 200: pageOf(CentralMachineSchema, 'Machines by id') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { factory } = request.query
      const query = { ...pageOfQuery(request.query), ...(factory !== undefined && { factory }) }
      const result = await lanes.run(tenant, () => storage.model.machines(tenant, query))
      return { items: result.items.map(machineShape), next: result.next }
    },
  )
  app.get(
    '/machines/:id',
    {
      config,
      schema: { tags: ['model'], summary: 'One machine', params: IdParams, response: { 200: CentralMachineSchema } },
    },
    async (request, reply) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const machine = found(await lanes.run(tenant, () => storage.model.machine(tenant, id)), 'machine', id)
      return withETag(reply, machine.revision, machineShape(machine))
    },
  )
}

function registerSensors(app: CentralServer, { lanes, options: { storage } }: CentralContext): void {
  app.get(
    '/sensors',
    {
      config,
      schema: {
        tags: ['model'],
        summary: 'Sensors',
        querystring: Type.Object(
          {
            machine: text('Id of a machine.'),
            gateway: text('Id of a gateway.'),
            tag: text('One of its tags.'),
            q: text('Words that all occur in id, description or unit.'),
            ...page,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(CentralSensorSchema, 'Sensors by id') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { limit: _limit, cursor: _cursor, ...narrowed } = request.query
      const query = { ...narrowed, ...pageOfQuery(request.query) }
      const result = await lanes.run(tenant, () => storage.model.sensors(tenant, query))
      return { items: result.items.map(sensorShape), next: result.next }
    },
  )
  app.get(
    '/sensors/:id',
    {
      config,
      schema: {
        tags: ['model'],
        summary: 'One sensor',
        params: IdParams,
        response: { 200: CentralSensorDetailSchema },
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const sensor = found(await lanes.run(tenant, () => storage.model.sensor(tenant, id)), 'sensor', id)
      return withETag(reply, sensor.revision, sensorDetailShape(sensor))
    },
  )
}
