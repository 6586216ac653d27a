// POST /ingest: a batch of a gateway as telemetryx.v1.IngestRequest, protobuf or JSON, plain or compressed; 202 once it is durable, or
// refused record by record. POST /ingest/{source}: readings and events of a program that is no gateway, all or none.

import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { create, toBinary, toJson } from '@bufbuild/protobuf'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { parseBody } from '#api/ingest-body.ts'
import { invalid, RequestError } from '#api/problem.ts'
import { isTelemetryError } from '#domain/errors.ts'
import {
  AcknowledgementSchema,
  IngestResponseSchema,
  type IngestResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { requireGateway } from '#central/fleet/gateway-key.ts'
import type { Taken } from '#central/ingest-ports.ts'
import { batchHead } from '#central/ingest/batch-head.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { IdSchema, tenantOf } from '../request-parts.ts'
import { readIngestBody } from './ingest-request.ts'

const PROTOBUF = ['application/x-protobuf', 'application/protobuf']
const EXPANDERS = { zstd: promisify(zstdDecompress), gzip: promisify(gunzip) } as const
const MAX_RETRY_AFTER_S = 10
const config = { permission: 'ingest', audit: false, isBulk: true } as const

const BatchBody = Type.Unsafe<unknown>({
  type: 'object',
  description:
    'telemetryx.v1.IngestRequest as JSON (proto3), or as application/x-protobuf; Content-Encoding zstd or gzip. docs/ingest.md describes it.',
})

export function registerIngest(app: CentralServer, context: CentralContext): void {
  void app.register((scope: CentralServer, _options, done) => {
    // Only here: bodies stay bytes until they have been expanded within their limit.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser<Buffer>(
      [...PROTOBUF, 'application/json'],
      { parseAs: 'buffer' },
      (_request, body, parsed) => parsed(null, body),
    )
    registerBatches(scope, context)
    done()
  })
  void app.register((scope: CentralServer, _options, done) => {
    scope.addContentTypeParser<string>('application/x-ndjson', { parseAs: 'string' }, (_request, text, parsed) =>
      parsed(null, text),
    )
    registerPrograms(scope, context)
    done()
  })
}

function registerBatches(app: CentralServer, { options }: CentralContext): void {
  const { ingest } = options
  const { maxBodyBytes } = options.http.limits
  app.post(
    '/ingest',
    {
      config,
      bodyLimit: maxBodyBytes,
      // The body is judged by its own codec.
      validatorCompiler: () => () => true,
      schema: {
        tags: ['ingest'],
        summary: 'Hand in a batch of a gateway',
        body: BatchBody,
        response: { 202: Type.Unsafe<unknown>({ type: 'object', description: 'telemetryx.v1.IngestResponse.' }) },
      },
    },
    async (request, reply) => {
      const isJson = mediaType(request) === 'application/json'
      const { batch, factory, gateway, sensors } = readIngestBody(await expanded(request, maxBodyBytes), isJson)
      requireGateway(request, gateway)
      if (batch === null) throw invalid('body.batch', 'is missing')
      const traceparent = request.headers['traceparent']
      const envelope = {
        gateway,
        factory,
        sensors,
        batch,
        traceparent: typeof traceparent === 'string' ? traceparent : null,
      }
      const taken = await orLater(() => ingest.take(tenantOf(request), envelope))
      const answer = answerTo(batch, taken)
      reply.code(202)
      if (isJson) return toJson(IngestResponseSchema, answer)
      const bytes = Buffer.from(toBinary(IngestResponseSchema, answer))
      return reply
        .type('application/x-protobuf')
        .serializer((body: unknown) => body as string)
        .send(bytes)
    },
  )
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

async function expanded({ body, headers }: FastifyRequest, maxBytes: number): Promise<Buffer> {
  if (!Buffer.isBuffer(body)) throw invalid('body', 'is missing')
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return body
  if (encoding !== 'zstd' && encoding !== 'gzip')
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding must be zstd, gzip or identity')
  try {
    return await EXPANDERS[encoding](body, { maxOutputLength: maxBytes })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new RequestError('PAYLOAD_TOO_LARGE', `The body expands to more than ${maxBytes} bytes`)
    throw invalid('body', `is not ${encoding}`)
  }
}

/** To a batch that was taken: it is sound. */
function answerTo(batch: Uint8Array, { accepted, refused, repeated }: Taken): IngestResponse {
  const { epoch, lane, lastSeq } = batchHead(batch)
  const rejections = refused.map(({ reason, seq }) => ({ position: { epoch, seq: BigInt(seq) }, reason }))
  const acknowledgement = create(AcknowledgementSchema, { lane, position: { epoch, seq: BigInt(lastSeq) }, rejections })
  return create(IngestResponseSchema, { acknowledgement, accepted, repeatedRecords: repeated })
}

/** What cannot be taken now is to be sent again later; what makes no sense never. */
async function orLater<T>(take: () => Promise<T>): Promise<T> {
  try {
    return await take()
  } catch (cause) {
    if (isTelemetryError(cause, 'PROTOCOL')) throw invalid('body', cause.message)
    if (!isTelemetryError(cause) || !cause.retryable) throw cause
    const { retryAfterMs } = cause.context
    const seconds = Math.ceil(typeof retryAfterMs === 'number' ? retryAfterMs / 1000 : 1)
    const code = cause.code === 'RATE_LIMITED' ? 'TOO_MANY_REQUESTS' : 'UNAVAILABLE'
    const headers = { 'retry-after': String(Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_S)) }
    throw new RequestError(code, cause.message, { headers })
  }
}

function registerPrograms(app: CentralServer, { options: { clock, http, ingest } }: CentralContext): void {
  app.post(
    '/ingest/:source',
    {
      config,
      bodyLimit: http.limits.maxBodyBytes,
      // The body is judged by parseBody, which can tell each thing that is wrong.
      validatorCompiler: ({ httpPart }) =>
        httpPart === 'params' ? (params: unknown) => checkSource(params) : () => true,
      schema: {
        tags: ['ingest'],
        summary: 'Hand in readings and events of a program; all or none',
        description:
          'The body is that of a gateway’s `POST /ingest/{device}`. A sensor without a dot in its name is one of the source.',
        params: Type.Object({ source: IdSchema }),
        body: Type.Unsafe<unknown>({
          type: 'object',
          description:
            'readings (sensor, value, time) and events (severity, message), or NDJSON with one of them a line.',
          examples: [{ readings: [{ sensor: 'jobs', value: 12 }] }],
        }),
        response: {
          202: Type.Object({ accepted: Type.Object({ readings: Type.Integer(), events: Type.Integer() }) }),
        },
      },
    },
    async (request, reply) => {
      const { source } = request.params
      requireGateway(request, source)
      const { batch, errors } = parseBody(request.body, clock.now())
      if (errors.length > 0) {
        const detail = `Nothing was taken: ${errors.map(({ path, message }) => `${path} ${message}`).join('; ')}`
        throw new RequestError('INVALID_REQUEST', detail, { errors })
      }
      const readings = batch.readings.map((reading) =>
        reading.sensor.includes('.') ? reading : { ...reading, sensor: `${source}.${reading.sensor}` },
      )
      if (readings.length + batch.events.length > 0)
        await orLater(() => ingest.takeProgram(tenantOf(request), { source, readings, events: batch.events }))
      return reply.code(202).send({ accepted: { readings: readings.length, events: batch.events.length } })
    },
  )
}

function checkSource(params: unknown): { value: unknown } | { error: Error } {
  const { source } = params as { source?: unknown }
  if (typeof source === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(source)) return { value: params }
  return { error: invalid('path.source', 'must be an id: lower-case letters, digits, - and _') }
}
