// What has arrived upstream, from the receiver's file.

import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface Received {
  /** Readings that are not bad. */
  readonly readings: number
  readonly bad: number
  /** Lines whose position has come before. */
  readonly repeated: number
}

export async function countReceived(file: string): Promise<Received> {
  const positions = new Set<string>()
  let lines = 0
  let bad = 0
  if (!existsSync(file)) return { readings: 0, bad, repeated: 0 }
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const record = JSON.parse(line) as { kind?: string; id?: string; q?: string }
    if (record.id === undefined || record.kind !== undefined) continue // ends a batch, or is an alarm or event
    lines += 1
    if (record.q === 'bad') bad += 1
    positions.add(record.id)
  }
  return { readings: lines - bad, bad, repeated: lines - positions.size }
}
