// Why a gRPC stream has failed, in plain words and as a TelemetryError. Told apart by codes, never by text: what grpc-js only
// calls "unavailable" is found out by a look at the port.

import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { status, type ServiceError } from '@grpc/grpc-js'
import { TelemetryError, type ErrorCode } from '#domain/errors.ts'
import { describeSocketError } from '#kit/socket-reason.ts'
import type { ClientOptions } from '#rpc/client.ts'

/** How long a server may take to speak first (HTTP/2 SETTINGS) before it counts as sound. */
const LOOK_MS = 2000
const MAX_WORDS = 200

/** Statuses with which a receiver says something (gRPC, Status codes). */
const STATUSES: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map([
  [status.UNAUTHENTICATED, ['UNAUTHENTICATED', 'refuses the token']],
  [status.PERMISSION_DENIED, ['PERMISSION_DENIED', 'does not allow this gateway to send']],
  [status.UNIMPLEMENTED, ['PROTOCOL', 'does not offer telemetryx.v1.IngestService']],
  [status.INVALID_ARGUMENT, ['PROTOCOL', 'refuses what this gateway sends']],
  [status.FAILED_PRECONDITION, ['PROTOCOL', 'refuses what this gateway sends']],
  [status.OUT_OF_RANGE, ['PROTOCOL', 'refuses what this gateway sends']],
  [status.RESOURCE_EXHAUSTED, ['CONNECTION_LOST', 'has no room, or a message is too large']],
  [status.DEADLINE_EXCEEDED, ['TIMEOUT', 'took too long']],
  [status.CANCELLED, ['CONNECTION_LOST', 'broke off the stream']],
  [status.ABORTED, ['CONNECTION_LOST', 'broke off the stream']],
])

/** A status that the receiver gave. `name`: host and port. */
export function statusError({ code, details }: Pick<ServiceError, 'code' | 'details'>, name: string): TelemetryError {
  const [word, meaning] = STATUSES.get(code) ?? ['CONNECTION_LOST', 'broke off the stream']
  const own = details === '' ? '' : `: ${details.slice(0, MAX_WORDS)}`
  return new TelemetryError(word, `${name} ${meaning}${own}`, {
    retryable: true,
    context: { receiver: name, status: status[code] },
  })
}

/** True when the status says no more than that there is no connection. */
export function isUnavailable(cause: Pick<ServiceError, 'code'>): boolean {
  return cause.code === status.UNAVAILABLE
}

/** The receiver ended the stream in peace, or the connection broke. */
export function closedError(name: string, words = 'closed the stream'): TelemetryError {
  return new TelemetryError('CONNECTION_LOST', `${name} ${words}`, { retryable: true, context: { receiver: name } })
}

/** Looks at the port by itself and tells what is wrong with it. */
export async function unavailableError(
  options: Pick<ClientOptions, 'address' | 'tls'>,
  cause: Pick<ServiceError, 'code' | 'details'>,
  signal: AbortSignal,
): Promise<TelemetryError> {
  const { address } = options
  const code = await look(options, signal)
  const described = code === null ? null : describeSocketError(code, address.name)
  const context = { receiver: address.name, code }
  if (described) return new TelemetryError(described.code, described.message, { retryable: true, context, cause })
  const words = code === null ? cause.details.slice(0, MAX_WORDS) : code
  return new TelemetryError('CONNECTION_FAILED', `No gRPC connection to ${address.name}: ${words}`, {
    retryable: true,
    context,
    cause,
  })
}

/** Code of the error that a connection runs into; null when it stands. */
function look({ address, tls }: Pick<ClientOptions, 'address' | 'tls'>, signal: AbortSignal): Promise<string | null> {
  const { host, isTls, port } = address
  return new Promise((resolve) => {
    const pem = { ca: tls?.ca ?? undefined, cert: tls?.cert ?? undefined, key: tls?.key ?? undefined }
    const rejectUnauthorized = tls?.rejectUnauthorized ?? true
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host }
    const socket: Socket = isTls
      ? connectTls({ host, port, ...pem, ...servername, rejectUnauthorized, ALPNProtocols: ['h2'] })
      : connectTcp({ host, port })
    const finish = (code: string | null): void => {
      socket.destroy()
      resolve(code)
    }
    socket.setTimeout(LOOK_MS, () => finish(null))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? null))
    socket.on('close', () => finish(null))
    socket.once('data', () => finish(null))
    signal.addEventListener('abort', () => finish(null), { once: true })
  })
}
