// The deliveries of one leased batch: all wanted rows in one with `inOrder`; in the lanes of `liveFirst` the alarms first,
// then the events, then the readings.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { Delivery, Lane } from '#domain/uplink.ts'
import type { Selection } from './row-filter.ts'

export function deliveriesOf(batch: RecordBatch, selection: Selection, lane: Lane, historical: boolean): Delivery[] {
  const { rows, rowCount } = selection
  if (rowCount === 0) return []
  if (lane === 'inOrder' || batch.texts.size === 0) return [{ lane, historical, batch, rows, rowCount }]
  const alarms: number[] = []
  const events: number[] = []
  const readings: number[] = []
  for (const row of rows.subarray(0, rowCount))
    if (batch.sensor[row] !== ENTRY) readings.push(row)
    else if (isAlarm(batch.texts.get(row)!)) alarms.push(row)
    else events.push(row)
  return [alarms, events, readings]
    .filter((some) => some.length > 0)
    .map((some) => ({ lane, historical, batch, rows: Uint32Array.from(some), rowCount: some.length }))
}

/** The row filter wants only entries that parse. */
function isAlarm(json: string): boolean {
  return (JSON.parse(json) as { readonly kind?: unknown }).kind === 'alarm'
}
