// One gRPC connection to a server: its address, TLS, the token, keepalive and limits. Nothing here reconnects or sends again
// by itself: who calls decides that.

import {
  Client,
  credentials,
  Metadata,
  type ChannelCredentials,
  type ClientDuplexStream,
  type MethodDefinition,
} from '@grpc/grpc-js'
import { TelemetryError } from '#domain/errors.ts'

const DEFAULT_PORT = 50_051
const MIN_RECONNECT_MS = 250
const DEFAULT_MAX_RECEIVE_BYTES = 4 * 1024 * 1024

/** PEM files' contents. */
export interface ClientTls {
  /** null: the authorities that Node trusts. */
  readonly ca: Buffer | null
  /** For mutual TLS: both or none. */
  readonly cert: Buffer | null
  readonly key: Buffer | null
  readonly rejectUnauthorized: boolean
}

export interface RpcAddress {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  /** `host:port`, for messages. */
  readonly name: string
}

export interface ClientOptions {
  readonly address: RpcAddress
  /** null: not encrypted. */
  readonly tls: ClientTls | null
  readonly token: string | null
  /** Milliseconds between pings on a silent line; 0: none. */
  readonly keepaliveMs: number
  /** How long the answer to a ping may take. */
  readonly keepaliveTimeoutMs: number
  /** Largest message that is taken from the server. */
  readonly maxReceiveBytes?: number
  /** Longest pause between two tries to connect, while calls come; default 2 minutes. */
  readonly maxReconnectMs?: number
}

/**
 * `host:port` (TLS when `hasTls`), `grpc://host:port` (not encrypted) or `grpcs://host:port` (TLS); port 50051 when none is
 * given. Throws CONFIG_INVALID.
 */
export function rpcAddress(url: string, hasTls: boolean): RpcAddress {
  const [, scheme = null, rest = ''] = /^(?:(grpcs?):\/\/)?(.+)$/.exec(url) ?? []
  const text = `http://${rest}` // the URL parser knows the default port of other schemes
  const isSound = URL.canParse(text) && !/[/?#@]/.test(rest)
  if (!isSound)
    throw new TelemetryError(
      'CONFIG_INVALID',
      `"${url}" is no address: host:port, grpc://host:port or grpcs://host:port`,
    )
  if (scheme === 'grpc' && hasTls)
    throw new TelemetryError('CONFIG_INVALID', `tls is given, but "${url}" asks for a plain connection`)
  const { hostname } = new URL(text)
  const port = Number(/:(\d+)$/.exec(rest)?.[1] ?? DEFAULT_PORT)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port, isTls: scheme === 'grpcs' || hasTls, name: `${hostname}:${port}` }
}

export class RpcClient {
  readonly #client: Client
  readonly #metadata: Metadata

  constructor(options: ClientOptions) {
    const { address, keepaliveMs, keepaliveTimeoutMs, maxReceiveBytes, maxReconnectMs, token } = options
    this.#client = new Client(address.name, channelCredentials(options), {
      'grpc.use_local_subchannel_pool': 1, // a connection of our own, so that closing it closes it
      'grpc.enable_retries': 0,
      'grpc.per_rpc_retry_buffer_size': 0, // a message counts as taken when the line has taken it, not a buffer
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      'grpc.max_send_message_length': -1,
      ...(maxReconnectMs === undefined
        ? {}
        : {
            'grpc.initial_reconnect_backoff_ms': Math.min(MIN_RECONNECT_MS, maxReconnectMs),
            'grpc.max_reconnect_backoff_ms': maxReconnectMs,
          }),
      ...(keepaliveMs === 0
        ? {}
        : {
            'grpc.keepalive_time_ms': keepaliveMs,
            'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
            'grpc.keepalive_permit_without_calls': 1,
          }),
    })
    this.#metadata = new Metadata()
    if (token !== null) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  /** Opens a stream in both directions. What goes wrong comes as its `error`. */
  openStream<Q, S>(
    method: Pick<MethodDefinition<Q, S>, 'path' | 'requestSerialize' | 'responseDeserialize'>,
  ): ClientDuplexStream<Q, S> {
    const { path, requestSerialize, responseDeserialize } = method
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata)
  }

  /** One request and its answer, within `timeoutMs`. `headers` stand over those of the client. Rejects with grpc-js' ServiceError. */
  call<Q, S>(
    method: MethodDefinition<Q, S>,
    request: Q,
    timeoutMs: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<S> {
    const { path, requestSerialize, responseDeserialize } = method
    const metadata = this.#metadata.clone()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + timeoutMs },
        (error, response) => (error ? reject(error) : resolve(response!)),
      )
    })
  }

  /** Safe to call twice. Streams that are still open end with it. */
  close(): void {
    this.#client.close()
  }
}

function channelCredentials({ address, tls }: ClientOptions): ChannelCredentials {
  if (!address.isTls) return credentials.createInsecure()
  const { ca = null, cert = null, key = null, rejectUnauthorized = true } = tls ?? {}
  return credentials.createSsl(ca, key, cert, { rejectUnauthorized })
}
