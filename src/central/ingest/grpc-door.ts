// gRPC IngestService of central: the stream of gateways and the unary call, on the same ingest as HTTP.

import type { Metadata, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { ingestOnce } from '#receiver/ingest-once.ts'
import { SyncCall, type SyncStream } from '#receiver/sync-call.ts'
import type { IngestResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { readIngestRequest } from '#rpc/ingest-request.ts'
import { ingestDefinition } from '#rpc/ingest-service.ts'
import {
  bearerToken,
  DEFAULT_MAX_MESSAGE_BYTES,
  refusal,
  RpcServer,
  type Refusal,
  type ServerTls,
} from '#rpc/server.ts'
import type { IngestPort } from '../ingest-ports.ts'
import type { Authenticate, Sender } from './sender.ts'
import { StreamIntake, type StreamFile } from './stream-intake.ts'

/** Of one stream: with as many large messages it holds 32 MiB. */
const MAX_UNDER_WAY = 8

export interface GrpcDoorOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls: ServerTls | null
  readonly maxMessageBytes?: number
  readonly authenticate: Authenticate
  readonly ingest: IngestPort
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

export class GrpcDoor {
  readonly name = 'grpc'
  readonly #options: GrpcDoorOptions
  readonly #calls = new Set<SyncCall<StreamFile>>()
  readonly #server: RpcServer
  #stopping: Promise<void> | null = null

  constructor(options: GrpcDoorOptions) {
    this.#options = options
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, tls } = options
    this.#server = new RpcServer({ tls, maxMessageBytes })
    this.#server.grpc.addService(ingestDefinition, {
      sync: (stream: SyncStream) => void this.#sync(stream, maxMessageBytes),
      ingest: (call: ServerUnaryCall<Uint8Array, IngestResponse>, answer: sendUnaryData<IngestResponse>) => {
        this.#ingest(call).then(
          (response) => answer(null, response),
          (cause: unknown) => answer(refusalOf(cause)),
        )
      },
    })
  }

  /** Throws PORT_IN_USE. */
  listen(): Promise<number> {
    return this.#server.listen(this.#options.host, this.#options.port)
  }

  /** Streams end once what is under way is acknowledged; when `signal` aborts, at once. Safe to call twice. */
  stop(signal: AbortSignal): Promise<void> {
    for (const call of this.#calls) call.end()
    this.#stopping ??= this.#server.stop(signal)
    return this.#stopping
  }

  async #sync(stream: SyncStream, maxMessageBytes: number): Promise<void> {
    const { log, version } = this.#options
    try {
      const intake = await this.#intake(stream.metadata)
      const call: SyncCall<StreamFile> = new SyncCall({
        stream,
        intake,
        log,
        receiver: `telemetryx central ${version}`,
        maxMessageBytes,
        maxUnderWay: MAX_UNDER_WAY,
        onHello: () => {},
        onResult: () => {},
      })
      this.#calls.add(call)
      stream.once('close', () => this.#calls.delete(call))
      if (this.#stopping) call.end()
    } catch (cause) {
      stream.emit('error', refusalOf(cause))
    }
  }

  async #ingest({ metadata, request }: ServerUnaryCall<Uint8Array, IngestResponse>): Promise<IngestResponse> {
    const intake = await this.#intake(metadata)
    return ingestOnce(intake, readIngestRequest(request)) // only now: who has no key makes no objects here
  }

  /** Throws what `authenticate` throws. */
  async #intake(metadata: Metadata): Promise<StreamIntake> {
    const { authenticate, clock, ingest } = this.#options
    const stillAllowed = (): Promise<Sender> => authenticate(bearerToken(metadata))
    const sender = await stillAllowed()
    return new StreamIntake({ ingest, sender, stillAllowed, clock, traceparent: traceOf(metadata) })
  }
}

function traceOf(metadata: Metadata): string | null {
  const [traceparent] = metadata.get('traceparent')
  return typeof traceparent === 'string' ? traceparent : null
}

function refusalOf(cause: unknown): Refusal {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (isTelemetryError(cause, 'UNAUTHENTICATED')) return refusal('UNAUTHENTICATED', message)
  if (isTelemetryError(cause, 'PERMISSION_DENIED')) return refusal('PERMISSION_DENIED', message)
  return refusal(isTelemetryError(cause, 'PROTOCOL') ? 'INVALID_ARGUMENT' : 'UNAVAILABLE', message)
}
