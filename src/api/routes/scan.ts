// Scans, for who sets a gateway up: what is on a Modbus line, on an OPC UA server, on the serial ports. They only read.

import type { PassThrough } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { ModbusScanRequest, Scans } from '#domain/scan.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { invalid } from '../problem.ts'
import { scanStream, type RunScan } from '../scan-stream.ts'
import {
  ModbusScanSchema,
  OpcuaScanSchema,
  ScanLineSchema,
  SerialScanSchema,
  type ModbusScanBody,
} from '../shapes/scan-shape.ts'
import { readDuration } from '../time.ts'

/** A scan ends itself before; this is for one that does not. */
const TIMEOUT_MS = 15 * 60_000
const MAX_ADDRESSES = 10_000
const timeoutLimits = { minMs: 50, maxMs: 10_000, words: 'between 50ms and 10s' }

interface ScanRoute<B extends TSchema> {
  readonly kind: 'modbus' | 'opcua' | 'serial'
  readonly summary: string
  readonly description: string
  readonly body: B
}

export function registerScan(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/scan/modbus',
    route({
      kind: 'modbus',
      summary: 'Find the units and registers on a Modbus line',
      description: `Each unit that answers comes as a device. 409 when a running device has the serial line.`,
      body: ModbusScanSchema,
    }),
    async (request, reply) => {
      const wanted = modbusRequest(request.body)
      const { connection } = wanted
      const target = connection.path ?? `${connection.host}:${connection.port ?? 502}`
      return answer(
        { context, request, reply, target },
        (scans) => (step, signal) => scans.modbus(wanted, step, signal),
      )
    },
  )
  app.post(
    '/api/v1/scan/opcua',
    route({
      kind: 'opcua',
      summary: 'Find the variables of an OPC UA server',
      description: 'They come as one device.',
      body: OpcuaScanSchema,
    }),
    async (request, reply) => {
      const { endpoint, security, user, start = 'i=85', depth = 8, limit = 1000 } = request.body
      const wanted = {
        endpoint,
        ...(security && security.policy !== 'None' && { security }),
        ...(user && { user }),
        start,
        depth,
        limit,
      }
      if (!URL.canParse(endpoint)) throw invalid('body.endpoint', 'must be like opc.tcp://192.0.2.20:4840')
      return answer(
        { context, request, reply, target: endpoint },
        (scans) => (step, signal) => scans.opcua(wanted, step, signal),
      )
    },
  )
  app.post(
    '/api/v1/scan/serial',
    route({
      kind: 'serial',
      summary: 'Find the serial ports, or the baud rate of one',
      description:
        'With `listen` it listens to one port at each baud rate, and sends nothing. 409 when a running device has it.',
      body: SerialScanSchema,
    }),
    async (request, reply) => {
      const { listen, seconds = 3, baudRates = null } = request.body ?? {}
      return answer({ context, request, reply, target: listen ?? 'ports' }, (scans) => (step, signal) => {
        if (listen === undefined) return scans.ports(step)
        return scans.listen({ path: listen, baudRates, listenMs: seconds * 1000 }, step, signal)
      })
    },
  )
}

function route<B extends TSchema>({ kind, summary, description, body }: ScanRoute<B>) {
  return {
    // It changes nothing in the gateway, but others see it on their lines.
    config: { access: 'engineer' as const, audit: `scan.${kind}` },
    handlerTimeout: TIMEOUT_MS,
    schema: {
      tags: ['scan'],
      summary,
      description: `${description} It only reads, ends after 10 minutes at the latest, and when its client goes. One at a time.`,
      body,
      response: { 200: { content: { 'application/x-ndjson': { schema: Type.Unsafe<PassThrough>(ScanLineSchema) } } } },
    },
  }
}

interface Asked {
  readonly context: ApiContext
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** For the audit log. */
  readonly target: string
}

async function answer(
  { context, request, reply, target }: Asked,
  run: (scans: Scans) => RunScan,
): Promise<PassThrough> {
  const { scans } = context.options
  if (!scans) throw new TelemetryError('NOT_FOUND', 'This gateway looks for no devices')
  request.auditDetails = { target }
  const lines = await scanStream(reply, run(scans))
  void reply.type('application/x-ndjson')
  return lines
}

function modbusRequest(body: ModbusScanBody): ModbusScanRequest {
  const { connection, units = null, from = 0, to = 999, limit = 200 } = body
  const { timeout = '500ms', transport = 'tcp', ...end } = connection
  if (from > to) throw invalid('body.from', 'must not be beyond to')
  if (to - from >= MAX_ADDRESSES) throw invalid('body.to', `must be less than ${MAX_ADDRESSES} after from`)
  const isSerial = transport === 'rtu'
  if (isSerial && end.path === undefined) throw invalid('body.connection.path', 'is missing: rtu is a serial port')
  if (!isSerial && end.host === undefined) throw invalid('body.connection.host', 'is missing')
  const strange = isSerial ? (['host', 'port'] as const) : (['path', 'baudRate', 'parity', 'stopBits'] as const)
  for (const key of strange)
    if (end[key] !== undefined) throw invalid(`body.connection.${key}`, `does not suit the transport ${transport}`)
  if (transport !== 'tcp' && units?.includes(0))
    throw invalid('body.units', 'must not hold 0: on a serial line it is the broadcast, which nobody answers')
  return {
    connection: { transport, ...end },
    timeoutMs: readDuration('body.connection.timeout', timeout, timeoutLimits),
    units: units && [...new Set(units)],
    tables: body.tables ?? ['holding', 'input', 'coil', 'discrete'],
    addresses: { from, to },
    limit,
  }
}
