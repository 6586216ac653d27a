// The body of POST /ingest: a telemetryx.v1.IngestRequest of a stranger, as protobuf or as JSON.

import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { invalid } from '#api/problem.ts'
import { MAX_BATCH_RECORDS } from '#central/ingest/pending-batch.ts'
import { IngestRequestSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { checkCount, handedIn, MAX_DICTIONARY, readIngestRequest, type HandedIn } from '#rpc/ingest-request.ts'

/** Throws INVALID_REQUEST. */
export function readIngestBody(body: Buffer, isJson: boolean): HandedIn {
  try {
    return isJson ? readJson(JSON.parse(body.toString()) as JsonValue) : readIngestRequest(body)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid('body', `is no telemetryx.v1.IngestRequest: ${reason}`)
  }
}

function readJson(json: JsonValue): HandedIn {
  checkSensors(json)
  const { alarms, blocks, events, ...rest } = objectIn(objectIn(json)['batch'])
  for (const part of [alarms, blocks, events]) checkCount(lengthOf(part), MAX_BATCH_RECORDS, 'records')
  // Under either of the names that proto3 JSON takes.
  for (const name of ['openSeqs', 'open_seqs']) checkCount(lengthOf(rest[name]), MAX_BATCH_RECORDS, 'open positions')
  return handedIn(fromJson(IngestRequestSchema, json))
}

/** Of a message with a dictionary, as JSON. Throws PROTOCOL when it has too many sensors, or a hello too many names of statuses. */
export function checkSensors(json: JsonValue): void {
  checkCount(lengthOf(objectIn(json)['statuses']), MAX_DICTIONARY, 'statuses')
  checkCount(lengthOf(objectIn(objectIn(json)['dictionary'])['sensors']), MAX_DICTIONARY, 'sensors')
}

function objectIn(json: JsonValue | undefined): { readonly [name: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}
}

function lengthOf(json: JsonValue | undefined): number {
  return Array.isArray(json) ? json.length : 0
}
