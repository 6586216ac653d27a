// IngestService for grpc-js, with batches left as bytes on both sides: they have a codec of their own (batch-encoder.ts,
// batch-decoder.ts), and a receiver needs its dictionary to read them.

import { fromBinary } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'
import {
  CommandResultSchema,
  DictionarySchema,
  HelloSchema,
  IngestService,
  type IngestResponse,
  type SyncRequest,
  type SyncResponse,
} from './generated/telemetryx/v1/ingest_pb.js'
import type { EncodedMessage } from './batch-encoder.ts'
import { countFields, joined, MAX_DICTIONARY } from './ingest-request.ts'
import { serviceDefinition } from './service-definition.ts'
import { WireReader } from './wire-reader.ts'
import { LENGTH } from './wire-writer.ts'

/** Fields of SyncRequest, all of one oneof. */
const Kind = { hello: 1, batch: 2, dictionary: 3, commandResult: 4 } as const
const LAST_KIND = Kind.commandResult
/** Field `dictionary` of Hello, as a tag. */
const HELLO_DICTIONARY_TAG = (5 << 3) | LENGTH

/** A message, or a batch that is encoded already. */
export type OutgoingSync = SyncRequest | EncodedMessage

/** A request; of a batch only the bytes of the Batch. */
export type IncomingSync = Exclude<SyncRequest['message'], { case: 'batch' }> | { case: 'batch'; value: Uint8Array }

const definition = serviceDefinition(IngestService)

/** As a client calls them. */
export const syncMethod: Pick<
  MethodDefinition<OutgoingSync, SyncResponse>,
  'path' | 'requestSerialize' | 'responseDeserialize'
> = {
  path: definition.sync.path,
  requestSerialize: (message) => ('bytes' in message ? taken(message) : definition.sync.requestSerialize(message)),
  responseDeserialize: definition.sync.responseDeserialize,
}
export const ingestMethod = definition.ingest

/** As a server serves it. A server never writes a request: those types say nothing here. */
export const ingestDefinition = {
  /** In bytes, for `readIngestRequest`: grpc-js reads a request before anybody has been asked who sends it. */
  ingest: { ...definition.ingest, requestDeserialize: (bytes: Buffer) => bytes } as unknown as MethodDefinition<
    Uint8Array,
    IngestResponse
  >,
  sync: { ...definition.sync, requestDeserialize: readSyncRequest } as unknown as MethodDefinition<
    IncomingSync,
    SyncResponse
  >,
}

/** Called when the transport asks for the bytes: what waits in a buffer before it has not been sent. */
function taken(message: EncodedMessage): Buffer {
  message.isSent = true
  return message.bytes
}

/**
 * As protobuf has it: of several kinds the last is meant, and what comes twice of one is one message. What becomes objects is counted
 * first. Throws PROTOCOL.
 */
export function readSyncRequest(bytes: Uint8Array): IncomingSync {
  const reader = new WireReader(bytes)
  let parts: Uint8Array[] = []
  let kind = 0
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    if ((tag & 7) !== LENGTH || field > LAST_KIND) {
      reader.skip(tag & 7)
      continue
    }
    if (field !== kind) parts = []
    kind = field
    parts.push(reader.content().view())
  }
  return messageOf(kind, joined(parts))
}

function messageOf(kind: number, content: Uint8Array): IncomingSync {
  if (kind === Kind.batch) return { case: 'batch', value: content }
  countFields(content, MAX_DICTIONARY, 'fields')
  if (kind === Kind.dictionary) return { case: 'dictionary', value: fromBinary(DictionarySchema, content) }
  if (kind === Kind.commandResult) return { case: 'commandResult', value: fromBinary(CommandResultSchema, content) }
  if (kind !== Kind.hello) return { case: undefined }
  countFields(dictionaryIn(content), MAX_DICTIONARY, 'sensors')
  return { case: 'hello', value: fromBinary(HelloSchema, content) }
}

/** All parts of a hello's dictionary, one after the other. */
function dictionaryIn(hello: Uint8Array): Uint8Array {
  const reader = new WireReader(hello)
  const parts: Uint8Array[] = []
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    if (tag === HELLO_DICTIONARY_TAG) parts.push(reader.content().view())
    else reader.skip(tag & 7)
  }
  return joined(parts)
}
