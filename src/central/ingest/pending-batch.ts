// A batch on its way into the database: decoded, its sensors adopted, waiting for its transaction.

import { ENTRY } from '#domain/reading.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { AdoptedGateway } from '../model/adoption.ts'
import type { AdoptedSensor, BatchEnvelope, Refusal, Taken } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'

/** Ten times what a gateway can be told to send at once. A record may cost two bytes on the wire, and fifty in memory. */
export const MAX_BATCH_RECORDS = 100_000

export interface PendingBatch {
  readonly tenant: TenantNumber
  readonly envelope: BatchEnvelope
  readonly batch: ReceivedBatch
  /** Those that its readings use. */
  readonly sensors: readonly KnownSensor[]
  /** Unix milliseconds. */
  readonly arrivedAt: number
  resolve(taken: Taken): void
  reject(cause: unknown): void
}

/** Sensors by the number that the batch has for them; a text says why one is not taken. */
export type SensorsOfBatch = ReadonlyMap<number, AdoptedSensor | string>

/** What became of a pending batch in its transaction. */
export interface Outcome {
  readonly pending: PendingBatch
  readonly sensors: SensorsOfBatch
  /** New rows. */
  readonly rows: readonly number[]
  readonly refused: readonly Refusal[]
  readonly repeated: number
}

/** Throws PROTOCOL. */
export function pendingBatch(
  tenant: TenantNumber,
  envelope: BatchEnvelope,
  arrivedAt: number,
): Omit<PendingBatch, 'resolve' | 'reject'> {
  const batch = decodeBatch(envelope.batch, envelope.sensors.typeOf, MAX_BATCH_RECORDS)
  return { tenant, envelope, batch, arrivedAt, sensors: sensorsOf(batch, envelope) }
}

function sensorsOf(batch: ReceivedBatch, { sensors }: BatchEnvelope): KnownSensor[] {
  const used = new Set<number>()
  for (let row = 0; row < batch.length; row++) if (batch.sensor[row] !== ENTRY) used.add(batch.sensor[row]!)
  const known: KnownSensor[] = []
  for (const number of used) {
    const sensor = sensors.get(number)
    if (sensor !== undefined) known.push(sensor)
  }
  return known
}

export function adoptedSensors({ sensors }: Pick<PendingBatch, 'sensors'>, gateway: AdoptedGateway): SensorsOfBatch {
  return new Map(sensors.map((sensor) => [sensor.number, gateway.find(sensor)]))
}
