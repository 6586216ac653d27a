// PUT /sensors/{id}/value: writes to the device and answers what was read back.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { Sensor } from '#domain/sensor.ts'
import { jsonValue, MAX_TEXT_BYTES, type JsonValue, type Value } from '#domain/value.ts'
import { withDeadline } from '#kit/deadline.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { invalid } from '../problem.ts'
import { ValueSchema } from '../shapes/reading-shape.ts'
import { isoTime, TimeSchema } from '../time.ts'
import { sensorOf, SensorParams } from './model.ts'

/** Longer than any write takes: the rules of its sensor and the driver's deadline end it sooner. */
const WRITE_TIMEOUT_MS = 25_000

const ISO_WITH_ZONE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

const InputSchema = Type.Unsafe<number | boolean | string>({
  type: ['number', 'boolean', 'string'],
  description: 'Of the type of the sensor, in its unit. 64-bit integers beyond ±(2^53 − 1) as decimal strings.',
})

const WrittenSchema = Type.Object({
  sensor: Type.String(),
  value: ValueSchema,
  requested: ValueSchema,
  unit: Type.String(),
  time: TimeSchema,
})

export function registerWrite(app: ApiServer, { options }: ApiContext): void {
  app.put(
    '/api/v1/sensors/:id/value',
    {
      config: { access: 'operator', audit: 'sensor.write' },
      schema: {
        tags: ['values'],
        summary: 'Write a value; answers what was read back',
        params: SensorParams,
        description:
          'Refused: 409 when the sensor is not writable, 422 outside of its limits, 429 with Retry-After when it is written ' +
          'too often, 503 EXPIRED when the command waited longer than it is valid (it was not sent). Each is an event.',
        body: Type.Object(
          {
            value: InputSchema,
            expiresAt: Type.Optional(
              Type.String({ description: 'Time, ISO 8601 with a zone, after which it must not be sent any more.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: WrittenSchema },
      },
    },
    async (request) => {
      const sensor = sensorOf(options.info.model(), request.params.id)
      const value = toValue(sensor, request.body.value)
      const origin = { by: callerOf(request), from: `api ${request.ip}`, ...expiryOf(request.body.expiresAt) }
      const before = options.latest.read(sensor.number)?.value ?? null
      request.auditDetails = { before: before === null ? null : jsonValue(before) }
      // Not stopped when the caller goes away: a write half done is worse than one nobody waits for.
      const readBack = await withDeadline(
        { clock: options.clock, timeoutMs: WRITE_TIMEOUT_MS, what: `Writing ${sensor.id}` },
        (signal) => options.devices.write(sensor.number, value, origin, signal),
      )
      request.auditDetails = { ...request.auditDetails, after: jsonValue(readBack) }
      return {
        sensor: sensor.id,
        value: jsonValue(readBack),
        requested: jsonValue(value),
        unit: sensor.unit,
        time: isoTime(options.clock.now()),
      }
    },
  )
}

function expiryOf(text: string | undefined): { expiresAt: number } | undefined {
  if (text === undefined) return undefined
  const expiresAt = ISO_WITH_ZONE.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(expiresAt)) throw invalid('body.expiresAt', 'must be ISO 8601 with a zone')
  return { expiresAt }
}

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
const UINT64 = { min: 0n, max: 2n ** 64n - 1n }

/** The value as the sensor's type has it. Throws INVALID_REQUEST for another kind of value, OUT_OF_RANGE. */
export function toValue(sensor: Sensor, input: JsonValue): Value {
  switch (sensor.valueType) {
    case 'number':
      if (typeof input !== 'number' || !Number.isFinite(input)) throw invalid('body.value', 'must be a number')
      return input
    case 'boolean':
      if (typeof input !== 'boolean') throw invalid('body.value', 'must be true or false')
      return input
    case 'string':
      if (typeof input !== 'string') throw invalid('body.value', 'must be a string')
      if (Buffer.byteLength(input, 'utf8') > MAX_TEXT_BYTES)
        throw invalid('body.value', `must have at most ${MAX_TEXT_BYTES} bytes`)
      return input
    case 'int64':
      return toInteger(sensor.id, input, INT64)
    case 'uint64':
      return toInteger(sensor.id, input, UINT64)
  }
}

function toInteger(id: string, input: JsonValue, range: { min: bigint; max: bigint }): bigint {
  if (typeof input === 'number' && Number.isInteger(input) && !Number.isSafeInteger(input)) {
    throw invalid('body.value', 'is beyond ±(2^53 − 1), where JSON numbers are rounded: write it as a string')
  }
  const isInteger =
    typeof input === 'number' ? Number.isInteger(input) : typeof input === 'string' && /^-?\d{1,20}$/.test(input)
  if (!isInteger) throw invalid('body.value', 'must be an integer, or a decimal string')
  const value = BigInt(input as number | string)
  if (value < range.min || value > range.max) {
    throw new TelemetryError('OUT_OF_RANGE', `${id} takes integers from ${range.min} to ${range.max}`)
  }
  return value
}
