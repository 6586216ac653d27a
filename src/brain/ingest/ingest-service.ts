// IngestService at the brain: streams of gateways, and single batches.

import type { Log } from '#domain/driver.ts'
import { ingestOnce } from '#receiver/ingest-once.ts'
import { SyncCall, type SyncStream } from '#receiver/sync-call.ts'
import type { IngestResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { readIngestRequest, type HandedIn } from '#rpc/ingest-request.ts'
import { ingestDefinition } from '#rpc/ingest-service.ts'
import type { RpcServer } from '#rpc/server.ts'
import { statusOf, unary } from '../rpc/answers.ts'
import { unreadable } from '../rpc/unreadable.ts'
import type { BrainContext, BrainService } from '../service.ts'
import { BrainIntake, type BrainIntakeOptions } from './brain-intake.ts'
import type { GatewayLines } from './gateway-lines.ts'

export interface IngestServiceOptions extends BrainIntakeOptions {
  readonly log: Log
  readonly lines: GatewayLines
  /** Name and version, for the welcome. */
  readonly receiver: string
}

export class IngestService implements BrainService {
  readonly name = 'telemetryx.v1.IngestService'
  readonly #options: IngestServiceOptions

  constructor(options: IngestServiceOptions) {
    this.#options = options
  }

  register({ grpc }: RpcServer, context: BrainContext): void {
    grpc.addService(ingestDefinition, {
      sync: (stream: SyncStream) => this.#sync(stream, context),
      ingest: unary<Uint8Array, IngestResponse>(this.#options.log, (request, call) => {
        const caller = context.caller(call, 'ingest')
        return ingestOnce(new BrainIntake(this.#options, caller), handedInBy(request))
      }),
    })
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  #sync(stream: SyncStream, context: BrainContext): void {
    const { lines, log, outbox, receiver } = this.#options
    try {
      const caller = context.caller(stream, 'ingest')
      new SyncCall({
        stream,
        intake: new BrainIntake(this.#options, caller),
        log,
        receiver,
        maxMessageBytes: context.limits.maxMessageBytes,
        onHello: (gateway, call) => {
          lines.add(caller.tenant, gateway, call)
          outbox.gatewayArrived(caller.tenant, gateway)
        },
        onResult: () => {}, // the brain sends no commands
      })
    } catch (error) {
      stream.emit('error', statusOf(error, log))
    }
  }
}

/** Read here and not by grpc-js, which would do so before anybody has been asked who sends it. */
function handedInBy(request: Uint8Array): HandedIn {
  try {
    return readIngestRequest(request)
  } catch (cause) {
    throw unreadable(cause)
  }
}
