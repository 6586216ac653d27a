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
import type { Taken } from './intake.ts'
import type { BatchIntake } from './sync-call.ts'

/** A BatchIntake that also tells how much of a batch was new. */
export interface CountingIntake<F> extends BatchIntake<F> {
  take(...batch: Parameters<BatchIntake<F>['take']>): Promise<Taken>
}

/** Resolves when the batch is durable. Throws PROTOCOL, STORE_IO. */
export async function ingestOnce<F>(
  intake: CountingIntake<F>,
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
