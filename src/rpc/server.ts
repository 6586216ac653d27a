// A gRPC server: TLS and mutual TLS, tokens, limits, keepalive, and a stop that lets streams come to their end.

import { createHash, timingSafeEqual } from 'node:crypto'
import {
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type ServerInterceptor,
  type ServerOptions,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { TelemetryError } from '#domain/errors.ts'

export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
const KEEPALIVE_MS = 60_000
const KEEPALIVE_TIMEOUT_MS = 20_000
const MAX_STREAMS = 1000

/** PEM files' contents. */
export interface ServerTls {
  readonly cert: Buffer
  readonly key: Buffer
  /** Authority of the clients' certificates: only clients with one are served. null: any client. */
  readonly clientCa: Buffer | null
}

export interface RpcServerOptions {
  readonly tls: ServerTls | null
  /** Largest message that is taken from a client. */
  readonly maxMessageBytes?: number
  /** Around each call, the first outermost. */
  readonly interceptors?: readonly ServerInterceptor[]
  /** Changes each service before it is served. Default: served as it is. */
  readonly prepare?: (service: ServiceDefinition) => ServiceDefinition
}

/** A server that changes the definitions of its services, also of those that libraries add. */
class PreparingServer extends Server {
  readonly #prepare: (service: ServiceDefinition) => ServiceDefinition

  constructor(options: ServerOptions, prepare: (service: ServiceDefinition) => ServiceDefinition) {
    super(options)
    this.#prepare = prepare
  }

  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    super.addService(this.#prepare(service), implementation)
  }
}

export class RpcServer {
  /** Add services to it before `listen`. */
  readonly grpc: Server
  readonly #credentials: ServerCredentials

  constructor({ interceptors = [], maxMessageBytes, prepare, tls }: RpcServerOptions) {
    this.#credentials = serverCredentials(tls)
    const options: ServerOptions = {
      'grpc.max_receive_message_length': maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': MAX_STREAMS,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      ...(interceptors.length === 0 ? {} : { interceptors: [...interceptors] }),
    }
    this.grpc = prepare === undefined ? new Server(options) : new PreparingServer(options, prepare)
  }

  /** Resolves with the port. Throws PORT_IN_USE. */
  listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    return new Promise((resolve, reject) => {
      this.grpc.bindAsync(address, this.#credentials, (cause, bound) => {
        if (cause) reject(new TelemetryError('PORT_IN_USE', `gRPC cannot listen on ${address}`, { cause }))
        else resolve(bound)
      })
    })
  }

  /** Takes nothing new; streams that have not ended when `signal` aborts are broken off. */
  stop(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const force = (): void => this.grpc.forceShutdown()
      if (signal.aborted) force()
      else signal.addEventListener('abort', force, { once: true })
      this.grpc.tryShutdown(() => {
        signal.removeEventListener('abort', force)
        resolve()
      })
    })
  }
}

function serverCredentials(tls: ServerTls | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure()
  return ServerCredentials.createSsl(
    tls.clientCa,
    [{ cert_chain: tls.cert, private_key: tls.key }],
    tls.clientCa !== null,
  )
}

/** What a call ends with when it is refused. */
export type Refusal = Pick<StatusObject, 'code' | 'details'>

export function refusal(code: keyof typeof status, details: string): Refusal {
  return { code: status[code], details }
}

/** `Authorization: Bearer TOKEN`; null when there is none. */
export function bearerToken(metadata: Metadata): string | null {
  const [header] = metadata.get('authorization')
  return /^Bearer (.+)$/i.exec(String(header ?? ''))?.[1] ?? null
}

/** Compares in a time that tells nothing of the token. */
export function isToken(given: string | null, wanted: string): boolean {
  return given !== null && timingSafeEqual(digest(given), digest(wanted))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
