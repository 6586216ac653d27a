// The gateways of the benchmark: 50 with 100 sensors each at 1 Hz, in batches of 500, each gateway with one batch under way, as the
// uplink sends them.

import { create, toBinary } from '@bufbuild/protobuf'
import type { BatchEnvelope, IngestPort } from '#central/ingest-ports.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import { BatchSchema, ReadingBlockSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { dictionary } from '#test/central/storage/central-fixture.ts'

export const GATEWAYS = 50
export const SENSORS = 100
export const BATCH = 500
export const SECONDS_A_BATCH = BATCH / SENSORS
const AGAIN_MS = 20

export interface Sending {
  readonly tenant: number
  /** Of each gateway. */
  readonly batches: number
  /** Unix milliseconds of the first reading. */
  readonly from: number
}

/** All gateways at once. Answers how long each batch took until it was accepted. */
export async function sendAll(ingest: Pick<IngestPort, 'take'>, sending: Sending): Promise<LatencyHistogram> {
  const latency = new LatencyHistogram()
  await Promise.all(Array.from({ length: GATEWAYS }, (_, gateway) => sendOf(ingest, sending, { gateway, latency })))
  return latency
}

async function sendOf(
  ingest: Pick<IngestPort, 'take'>,
  { batches, from, tenant }: Sending,
  { gateway, latency }: { gateway: number; latency: LatencyHistogram },
): Promise<void> {
  const sensors = dictionary(
    ...Array.from({ length: SENSORS }, (_, number) => ({
      number,
      id: sensorId(gateway, number),
      machine: `m-${gateway}`,
    })),
  )
  const columns = columnsOf(gateway)
  for (let index = 0; index < batches; index++) {
    const batch = batchOf(columns, index * BATCH + 1, from + index * SECONDS_A_BATCH * 1000)
    await accepted(ingest, tenant, { envelope: envelopeOf(gateway, sensors, batch), latency })
  }
}

/** Sent again, as gateways do, when there is no room just now: only the try that was accepted counts. */
async function accepted(
  ingest: Pick<IngestPort, 'take'>,
  tenant: number,
  { envelope, latency }: { envelope: BatchEnvelope; latency: LatencyHistogram },
): Promise<void> {
  for (;;) {
    const start = performance.now()
    try {
      const taken = await ingest.take(tenant, envelope)
      if (taken.accepted !== BATCH) throw new Error(`${BATCH - taken.accepted} readings were not taken`)
      latency.record(performance.now() - start)
      return
    } catch (cause) {
      if (!isTelemetryError(cause, 'RATE_LIMITED')) throw cause
      await sleep(systemClock, AGAIN_MS)
    }
  }
}

export function sensorId(gateway: number, sensor: number): string {
  return `plc-${gateway}.s${sensor}`
}

function envelopeOf(gateway: number, sensors: KnownSensors, batch: Uint8Array): BatchEnvelope {
  return { gateway: `edge-${gateway}`, factory: 'Plant', sensors, batch, traceparent: null }
}

/** What all batches of a gateway have alike: random walks with two decimals, a second from row to row of a sensor. */
function columnsOf(gateway: number): Uint8Array {
  let seed = gateway + 1
  const noise = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0) >>> 24
  return toBinary(
    ReadingBlockSchema,
    create(ReadingBlockSchema, {
      sensors: Array.from({ length: BATCH }, (_, row) => row % SENSORS),
      receivedDeltas: Array.from({ length: BATCH }, (_, row) => (row > 0 && row % SENSORS === 0 ? 1000 : 0)),
      numbers: Array.from({ length: BATCH }, () => 200 + noise() / 100),
    }),
  )
}

/** A Batch: what is its own, then the columns. Parts of one protobuf message may stand one after the other. */
function batchOf(columns: Uint8Array, firstSeq: number, receivedAt: number): Uint8Array {
  const own = create(ReadingBlockSchema, { firstSeq: BigInt(firstSeq), receivedAtMs: BigInt(receivedAt) })
  const block = Buffer.concat([toBinary(ReadingBlockSchema, own), columns])
  const head = create(BatchSchema, { epoch: 1, firstSeq: BigInt(firstSeq), lastSeq: BigInt(firstSeq + BATCH - 1) })
  const size = Buffer.from([(6 << 3) | 2, (block.length & 0x7f) | 0x80, block.length >> 7]) // field `blocks`, length of two bytes
  if (block.length >> 14 !== 0) throw new Error('The block is larger than a length of two bytes says')
  return Buffer.concat([toBinary(BatchSchema, head), size, block])
}
