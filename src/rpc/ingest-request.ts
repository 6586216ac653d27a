// A telemetryx.v1.IngestRequest of a stranger. The batch stays in the bytes in which it came, for its own codec; what becomes
// objects is counted first, so that memory grows with what a receiver takes, not with what is sent.
//
//   IngestRequest   1 gateway   2 factory   3 dictionary (1 sensors, each a Sensor)   4 batch

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { isTelemetryError } from '#domain/errors.ts'
import { KnownSensors } from './dictionary.ts'
import {
  BatchSchema,
  DictionarySchema,
  type Dictionary,
  type IngestRequest,
} from './generated/telemetryx/v1/ingest_pb.js'
import { malformed, WireReader } from './wire-reader.ts'
import { LENGTH } from './wire-writer.ts'

/** Of one message; several times what a gateway may have. An empty one costs two bytes on the wire, and hundreds in memory. */
export const MAX_DICTIONARY = 100_000

export interface HandedIn {
  readonly gateway: string
  readonly factory: string
  readonly sensors: KnownSensors
  /** A telemetryx.v1.Batch, not yet judged; null: there is none. */
  readonly batch: Uint8Array | null
}

/** Throws PROTOCOL. */
export function readIngestRequest(bytes: Uint8Array): HandedIn {
  try {
    return readFields(bytes)
  } catch (cause) {
    if (isTelemetryError(cause)) throw cause
    throw malformed(cause instanceof Error ? cause.message : String(cause))
  }
}

/** Of a message that was read in another way, such as from JSON. Throws PROTOCOL. */
export function handedIn({ batch, dictionary, factory, gateway }: IngestRequest): HandedIn {
  const encoded = batch === undefined ? null : toBinary(BatchSchema, batch)
  return { gateway, factory, sensors: knownBy(dictionary), batch: encoded }
}

/** Fields of the message in `bytes`. Throws PROTOCOL when they are more than `max`. */
export function countFields(bytes: Uint8Array, max: number, what: string): void {
  const reader = new WireReader(bytes)
  for (let count = 1; !reader.isAtEnd; count++) {
    reader.skip(reader.uint32() & 7)
    checkCount(count, max, what)
  }
}

/** Throws PROTOCOL. */
export function checkCount(count: number, max: number, what: string): void {
  if (count > max) throw malformed(`it has more than ${max} ${what}`)
}

function readFields(bytes: Uint8Array): HandedIn {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  const reader = new WireReader(bytes)
  const dictionaries: Uint8Array[] = []
  const batches: Uint8Array[] = []
  const names = ['', '']
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    if ((tag & 7) !== LENGTH || field === 0) {
      if (field <= 4) throw malformed(`field ${field} is of another kind`)
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
  const dictionary = Buffer.concat(dictionaries)
  countFields(dictionary, MAX_DICTIONARY, 'sensors')
  const sensors = knownBy(fromBinary(DictionarySchema, dictionary))
  return { gateway, factory, sensors, batch: batches.length === 0 ? null : joined(batches) }
}

/** Parts of one message, which follow each other. A single one is not copied. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function knownBy(dictionary: Dictionary | undefined): KnownSensors {
  const sensors = new KnownSensors()
  sensors.learn(dictionary)
  return sensors
}
