// What a delivery says of the positions between its records, so that a receiver can remember ranges instead of positions.

import { ENTRY } from '#domain/reading.ts'
import type { Delivery } from '#domain/uplink.ts'
import type { Coverage } from '#rpc/batch-encoder.ts'

/**
 * A delivery with readings has every reading of its batch that will come. Of alarms and events it has all (`inOrder`) or none
 * (they are deliveries of their own, and may have been refused): those that are not in it stay open. null: it has no readings.
 */
export function coverageOf({ batch, rowCount, rows }: Delivery): Coverage | null {
  let hasReadings = false
  const openSeqs: number[] = []
  let index = 0
  let end = batch.length - 1
  for (let row = 0; row < batch.length; row++) {
    const isIn = index < rowCount && rows[index] === row
    if (isIn) index += 1
    if (batch.sensor[row] !== ENTRY) hasReadings ||= isIn
    else if (!isIn) openSeqs.push(batch.firstSeq + row)
  }
  if (!hasReadings) return null
  // The batch must not end on the position of another delivery: acknowledgements name ends.
  while (openSeqs.at(-1) === batch.firstSeq + end) {
    openSeqs.pop()
    end -= 1
  }
  return { firstSeq: batch.firstSeq, lastSeq: batch.firstSeq + end, openSeqs }
}
