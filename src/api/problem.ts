// Errors on the wire: every failure becomes an RFC 9457 problem document with a stable code. One table maps codes to HTTP
// statuses. Messages of faults in TelemetryX itself never leave the process: they go to the log.

import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import type { TextProblem } from '#domain/configuration.ts'
import { isTelemetryError, type ErrorCode, type TelemetryError } from '#domain/errors.ts'

const MAX_PLACES = 100

/** HTTP status of each TelemetryError code. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  CONFIG_INVALID: 400,
  CONFIG_UNREADABLE: 500,
  CONFIG_NOT_WRITABLE: 409,
  STALE: 412,
  USAGE: 400,
  CONNECTION_FAILED: 502,
  CONNECTION_LOST: 502,
  TIMEOUT: 504,
  PROTOCOL: 502,
  DEVICE_EXCEPTION: 502,
  NOT_WRITABLE: 409,
  OUT_OF_RANGE: 422,
  RATE_LIMITED: 429,
  EXPIRED: 503,
  NOT_FOUND: 404,
  CONFLICT: 409,
  ABORTED: 503,
  BUFFER_FULL: 503,
  STORE_FULL: 507,
  STORE_IO: 503,
  STORE_CORRUPT: 500,
  STORE_LOCKED: 503,
  REJECTED: 502,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  PORT_IN_USE: 500,
  RUNTIME_MISSING: 500,
  UNAVAILABLE: 503,
  INTERNAL: 500,
}

/** Codes that only HTTP knows, with their status. */
const REQUEST_STATUS = {
  INVALID_REQUEST: 400,
  FORBIDDEN_ORIGIN: 403,
  METHOD_NOT_ALLOWED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UPGRADE_REQUIRED: 426,
  PRECONDITION_REQUIRED: 428,
  TOO_MANY_REQUESTS: 429,
  UNAVAILABLE: 503,
} as const

export type RequestErrorCode = keyof typeof REQUEST_STATUS

export interface FieldError {
  /** `query.limit`, `body.value`, `params.id`. */
  readonly path: string
  readonly message: string
}

interface RequestErrorDetails {
  readonly errors?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure of the request as such, before any room was asked. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(code: RequestErrorCode, message: string, details: RequestErrorDetails = {}) {
    super(message)
    this.code = code
    this.errors = details.errors ?? []
    this.headers = details.headers ?? {}
  }
}

/** 400 about one field. */
export function invalid(path: string, message: string): RequestError {
  return new RequestError('INVALID_REQUEST', `${path} ${message}`, { errors: [{ path, message }] })
}

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'URN made from the code.' }),
    title: Type.String({ description: 'Name of the HTTP status.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'For people: what is wrong.' }),
    instance: Type.Optional(Type.String({ description: 'Path of the request.' })),
    code: Type.String({ description: 'Stable, for programs.' }),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { description: 'Problem document, RFC 9457.' },
)

export type Problem = Static<typeof ProblemSchema>

interface Answer {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>
}

/** Sends a problem document. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const answer = answerTo(error, request.id)
  if (answer.status >= 500) logFault(request, answer, error)
  const problem: Problem = {
    type: `urn:telemetryx:problem:${answer.code.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[answer.status] ?? 'Error',
    status: answer.status,
    detail: answer.detail,
    instance: request.url.split('?', 1)[0]!,
    code: answer.code,
    ...(answer.errors.length > 0 ? { errors: [...answer.errors] } : {}),
  }
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problem)
}

function logFault(request: FastifyRequest, answer: Answer, error: unknown): void {
  const fields = {
    err: error,
    method: request.method,
    route: request.routeOptions.url,
    requestId: request.id,
    code: answer.code,
  }
  if (answer.status === 500) request.log.error(fields, 'A request failed by a fault')
  else request.log.warn(fields, 'A request could not be answered')
}

function answerTo(error: unknown, requestId: string): Answer {
  if (error instanceof RequestError) {
    return {
      status: REQUEST_STATUS[error.code],
      code: error.code,
      detail: error.message,
      errors: error.errors,
      headers: error.headers,
    }
  }
  if (isTelemetryError(error)) {
    const status = HTTP_STATUS[error.code]
    if (status === 500) return fault(requestId)
    const headers: Record<string, string> = {}
    if (status === 401) headers['www-authenticate'] = 'Bearer'
    if (error.code === 'RATE_LIMITED' || status === 503)
      headers['retry-after'] = String(Math.ceil(retryAfterMs(error.context) / 1000))
    return { status, code: error.code, detail: error.message, errors: placesOf(error), headers }
  }
  return fromFastify(error, requestId)
}

/** At least a second. */
function retryAfterMs({ retryAfterMs: given }: Readonly<Record<string, unknown>>): number {
  return typeof given === 'number' && given > 1000 ? given : 1000
}

/** Of a text that is wrong, the places; of a configuration that needs a restart, the keys. */
function placesOf({ context }: TelemetryError): FieldError[] {
  const { problems, needsRestart } = context
  if (Array.isArray(problems)) {
    return (problems as readonly TextProblem[])
      .slice(0, MAX_PLACES)
      .map(({ file, line, column, message }) => ({ path: `${file}:${line}:${column}`, message }))
  }
  if (!Array.isArray(needsRestart)) return []
  return needsRestart.map((key) => ({ path: String(key), message: 'needs a restart of the gateway' }))
}

/** What Fastify itself refuses: parsing, limits, media types. */
function fromFastify(error: unknown, requestId: string): Answer {
  const { statusCode, code, message } = error as Partial<FastifyError>
  const plain = (kind: RequestErrorCode, detail: string): Answer => ({
    status: REQUEST_STATUS[kind],
    code: kind,
    detail,
    errors: [],
    headers: {},
  })
  if (code === 'FST_ERR_HANDLER_TIMEOUT') return plain('UNAVAILABLE', 'The answer took too long; ask for less')
  if (statusCode === 413) return plain('PAYLOAD_TOO_LARGE', 'The body is larger than this route takes')
  if (statusCode === 415) return plain('UNSUPPORTED_MEDIA_TYPE', 'Send the body as content-type: application/json')
  if (statusCode === 503) return plain('UNAVAILABLE', 'The gateway is stopping')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return plain('INVALID_REQUEST', typeof message === 'string' ? message : 'The request is malformed')
  }
  return fault(requestId)
}

function fault(requestId: string): Answer {
  const detail = `A fault in TelemetryX itself; the log tells more under requestId ${requestId}`
  return { status: 500, code: 'INTERNAL', detail, errors: [], headers: {} }
}
