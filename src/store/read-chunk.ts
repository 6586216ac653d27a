// Reading chunks for work in the background. One whose bytes have changed on the disk is left out of what is written anew, and
// told: it could not be read later either, and must not hold up what the work is for.

import type { SensorNumber } from '#domain/sensor.ts'
import type { StoreTables } from './tables.ts'

/** What could not be read, for the log. */
export type OnDamage = (what: string, error: unknown) => void

export interface ReadChunk<T> {
  readonly frame: Uint8Array
  readonly content: T
}

/** null when there is no such chunk, or none that can be read. Throws what SQLite throws. */
export function readChunk<T>(
  { segments }: StoreTables,
  { segment, sensor }: { readonly segment: number; readonly sensor: SensorNumber },
  decode: (frame: Uint8Array) => T,
  onDamage: OnDamage,
): ReadChunk<T> | null {
  const frame = segments.chunk(segment, sensor)
  if (frame === null) return null
  try {
    return { frame, content: decode(frame) }
  } catch (error) {
    onDamage(`chunk ${segment}/${sensor}`, error)
    return null
  }
}
