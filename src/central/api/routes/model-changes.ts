// Changes of the model by people and programs: factories and machines made, renamed, removed; what is kept beside sensors. What a
// gateway tells later does not undo them.

import { Type } from 'typebox'
import { idFromName } from '#domain/ids.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import {
  IdParams,
  IdSchema,
  ifMatch,
  labelProperties,
  labelsIn,
  NameSchema,
  tenantOf,
  withETag,
} from '../request-parts.ts'
import {
  CentralFactorySchema,
  CentralMachineSchema,
  CentralSensorDetailSchema,
  factoryShape,
  machineShape,
  sensorDetailShape,
} from '../shapes.ts'

const NONE = { 204: Type.Null() }
const optionalId = Type.Optional({ ...IdSchema, description: 'Default: made from the name.' })
const strict = { additionalProperties: false }

export function registerModelChanges(app: CentralServer, context: CentralContext): void {
  registerFactoryChanges(app, context)
  registerMachineChanges(app, context)
  registerSensorChanges(app, context)
}

function registerFactoryChanges(app: CentralServer, { options: { storage } }: CentralContext): void {
  const { model } = storage
  app.post(
    '/factories',
    {
      config: { permission: 'change', audit: 'factory.create' },
      schema: {
        tags: ['model'],
        summary: 'Make a factory',
        body: Type.Object({ id: optionalId, name: NameSchema, ...labelProperties }, strict),
        response: { 201: CentralFactorySchema },
      },
    },
    async (request, reply) => {
      const { name, id = idFromName(name), ...labels } = request.body
      const factory = await model.createFactory(tenantOf(request), { id, name, ...labelsIn(labels) })
      request.auditDetails = { target: id, after: { name } }
      return withETag(reply.code(201), factory.revision, factoryShape(factory))
    },
  )
  app.patch(
    '/factories/:id',
    {
      config: { permission: 'change', audit: 'factory.change' },
      schema: {
        tags: ['model'],
        summary: 'Rename a factory, or change what is kept beside it; If-Match: only when it is as it was read',
        params: IdParams,
        body: Type.Object({ name: Type.Optional(NameSchema), ...labelProperties }, { ...strict, minProperties: 1 }),
        response: { 200: CentralFactorySchema },
      },
    },
    async (request, reply) => {
      const { name, ...labels } = request.body
      const change = { ...(name !== undefined && { name }), ...labelsIn(labels) }
      const factory = await model.updateFactory(tenantOf(request), request.params.id, change, ifMatch(request))
      request.auditDetails = { after: { fields: Object.keys(change), name: factory.name } }
      return withETag(reply, factory.revision, factoryShape(factory))
    },
  )
  app.delete(
    '/factories/:id',
    {
      config: { permission: 'change', audit: 'factory.remove' },
      schema: { tags: ['model'], summary: 'Remove a factory without machines', params: IdParams, response: NONE },
    },
    async (request, reply) => {
      await model.removeFactory(tenantOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registerMachineChanges(app: CentralServer, { options: { storage } }: CentralContext): void {
  const { model } = storage
  app.post(
    '/machines',
    {
      config: { permission: 'change', audit: 'machine.create' },
      schema: {
        tags: ['model'],
        summary: 'Make a machine',
        body: Type.Object({ id: optionalId, name: NameSchema, factory: IdSchema, ...labelProperties }, strict),
        response: { 201: CentralMachineSchema },
      },
    },
    async (request, reply) => {
      const { name, id = idFromName(name), factory, ...labels } = request.body
      const machine = await model.createMachine(tenantOf(request), { id, name, factory, ...labelsIn(labels) })
      request.auditDetails = { target: id, after: { name, factory } }
      return withETag(reply.code(201), machine.revision, machineShape(machine))
    },
  )
  app.patch(
    '/machines/:id',
    {
      config: { permission: 'change', audit: 'machine.change' },
      schema: {
        tags: ['model'],
        summary: 'Rename or move a machine, or change what is kept beside it; If-Match: only when it is as it was read',
        params: IdParams,
        body: Type.Object(
          { name: Type.Optional(NameSchema), factory: Type.Optional(IdSchema), ...labelProperties },
          { ...strict, minProperties: 1 },
        ),
        response: { 200: CentralMachineSchema },
      },
    },
    async (request, reply) => {
      const { name, factory, ...labels } = request.body
      const change = {
        ...(name !== undefined && { name }),
        ...(factory !== undefined && { factory }),
        ...labelsIn(labels),
      }
      const machine = await model.updateMachine(tenantOf(request), request.params.id, change, ifMatch(request))
      request.auditDetails = { after: { fields: Object.keys(change), name: machine.name, factory: machine.factory } }
      return withETag(reply, machine.revision, machineShape(machine))
    },
  )
  app.delete(
    '/machines/:id',
    {
      config: { permission: 'change', audit: 'machine.remove' },
      schema: { tags: ['model'], summary: 'Remove a machine without sensors', params: IdParams, response: NONE },
    },
    async (request, reply) => {
      await model.removeMachine(tenantOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registerSensorChanges(app: CentralServer, { options: { storage } }: CentralContext): void {
  const { model } = storage
  app.patch(
    '/sensors/:id',
    {
      config: { permission: 'change', audit: 'sensor.change' },
      schema: {
        tags: ['model'],
        summary: 'Change description, unit, machine, metadata or tags; If-Match: only when it is as it was read',
        params: IdParams,
        body: Type.Object(
          {
            description: Type.Optional(Type.String({ pattern: '^[^\\u0000]{0,500}$' })),
            unit: Type.Optional(Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{0,32}$' })),
            machine: Type.Optional(IdSchema),
            ...labelProperties,
          },
          { ...strict, minProperties: 1 },
        ),
        response: { 200: CentralSensorDetailSchema },
      },
    },
    async (request, reply) => {
      const { description, unit, machine, ...labels } = request.body
      const change = {
        ...(description !== undefined && { description }),
        ...(unit !== undefined && { unit }),
        ...(machine !== undefined && { machine }),
        ...labelsIn(labels),
      }
      const sensor = await model.updateSensor(tenantOf(request), request.params.id, change, ifMatch(request))
      request.auditDetails = { after: { fields: Object.keys(change) } }
      return withETag(reply, sensor.revision, sensorDetailShape(sensor))
    },
  )
  app.delete(
    '/sensors/:id',
    {
      config: { permission: 'change', audit: 'sensor.remove' },
      schema: {
        tags: ['model'],
        summary: 'Forget a sensor; sent again, it is a new one',
        params: IdParams,
        response: NONE,
      },
    },
    async (request, reply) => {
      await model.removeSensor(tenantOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}
