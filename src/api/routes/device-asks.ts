// What people ask of a device beside its schedule: whether it answers now, and a block of its registers. Nothing is changed by it.

import { Type } from 'typebox'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { callerSignal } from '../caller-signal.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { DeviceSchema, deviceShape } from '../shapes/device-shape.ts'
import { isoTime, TimeSchema } from '../time.ts'

const DeviceParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256, description: 'Device id.' }) })
const TABLES = ['coil', 'discrete', 'input', 'holding'] as const

const ProbeSchema = Type.Object({
  answered: Type.Boolean(),
  milliseconds: Type.Number({ description: 'Until the answer or the failure, waiting for the bus included.' }),
  code: Type.Union([Type.String(), Type.Null()], { examples: ['TIMEOUT'] }),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it did not answer.' }),
  device: DeviceSchema,
})

const BlockSchema = Type.Object({
  register: Type.Enum([...TABLES]),
  address: Type.Integer(),
  count: Type.Integer(),
  unit: Type.Union([Type.Integer(), Type.Null()], { description: 'As asked for; null: the own unit of the device.' }),
  values: Type.Array(Type.Integer({ minimum: 0, maximum: 65_535 }), {
    description: 'Registers as they came, high byte first; bits as 0 and 1.',
  }),
  milliseconds: Type.Number(),
  time: TimeSchema,
})

export function registerDeviceAsks(app: ApiServer, context: ApiContext): void {
  registerProbe(app, context)
  registerBlock(app, context)
}

function registerProbe(app: ApiServer, { options }: ApiContext): void {
  const { devices, clock } = options
  app.post(
    '/api/v1/devices/:id/probe',
    {
      config: { access: 'operator', audit: false },
      schema: {
        tags: ['devices'],
        summary: 'Ask a device now, or try to connect to it',
        description: 'Answers when it has answered or failed, after 20 s at the latest.',
        params: DeviceParams,
        response: { 200: ProbeSchema },
      },
    },
    async ({ params: { id } }) => {
      if (!devices.get(id) || !devices.probe) throw new TelemetryError('NOT_FOUND', `There is no device ${id}`)
      const begunAt = clock.monotonic()
      const failure = await devices.probe(id).then(
        () => null,
        (error: unknown) => toTelemetryError(error),
      )
      const status = devices.get(id)
      if (!status) throw new TelemetryError('NOT_FOUND', `There is no device ${id} any more`)
      return {
        answered: failure === null,
        milliseconds: clock.monotonic() - begunAt,
        code: failure?.code ?? null,
        reason: failure?.message ?? null,
        device: deviceShape(status),
      }
    },
  )
}

function registerBlock(app: ApiServer, { options }: ApiContext): void {
  const { devices, clock } = options
  app.post(
    '/api/v1/devices/:id/registers',
    {
      config: { access: 'engineer', audit: false },
      schema: {
        tags: ['devices'],
        summary: 'Read a block of registers as they are',
        description:
          'One request through the own bus of the device, one at a time; it only reads. 409 where a driver has no registers.',
        params: DeviceParams,
        body: Type.Object(
          {
            register: Type.Enum([...TABLES]),
            address: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Of the first one, 0-based.' }),
            count: Type.Integer({ minimum: 1, maximum: 2000, description: 'At most 125 registers or 2000 bits.' }),
            unit: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 255, description: 'Another unit on the same wire.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: BlockSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (!devices.get(id) || !devices.readBlock) throw new TelemetryError('NOT_FOUND', `There is no device ${id}`)
      const { register, address, count, unit = null } = request.body
      const signal = callerSignal(request, reply)
      const begunAt = clock.monotonic()
      const bytes = await devices.readBlock(id, { table: register, address, count, unit }, signal)
      const isBits = register === 'coil' || register === 'discrete'
      return {
        register,
        address,
        count,
        unit,
        values: Array.from({ length: count }, (_, index) => (isBits ? bitAt(bytes, index) : wordAt(bytes, index))),
        milliseconds: clock.monotonic() - begunAt,
        time: isoTime(clock.now()),
      }
    },
  )
}

/** The lowest bit of a byte comes first (Modbus Application Protocol V1.1b3 §6.1). */
function bitAt(bytes: Uint8Array, index: number): number {
  return ((bytes[index >> 3] ?? 0) >> (index & 7)) & 1
}

function wordAt(bytes: Uint8Array, index: number): number {
  return ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)
}
