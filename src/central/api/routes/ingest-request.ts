// The body of POST /ingest: a telemetryx.v1.IngestRequest of a stranger. The batch stays in the bytes in which it came, for ingest to
// decode into columns; what becomes objects here is counted first, so that memory grows with what central takes, not with what is sent.
//
//   IngestRequest   1 gateway   2 factory   3 dictionary (1 sensors, each a Sensor)   4 batch

import { create, fromBinary, fromJson, toBinary, type JsonValue } from '@bufbuild/protobuf'
import { invalid } from '#api/problem.ts'
import { MAX_BATCH_RECORDS } from '#central/ingest/pending-batch.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import {
  BatchSchema,
  DictionarySchema,
  IngestRequestSchema,
  type Dictionary,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { malformed, WireReader } from '#rpc/wire-reader.ts'
import { LENGTH } from '#rpc/wire-writer.ts'

/** Five times what a gateway may have here. An empty one costs two bytes on the wire, and hundreds in memory. */
export const MAX_DICTIONARY = 100_000

export interface HandedIn {
  readonly gateway: string
  readonly factory: string
  readonly sensors: KnownSensors
  /** A telemetryx.v1.Batch, not yet judged; null: there is none. */
  readonly batch: Uint8Array | null
}

/** Throws INVALID_REQUEST. */
export function readIngestRequest(body: Buffer, isJson: boolean): HandedIn {
  try {
    return isJson ? readJson(JSON.parse(body.toString()) as JsonValue) : readBinary(body)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid('body', `is no telemetryx.v1.IngestRequest: ${reason}`)
  }
}

function readBinary(body: Buffer): HandedIn {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  const reader = new WireReader(body)
  const dictionaries: Uint8Array[] = []
  const batches: Uint8Array[] = []
  const names = ['', '']
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    if ((tag & 7) !== LENGTH || field === 0) {
      if (field === 0 || field <= 4) throw malformed(`field ${field} is of another kind`)
      reader.skip(tag & 7)
      continue
    }
    const content = reader.content().view()
    if (field <= 2) names[field - 1] = utf8.decode(content)
    else if (field === 3) dictionaries.push(content)
    else if (field === 4) batches.push(content)
  }
  const [gateway = '', factory = ''] = names
  // What stands twice is one message, of which the parts follow each other (protobuf, "Last One Wins").
  const sensors = knownBy(dictionaryIn(Buffer.concat(dictionaries)))
  return { gateway, factory, sensors, batch: batches.length === 1 ? batches[0]! : joined(batches) }
}

function joined(parts: readonly Uint8Array[]): Uint8Array | null {
  return parts.length === 0 ? null : Buffer.concat(parts)
}

function dictionaryIn(bytes: Uint8Array): Dictionary {
  const reader = new WireReader(bytes)
  let count = 0
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    reader.skip(tag & 7)
    if (tag >>> 3 === 1) checkCount((count += 1), MAX_DICTIONARY, 'sensors')
  }
  return fromBinary(DictionarySchema, bytes)
}

function readJson(json: JsonValue): HandedIn {
  checkSensors(json)
  const { batch } = objectIn(json)
  const { alarms, blocks, events } = objectIn(batch)
  for (const part of [alarms, blocks, events]) checkCount(lengthOf(part), MAX_BATCH_RECORDS, 'records')
  const request = fromJson(IngestRequestSchema, json)
  return {
    gateway: request.gateway,
    factory: request.factory,
    sensors: knownBy(request.dictionary ?? create(DictionarySchema)),
    batch: request.batch === undefined ? null : toBinary(BatchSchema, request.batch),
  }
}

/** Of a message with a dictionary, as JSON. Throws PROTOCOL when it has too many sensors. */
export function checkSensors(json: JsonValue): void {
  checkCount(lengthOf(objectIn(objectIn(json)['dictionary'])['sensors']), MAX_DICTIONARY, 'sensors')
}

function objectIn(json: JsonValue | undefined): { readonly [name: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}
}

function lengthOf(json: JsonValue | undefined): number {
  return Array.isArray(json) ? json.length : 0
}

function checkCount(count: number, max: number, what: string): void {
  if (count > max) throw malformed(`it has more than ${max} ${what}`)
}

function knownBy(dictionary: Dictionary): KnownSensors {
  const sensors = new KnownSensors()
  sensors.learn(dictionary)
  return sensors
}
