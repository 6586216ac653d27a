// A delivery as bodies of POST /api/v1/ingest: telemetryx.v1.IngestRequest, each with the sensors that it uses.
//
//   IngestRequest  1 gateway   2 factory   3 dictionary   4 batch          Dictionary  1 sensors*

import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf'
import { ENTRY } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery } from '#domain/uplink.ts'
import { BatchEncoder, type EncodedDelivery } from '#rpc/batch-encoder.ts'
import { wireDictionaries } from '#rpc/dictionary.ts'
import { SensorSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { IngestRequestSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { WireWriter } from '#rpc/wire-writer.ts'
import { coverageOf } from '../grpc/coverage.ts'

const compress = promisify(zstdCompress)

export interface BodyOptions {
  readonly model: Model
  /** Of the batch in a body. */
  readonly maxBytes: number
  /** The delivery is whole: its positions say that between them nothing else comes. */
  readonly isWhole: boolean
}

export interface Body {
  /** IngestRequest as protobuf. */
  readonly bytes: Uint8Array
  /** Position that its acknowledgement names. */
  readonly lastSeq: number
}

export class Bodies {
  readonly #encoder = new BatchEncoder()
  readonly #head: Uint8Array
  readonly #writer = new WireWriter()
  readonly #dictionary = new WireWriter()
  #model: Model | null = null
  #sensors = new Map<number, Uint8Array>()

  constructor(gateway: string, factory: string) {
    const head = new WireWriter()
    head.bytesField(1, Buffer.from(gateway))
    head.bytesField(2, Buffer.from(factory))
    this.#head = Uint8Array.from(head.view)
  }

  of(
    delivery: Delivery,
    { model, maxBytes, isWhole }: BodyOptions,
  ): { bodies: Body[]; rejected: EncodedDelivery['rejected'] } {
    if (model !== this.#model) this.#learn(model)
    const coverage = isWhole ? coverageOf(delivery) : null
    const { messages, rejected } = this.#encoder.encode(delivery, { model, maxBytes, coverage })
    const dictionary = this.#dictionaryOf(delivery)
    const bodies = messages.map(({ bytes, lastSeq }) => {
      const writer = this.#writer
      writer.clear()
      writer.raw(this.#head)
      writer.bytesField(3, dictionary)
      writer.bytesField(4, batchIn(bytes))
      return { bytes: Uint8Array.from(writer.view), lastSeq }
    })
    return { bodies, rejected }
  }

  #learn(model: Model): void {
    this.#sensors = new Map(
      wireDictionaries(model).flatMap(({ sensors }) =>
        sensors.map((sensor) => [sensor.number, toBinary(SensorSchema, sensor)] as const),
      ),
    )
    this.#model = model
  }

  #dictionaryOf({ batch, rows, rowCount }: Delivery): Uint8Array {
    const used = new Set<number>()
    for (let index = 0; index < rowCount; index++) used.add(batch.sensor[rows[index]!]!)
    used.delete(ENTRY)
    this.#dictionary.clear()
    for (const number of used) {
      const sensor = this.#sensors.get(number)
      if (sensor) this.#dictionary.bytesField(1, sensor)
    }
    return this.#dictionary.view
  }
}

/** The encoder makes SyncRequests, whose only field is the batch: tag, length, batch. */
function batchIn(syncRequest: Uint8Array): Uint8Array {
  let at = 1
  while (syncRequest[at]! > 0x7f) at += 1
  return syncRequest.subarray(at + 1)
}

/** A body as it goes on the wire. */
export async function packBody(
  bytes: Uint8Array,
  { format, isCompressed }: { readonly format: 'protobuf' | 'json'; readonly isCompressed: boolean },
): Promise<{ body: Uint8Array; headers: Record<string, string> }> {
  const plain =
    format === 'json' ? Buffer.from(toJsonString(IngestRequestSchema, fromBinary(IngestRequestSchema, bytes))) : bytes
  const type = { 'Content-Type': format === 'json' ? 'application/json' : 'application/x-protobuf' }
  if (!isCompressed) return { body: plain, headers: type }
  return { body: await compress(plain), headers: { ...type, 'Content-Encoding': 'zstd' } }
}
