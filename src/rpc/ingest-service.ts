// IngestService for grpc-js, with batches left as bytes on both sides: they have a codec of their own (batch-encoder.ts,
// batch-decoder.ts), and a receiver needs its dictionary to read them.

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'
import {
  BatchSchema,
  IngestService,
  SyncRequestSchema,
  type SyncRequest,
  type SyncResponse,
} from './generated/telemetryx/v1/ingest_pb.js'
import type { EncodedMessage } from './batch-encoder.ts'
import { bufferOf, serviceDefinition } from './service-definition.ts'
import { WireReader } from './wire-reader.ts'
import { LENGTH } from './wire-writer.ts'

/** Field `batch` of SyncRequest, as a tag. */
const BATCH_TAG = (2 << 3) | LENGTH

/** A message, or a batch that is encoded already. */
export type OutgoingSync = SyncRequest | EncodedMessage

/** A request; of a batch only the bytes of the Batch. */
export type IncomingSync = Exclude<SyncRequest['message'], { case: 'batch' }> | { case: 'batch'; value: Uint8Array }

const definition = serviceDefinition(IngestService)

/** As a client calls it. */
export const syncMethod: Pick<
  MethodDefinition<OutgoingSync, SyncResponse>,
  'path' | 'requestSerialize' | 'responseDeserialize'
> = {
  path: definition.sync.path,
  requestSerialize: (message) => ('bytes' in message ? taken(message) : definition.sync.requestSerialize(message)),
  responseDeserialize: definition.sync.responseDeserialize,
}

/** As a server serves it. */
export const ingestDefinition = {
  ingest: definition.ingest,
  // A server never writes a request: its type says nothing here.
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

function readSyncRequest(bytes: Buffer): IncomingSync {
  const reader = new WireReader(bytes)
  if (!reader.isAtEnd && reader.uint32() === BATCH_TAG) {
    const content = reader.content()
    if (reader.isAtEnd) return { case: 'batch', value: content.view() }
  }
  const { message } = fromBinary(SyncRequestSchema, bytes)
  return message.case === 'batch' ? { case: 'batch', value: bufferOf(toBinary(BatchSchema, message.value)) } : message
}
