// What goes through the stream: a batch with the sensors that it uses, or the hello of a gateway; protobuf, compressed by zstd.
//
//   batch: IngestRequest  1 gateway   2 factory   3 dictionary   4 batch         hello: Hello         (telemetryx.v1)

import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import { KnownSensors, type KnownSensor } from '#rpc/dictionary.ts'
import { SensorSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { DictionarySchema, HelloSchema, type Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { wireTypeOf } from '#rpc/values.ts'
import { LENGTH, WireWriter } from '#rpc/wire-writer.ts'
import { malformed, WireReader } from '#rpc/wire-reader.ts'
import type { BatchEnvelope } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'

/** Header with what the message is: `batch` or `hello`. */
export const KIND_HEADER = 'Telemetryx-Kind'
/** Largest message after it was expanded; nobody but central writes into the stream. */
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Up to here it is quicker to do it at once (some 0.3 ms) than to have it done: in a thread of its own each message costs three times the
 * processor, most of it for what is made around it (docs/decisions/0037).
 */
const MAX_BYTES_AT_ONCE = 64 * 1024

const compressAside = promisify(zstdCompress)
const expandAside = promisify(zstdDecompress)

/** `batch` decoded, as proof that it makes sense. */
export async function encodeEnvelope(envelope: BatchEnvelope, batch: ReceivedBatch): Promise<Uint8Array> {
  const writer = new WireWriter(envelope.batch.length + 1024)
  writer.bytesField(1, Buffer.from(envelope.gateway))
  writer.bytesField(2, Buffer.from(envelope.factory))
  const sensors = usedSensors(batch, envelope.sensors).map((known) =>
    create(SensorSchema, { ...known, valueType: wireTypeOf(known.valueType) }),
  )
  writer.bytesField(3, toBinary(DictionarySchema, create(DictionarySchema, { sensors })))
  writer.bytesField(4, envelope.batch)
  return compressed(writer.view)
}

/** Throws PROTOCOL. */
export async function decodeEnvelope(data: Uint8Array, traceparent: string | null): Promise<BatchEnvelope> {
  const reader = new WireReader(await expanded(data))
  const sensors = new KnownSensors()
  let gateway = ''
  let factory = ''
  let batch: Uint8Array | null = null
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    if ((tag & 7) !== LENGTH) {
      reader.skip(tag & 7)
      continue
    }
    const content = reader.content().view()
    if (tag >>> 3 === 1) gateway = Buffer.from(content).toString()
    else if (tag >>> 3 === 2) factory = Buffer.from(content).toString()
    else if (tag >>> 3 === 3) sensors.learn(guarded(() => fromBinary(DictionarySchema, content)))
    else if (tag >>> 3 === 4) batch = content
  }
  if (gateway === '' || batch === null) throw malformed('it has no gateway or no batch')
  return { gateway, factory, sensors, batch, traceparent }
}

export async function encodeHello(hello: Hello): Promise<Uint8Array> {
  return compressed(toBinary(HelloSchema, hello))
}

/** Throws PROTOCOL. */
export async function decodeHello(data: Uint8Array): Promise<Hello> {
  const bytes = await expanded(data)
  return guarded(() => fromBinary(HelloSchema, bytes))
}

/** The same for the same batch of the same gateway, however often it is sent: NATS then keeps one. */
export function batchId(tenant: TenantNumber, { batch, gateway }: BatchEnvelope): string {
  return createHash('sha256').update(`${tenant}/${gateway}/`).update(batch).digest('base64url')
}

function usedSensors(batch: ReceivedBatch, sensors: KnownSensors): KnownSensor[] {
  const used = new Set<number>()
  for (let row = 0; row < batch.length; row++) if (batch.sensor[row] !== ENTRY) used.add(batch.sensor[row]!)
  return [...used].flatMap((number) => sensors.get(number) ?? [])
}

async function compressed(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.length > MAX_BYTES_AT_ONCE ? compressAside(bytes) : zstdCompressSync(bytes)
}

async function expanded(data: Uint8Array): Promise<Uint8Array> {
  const options = { maxOutputLength: MAX_BYTES }
  try {
    return data.length > MAX_BYTES_AT_ONCE ? await expandAside(data, options) : zstdDecompressSync(data, options)
  } catch (cause) {
    throw new TelemetryError('PROTOCOL', 'A message of the stream is damaged', { cause })
  }
}

function guarded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause))
  }
}
