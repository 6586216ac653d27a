// A minimal receiver: gRPC IngestService and HTTP POST /api/v1/ingest on one intake that keeps JSON lines. Good for trying out
// uplinks, and as an example; central is the real one.

import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { sendUnaryData, ServerUnaryCall, Metadata } from '@grpc/grpc-js'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import type { CommandResult, IngestResponse, SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { readIngestRequest } from '#rpc/ingest-request.ts'
import { ingestDefinition } from '#rpc/ingest-service.ts'
import { bearerToken, DEFAULT_MAX_MESSAGE_BYTES, isToken, refusal, RpcServer, type ServerTls } from '#rpc/server.ts'
import type { GatewayLog } from './gateway-log.ts'
import { handleHttp } from './http-ingest.ts'
import { ingestOnce } from './ingest-once.ts'
import { Intake } from './intake.ts'
import { SyncCall, type SyncStream } from './sync-call.ts'

export interface ReceiverOptions {
  /** Folder of the files, one for each gateway: `{gateway}.jsonl`. */
  readonly folder: string
  readonly host: string
  /** 0: a free one; null: no gRPC. */
  readonly grpcPort: number | null
  /** 0: a free one; null: no HTTP. */
  readonly httpPort: number | null
  readonly tls: ServerTls | null
  /** null: everyone may send. */
  readonly token: string | null
  readonly log: Log
  readonly maxMessageBytes?: number
  /** Told of what gateways answer to commands. */
  readonly onResult?: (gateway: string, result: CommandResult) => void
}

export class ReceiverServer {
  readonly #options: ReceiverOptions
  readonly #intake: Intake
  readonly #calls = new Map<string, SyncCall<GatewayLog>>()
  #grpc: RpcServer | null = null
  #http: Server | null = null
  #ports: { grpc: number | null; http: number | null } = { grpc: null, http: null }

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#intake = new Intake(options.folder)
  }

  get ports(): { readonly grpc: number | null; readonly http: number | null } {
    return this.#ports
  }

  /** Records that were kept since the start, each once. */
  get accepted(): number {
    return this.#intake.accepted
  }

  /** Throws PORT_IN_USE. */
  async start(): Promise<void> {
    const { grpcPort, host, httpPort } = this.#options
    this.#ports = {
      grpc: grpcPort === null ? null : await this.#startGrpc(host, grpcPort),
      http: httpPort === null ? null : await this.#startHttp(host, httpPort),
    }
  }

  /** Sends to a gateway over its present stream. False when it has none. */
  send(gateway: string, message: SyncResponse['message']): boolean {
    return this.#calls.get(gateway)?.send(message) ?? false
  }

  /** Ends the streams; what was acknowledged is on the disk. */
  async stop(signal: AbortSignal): Promise<void> {
    for (const call of this.#calls.values()) call.end()
    await this.#grpc?.stop(signal)
    if (this.#http) {
      this.#http.close()
      this.#http.closeAllConnections()
    }
    await this.#intake.close()
  }

  async #startGrpc(host: string, port: number): Promise<number> {
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, tls } = this.#options
    this.#grpc = new RpcServer({ tls, maxMessageBytes })
    this.#grpc.grpc.addService(ingestDefinition, {
      sync: (stream: SyncStream) => this.#sync(stream, maxMessageBytes),
      ingest: (call: ServerUnaryCall<Uint8Array, IngestResponse>, answer: sendUnaryData<IngestResponse>) => {
        this.#ingest(call).then(
          (response) => answer(null, response),
          (cause: unknown) => answer(refusalOf(cause)),
        )
      },
    })
    return this.#grpc.listen(host, port)
  }

  #sync(stream: SyncStream, maxMessageBytes: number): void {
    if (!this.#isAllowed(stream.metadata)) {
      stream.emit('error', refusal('UNAUTHENTICATED', 'The token is missing or wrong'))
      return
    }
    const { log, onResult = () => {} } = this.#options
    new SyncCall({
      stream,
      intake: this.#intake,
      log,
      receiver: 'telemetryx receive',
      maxMessageBytes,
      onHello: (gateway, call) => this.#calls.set(gateway, call),
      onResult,
    })
  }

  async #ingest(call: ServerUnaryCall<Uint8Array, IngestResponse>): Promise<IngestResponse> {
    if (!this.#isAllowed(call.metadata)) throw new TelemetryError('UNAUTHENTICATED', 'The token is missing or wrong')
    return ingestOnce(this.#intake, readIngestRequest(call.request))
  }

  #isAllowed(metadata: Metadata): boolean {
    const { token } = this.#options
    return token === null || isToken(bearerToken(metadata), token)
  }

  async #startHttp(host: string, port: number): Promise<number> {
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, tls, token } = this.#options
    const options = { intake: this.#intake, token, maxBytes: maxMessageBytes }
    const mutual = tls?.clientCa ? { ca: tls.clientCa, requestCert: true } : {}
    const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key, ...mutual }) : createServer()
    server.on('request', (request, response) => void handleHttp(request, response, options))
    this.#http = server
    try {
      server.listen(port, host)
      await once(server, 'listening')
    } catch (cause) {
      throw new TelemetryError('PORT_IN_USE', `HTTP cannot listen on ${host}:${port}`, { cause })
    }
    return (server.address() as AddressInfo).port // it listens on a port, not on a pipe
  }
}

function refusalOf(cause: unknown): ReturnType<typeof refusal> {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (isTelemetryError(cause, 'UNAUTHENTICATED')) return refusal('UNAUTHENTICATED', message)
  return refusal(isTelemetryError(cause, 'PROTOCOL') ? 'INVALID_ARGUMENT' : 'UNAVAILABLE', message)
}
