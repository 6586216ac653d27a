// One IngestRequest and its answer: what the unary call and HTTP share.

import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import { IngestResponseSchema, type Hello, type IngestResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { HandedIn } from '#rpc/ingest-request.ts'
import type { Taken } from './intake.ts'
import type { BatchIntake } from './sync-call.ts'

/** A BatchIntake that also tells how much of a batch was new. */
export interface CountingIntake<F> extends BatchIntake<F> {
  /** `factory`: display name of its factory where there is no hello; empty: it did not say. */
  open(gateway: string, hello?: Hello, factory?: string): Promise<F>
  take(...batch: Parameters<BatchIntake<F>['take']>): Promise<Taken>
}

/** Resolves when the batch is durable. Throws PROTOCOL, STORE_IO. */
export async function ingestOnce<F>(intake: CountingIntake<F>, request: HandedIn): Promise<IngestResponse> {
  const { batch, factory, gateway, sensors } = request
  if (batch === null) throw new TelemetryError('PROTOCOL', 'The request has no batch')
  const log = await intake.open(gateway, undefined, factory)
  const { accepted, acknowledgement, repeats } = await intake.take(gateway, log, sensors, batch)
  return create(IngestResponseSchema, { acknowledgement, accepted, repeatedRecords: repeats })
}
