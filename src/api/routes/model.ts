// The model: factories, machines, sensors.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import {
  FactorySchema,
  MachineSchema,
  machinesById,
  machineShapes,
  SensorDetailSchema,
  sensorDetailShape,
  SensorSchema,
  sensorShape,
} from '../shapes/model-shape.ts'

const idText = (description: string) => Type.String({ minLength: 1, maxLength: 256, description })

/** Path parameter `id` of a sensor. */
export const SensorParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 256, description: 'Full sensor id, `device.sensor`.' }),
})

/** The sensor, or NOT_FOUND. */
export function sensorOf(model: Model, id: string): Sensor {
  const sensor = model.sensor(id)
  if (!sensor) throw new TelemetryError('NOT_FOUND', `There is no sensor ${id}`)
  return sensor
}

const page = pageParameters({ max: 1000, default: 100 })
const byId = ({ id }: { id: string }): string => id

export function registerModel(app: ApiServer, { options }: ApiContext): void {
  const model = (): Model => options.info.model()

  app.get(
    '/api/v1/factories',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['model'],
        summary: 'Factories',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(FactorySchema, 'Factories by id') },
      },
    },
    async ({ query }) => {
      const factories = model().factories.map(({ id, name }) => ({ id, name }))
      return pageByKey({
        items: sortedByKey(factories, byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
    },
  )

  app.get(
    '/api/v1/machines',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['model'],
        summary: 'Machines',
        querystring: Type.Object(
          { factory: Type.Optional(idText('Id of a factory.')), ...page },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(MachineSchema, 'Machines by id') },
      },
    },
    async ({ query }) => {
      const machines = machineShapes(model()).filter(
        ({ factory }) => query.factory === undefined || factory === query.factory,
      )
      return pageByKey({
        items: sortedByKey(machines, byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
    },
  )

  app.get(
    '/api/v1/machines/:id',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['model'],
        summary: 'One machine',
        params: Type.Object({ id: idText('Machine id.') }),
        response: { 200: MachineSchema },
      },
    },
    async ({ params }) => {
      const machine = machineShapes(model()).find(({ id }) => id === params.id)
      if (!machine) throw new TelemetryError('NOT_FOUND', `There is no machine ${params.id}`)
      return machine
    },
  )

  registerSensors(app, model)
  registerSensor(app, options)
}

function registerSensors(app: ApiServer, model: () => Model): void {
  app.get(
    '/api/v1/sensors',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['model'],
        summary: 'Sensors',
        querystring: Type.Object(
          {
            machine: Type.Optional(idText('Id of a machine.')),
            q: Type.Optional(
              Type.String({
                maxLength: 256,
                description: 'Words that all occur in the id, description or unit; upper and lower case are alike.',
              }),
            ),
            ...page,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(SensorSchema, 'Sensors by id') },
      },
    },
    async ({ query }) => {
      const present = model()
      const words = (query.q ?? '')
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '')
      const sensors = present.sensors.filter(
        (sensor) => (query.machine === undefined || sensor.machine === query.machine) && hasWords(sensor, words),
      )
      const { items, next } = pageByKey({
        items: sortedByKey(sensors, byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
      const machines = machinesById(present)
      return { items: items.map((sensor) => sensorShape(sensor, machines)), next }
    },
  )
}

function registerSensor(app: ApiServer, options: ApiContext['options']): void {
  const model = (): Model => options.info.model()
  app.get(
    '/api/v1/sensors/:id',
    {
      config: { access: 'viewer' },
      schema: { tags: ['model'], summary: 'One sensor', params: SensorParams, response: { 200: SensorDetailSchema } },
    },
    async ({ params }) => {
      const sensor = sensorOf(model(), params.id)
      return sensorDetailShape(sensor, machinesById(model()), options.checks?.status(sensor.number) ?? [])
    },
  )
}

function hasWords(sensor: Sensor, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const text = `${sensor.id} ${sensor.description} ${sensor.unit}`.toLowerCase()
  return words.every((word) => text.includes(word))
}
