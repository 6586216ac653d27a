// A dead letter as the batch of one record that it was.

import type { KeptLetter } from '#domain/dead-letter.ts'
import { MutableRecordBatch } from './record-batch.ts'

export function letterBatch(letter: KeptLetter): MutableRecordBatch {
  const batch = new MutableRecordBatch(letter.epoch, letter.seq, 1)
  batch.length = 1
  batch.sensor[0] = letter.sensor
  batch.status[0] = letter.status
  batch.sourceTime[0] = letter.sourceTime ?? Number.NaN
  batch.receivedAt[0] = letter.receivedAt
  batch.bits[0] = letter.bits
  if (letter.text !== null) batch.texts.set(0, letter.text)
  return batch
}
