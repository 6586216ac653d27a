// The records of a batch that are refused without asking the database: the sender hears of these at once.

import { refusalOf } from '#receiver/record-lines.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { BatchEnvelope, Refusal } from '../ingest-ports.ts'

export function refusals(batch: ReceivedBatch, { sensors }: BatchEnvelope): Refusal[] {
  const refused: Refusal[] = []
  for (let row = 0; row < batch.length; row++) {
    const reason = refusalOf(batch, row, sensors.get(batch.sensor[row]!))
    if (reason !== null) refused.push({ seq: batch.seq[row]!, reason })
  }
  return refused
}
