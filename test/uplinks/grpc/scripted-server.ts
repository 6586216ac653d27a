// A receiver that does what a test says, well or badly. It serves the real service over real HTTP/2.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { SyncResponseSchema, type CommandResult, type Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { ingestDefinition, type IncomingSync } from '#rpc/ingest-service.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { RpcServer, type Refusal, type ServerTls } from '#rpc/server.ts'
import type { SyncStream } from '#receiver/sync-call.ts'

export type Answer = MessageInitShape<typeof SyncResponseSchema>['message']

export interface Script {
  /** Answer to a hello; null: none. Default: welcome. */
  readonly onHello?: (hello: Hello, server: ScriptedServer) => Answer | null
  /** What is done with a batch. Default: it is acknowledged. */
  readonly onBatch?: (batch: ReceivedBatch, server: ScriptedServer) => void
  readonly tls?: ServerTls
  /** Messages of bytes that are none. */
  readonly garbage?: Buffer
  /** Nothing is read after the hello. */
  readonly readsNothing?: boolean
}

export class ScriptedServer {
  readonly hellos: Hello[] = []
  readonly batches: ReceivedBatch[] = []
  readonly results: CommandResult[] = []
  readonly metadata: string[] = []
  dictionaries = 0
  readonly #script: Script
  #server: RpcServer | null = null
  #stream: SyncStream | null = null
  #port = 0

  constructor(script: Script = {}) {
    this.#script = script
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    this.#server = new RpcServer({ tls: this.#script.tls ?? null })
    const { garbage } = this.#script
    const sync = garbage ? { ...ingestDefinition.sync, responseSerialize: () => garbage } : ingestDefinition.sync
    this.#server.grpc.addService(
      { ...ingestDefinition, sync },
      {
        sync: (stream: SyncStream) => this.#sync(stream),
        ingest: () => {},
      },
    )
    this.#port = await this.#server.listen('127.0.0.1', this.#port)
  }

  async stop(): Promise<void> {
    await this.#server?.stop(AbortSignal.abort())
  }

  send(message: Answer): void {
    this.#stream?.write(create(SyncResponseSchema, { message }))
  }

  acknowledge({ epoch, lane, lastSeq }: ReceivedBatch, rejections: { seq: number; reason: string }[] = []): void {
    this.send({
      case: 'acknowledgement',
      value: {
        lane: { inOrder: 0, live: 1, backlog: 2 }[lane],
        position: { epoch, seq: BigInt(lastSeq) },
        rejections: rejections.map(({ reason, seq }) => ({ position: { epoch, seq: BigInt(seq) }, reason })),
      },
    })
  }

  /** Ends the stream: in peace, or with a status. */
  end(reason: Refusal | null): void {
    if (reason === null) this.#stream?.end()
    else this.#stream?.emit('error', reason)
  }

  #sync(stream: SyncStream): void {
    this.#stream = stream
    this.metadata.push(String(stream.metadata.get('authorization')[0] ?? ''))
    const sensors = new KnownSensors()
    stream.on('data', (message: IncomingSync) => this.#take(message, sensors, stream))
    stream.on('end', () => stream.end())
    stream.on('error', () => {})
  }

  #take(message: IncomingSync, sensors: KnownSensors, stream: SyncStream): void {
    const { onBatch = (batch) => this.acknowledge(batch), onHello = () => WELCOME, readsNothing } = this.#script
    if (message.case === 'hello') {
      this.hellos.push(message.value)
      sensors.learn(message.value.dictionary)
      const answer = onHello(message.value, this)
      if (answer !== null) this.send(answer)
      if (readsNothing) stream.pause()
    } else if (message.case === 'dictionary') {
      this.dictionaries += 1
      sensors.learn(message.value)
    } else if (message.case === 'batch') {
      const batch = decodeBatch(message.value, sensors.typeOf)
      this.batches.push(batch)
      onBatch(batch, this)
    } else if (message.case === 'commandResult') this.results.push(message.value)
  }
}

export const WELCOME: Answer = { case: 'welcome', value: { receiver: 'scripted' } }
export const acknowledgement = (epoch: number, seq: number, lane = 0): Answer => ({
  case: 'acknowledgement',
  value: { lane, position: { epoch, seq: BigInt(seq) } },
})
