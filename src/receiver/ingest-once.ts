// One IngestRequest and its answer: what the unary call and HTTP share.

import { create, toBinary } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import {
  BatchSchema,
  IngestResponseSchema,
  type IngestRequest,
  type IngestResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { Intake } from './intake.ts'

/** Resolves when the batch is durable. Throws PROTOCOL, STORE_IO. */
export async function ingestOnce(
  intake: Intake,
  sensors: KnownSensors,
  request: IngestRequest,
): Promise<IngestResponse> {
  const { batch, dictionary, gateway } = request
  if (batch === undefined) throw new TelemetryError('PROTOCOL', 'The request has no batch')
  sensors.learn(dictionary)
  const log = await intake.open(gateway)
  const { accepted, acknowledgement, repeats } = await intake.take(gateway, log, sensors, toBinary(BatchSchema, batch))
  return create(IngestResponseSchema, { acknowledgement, accepted, repeatedRecords: repeats })
}
