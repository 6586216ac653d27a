// POST /api/v1/ingest: one IngestRequest as protobuf or JSON (proto3), plain or compressed with zstd or gzip; answered by an
// IngestResponse in the same form, 202 once it is durable. GET /healthz answers ok.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { fromJson, toBinary, toJson, type JsonValue } from '@bufbuild/protobuf'
import { isTelemetryError } from '#domain/errors.ts'
import {
  IngestRequestSchema,
  IngestResponseSchema,
  type IngestResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { handedIn, readIngestRequest, type HandedIn } from '#rpc/ingest-request.ts'
import { isToken } from '#rpc/server.ts'
import { ingestOnce } from './ingest-once.ts'
import type { Intake } from './intake.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const RETRY_AFTER_S = 5
const EXPANDERS = { zstd: promisify(zstdDecompress), gzip: promisify(gunzip) } as const

export interface HttpIngestOptions {
  readonly intake: Intake
  /** null: everyone may send. */
  readonly token: string | null
  /** Of a body, before and after it was expanded. */
  readonly maxBytes: number
}

/** An answer that is a problem document (RFC 9457). */
class Problem extends Error {
  readonly status: number

  constructor(status: number, title: string) {
    super(title)
    this.status = status
  }
}

export async function handleHttp(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpIngestOptions,
): Promise<void> {
  try {
    await answer(request, response, options)
  } catch (cause) {
    sendProblem(response, problemOf(cause))
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpIngestOptions): Promise<void> {
  const path = (request.url ?? '').split('?')[0]
  if (path === '/healthz' && request.method === 'GET') return send(response, 200, 'text/plain', Buffer.from('ok\n'))
  if (path !== '/api/v1/ingest') throw new Problem(404, 'There is nothing here')
  if (request.method !== 'POST') throw new Problem(405, 'Only POST')
  const [, given = null] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (options.token !== null && !isToken(given, options.token)) throw new Problem(401, 'The token is missing or wrong')
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  const isJson = type === JSON_TYPE
  if (!isJson && type !== PROTOBUF && type !== 'application/protobuf')
    throw new Problem(415, `Content-Type must be ${PROTOBUF} or ${JSON_TYPE}`)
  const message = parse(await readBody(request, options.maxBytes), isJson)
  const result = await ingestOnce(options.intake, message)
  if (isJson) send(response, 202, JSON_TYPE, Buffer.from(JSON.stringify(toJson(IngestResponseSchema, result))))
  else send(response, 202, PROTOBUF, protobuf(result))
}

function parse(body: Buffer, isJson: boolean): HandedIn {
  try {
    if (!isJson) return readIngestRequest(body)
    return handedIn(fromJson(IngestRequestSchema, JSON.parse(body.toString()) as JsonValue))
  } catch (cause) {
    throw new Problem(400, `The body is no IngestRequest: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new Problem(413, `The body is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return expand(Buffer.concat(chunks), request.headers['content-encoding'] ?? 'identity', maxBytes)
}

async function expand(body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  if (encoding === 'identity') return body
  if (encoding !== 'zstd' && encoding !== 'gzip')
    throw new Problem(415, 'Content-Encoding must be zstd, gzip or identity')
  try {
    return await EXPANDERS[encoding](body, { maxOutputLength: maxBytes })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new Problem(413, `The body expands to more than ${maxBytes} bytes`)
    throw new Problem(400, `The body is not ${encoding}`)
  }
}

function protobuf(result: IngestResponse): Buffer {
  return Buffer.from(toBinary(IngestResponseSchema, result))
}

function problemOf(cause: unknown): Problem {
  if (cause instanceof Problem) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return isTelemetryError(cause, 'PROTOCOL') ? new Problem(400, message) : new Problem(503, message)
}

function sendProblem(response: ServerResponse, { message, status }: Problem): void {
  if (response.headersSent || response.destroyed) return
  if (status === 503) response.setHeader('Retry-After', RETRY_AFTER_S)
  if (status === 413) response.setHeader('Connection', 'close') // the rest of the body is not read
  const body = JSON.stringify({ type: 'about:blank', status, title: message })
  send(response, status, 'application/problem+json', Buffer.from(body))
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length }).end(body)
}
