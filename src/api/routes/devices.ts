// Devices: their state, their last frames on the wire, asking one now, and starting one anew.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { DeviceStatus } from '#domain/views.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageByTime, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import {
  DeviceDetailSchema,
  deviceDetailShape,
  DeviceSchema,
  deviceShape,
  FrameSchema,
  frameShape,
} from '../shapes/device-shape.ts'

const DeviceParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256, description: 'Device id.' }) })
const page = pageParameters({ max: 1000, default: 100 })
const framePage = pageParameters({ max: 1000, default: 1000 })
const byId = ({ id }: { readonly id: string }): string => id

export function registerDevices(app: ApiServer, { options }: ApiContext): void {
  const { devices, log } = options
  const deviceOf = (id: string): DeviceStatus => {
    const status = devices.get(id)
    if (!status) throw new TelemetryError('NOT_FOUND', `There is no device ${id}`)
    return status
  }

  app.get(
    '/api/v1/devices',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'Devices',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(DeviceSchema, 'Devices by id') },
      },
    },
    async ({ query }) => {
      const { items, next } = pageByKey({
        items: sortedByKey(devices.list(), byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
      return { items: items.map(deviceShape), next }
    },
  )

  app.get(
    '/api/v1/devices/:id',
    {
      config: { access: 'viewer' },
      schema: { tags: ['devices'], summary: 'One device', params: DeviceParams, response: { 200: DeviceDetailSchema } },
    },
    async ({ params }) => deviceDetailShape(deviceOf(params.id), devices.latency?.(params.id) ?? null),
  )

  app.get(
    '/api/v1/devices/:id/frames',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['devices'],
        summary: 'The last frames on the wire of a device',
        description: 'Oldest first; empty for a device whose driver records none.',
        params: DeviceParams,
        querystring: Type.Object(framePage, { additionalProperties: false }),
        response: { 200: pageOf(FrameSchema, 'Frames') },
      },
    },
    async ({ params, query }) => {
      const { id } = deviceOf(params.id)
      return pageByTime({
        items: devices.frames?.(id) ?? [],
        time: ({ time }) => time,
        shape: frameShape,
        limit: query.limit ?? 1000,
        cursor: query.cursor,
      })
    },
  )

  app.post(
    '/api/v1/devices/:id/restart',
    {
      config: { access: 'engineer', audit: 'device.restart' },
      schema: {
        tags: ['devices'],
        summary: 'Close the connection of a device and start anew',
        params: DeviceParams,
        response: { 200: DeviceSchema },
      },
    },
    async (request) => {
      const { id } = deviceOf(request.params.id)
      log.info({ device: id, by: callerOf(request) }, 'A device is started anew on request')
      await devices.restart(id)
      return deviceShape(deviceOf(id))
    },
  )
}
