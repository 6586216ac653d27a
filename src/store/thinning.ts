// Thinning: when the disk budget is reached, raw readings lose fidelity before any are given up whole. Of each minute the
// first, the last, the least and the greatest stay, and every change of quality: a chart looks the same, and no peak is lost.
// Aggregates never come from thinned readings (query-buckets.ts): the minute rollups still count them all.

import type { ValueType } from '#domain/value.ts'
import { isBad } from '#domain/quality.ts'
import { ChunkCodec } from './chunk-codec.ts'
import { numericValues } from './numeric-values.ts'
import { readChunk, type OnDamage } from './read-chunk.ts'
import { MINUTE_MS } from './rollup.ts'
import { Series } from './series.ts'
import { THINNED_LEVEL, type Segment } from './segments.ts'
import { Staging } from './staging.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

export interface Thinned {
  readonly writtenBytes: number
  /** Readings that are gone. */
  readonly removed: number
}

/** Replaces a raw segment by a thinned one. */
export function* thinSegment(
  segment: Segment,
  { tables, onDamage }: { readonly tables: StoreTables; readonly onDamage: OnDamage },
): Steps<Thinned> {
  const { epoch, seq } = segment
  const staging = new Staging(tables)
  const codec = new ChunkCodec()
  let removed = 0
  try {
    const thinned = staging.build({ kind: 'raw', level: THINNED_LEVEL, epoch, seq })
    for (const sensor of tables.segments.sensors(segment.id)) {
      const chunk = readChunk(tables, { segment: segment.id, sensor }, (frame) => codec.decode(frame), onDamage)
      if (!chunk) continue
      const series = chunk.content
      const kept = thinSeries(series, tables.sensors.valueType(sensor))
      removed += series.length - kept.length
      const data = codec.encode(kept, tables.sensors.isInteger(sensor))
      staging.put(thinned, sensor, data)
      thinned.count(kept.length, kept.timeAt(0), kept.timeAt(kept.length - 1), data.length)
      yield
      if (!staging.isWorthWriting) continue
      staging.write()
      yield
    }
    yield* staging.writeLater()
    staging.publish([segment])
  } catch (error) {
    staging.abandon()
    throw error
  }
  return { writtenBytes: staging.writtenBytes, removed }
}

/** The readings of an ordered series that stay. */
export function thinSeries(series: Series, valueType: ValueType): Series {
  const values = numericValues(series, valueType)
  const stays = new Uint8Array(series.length)
  let start = 0
  while (start < series.length) {
    const cell = cellOf(series.timeAt(start))
    let end = start + 1
    while (end < series.length && cellOf(series.timeAt(end)) === cell) end += 1
    stays[start] = 1
    stays[end - 1] = 1
    if (values) markExtremes(series, values, { start, end, stays })
    start = end
  }
  for (let row = 1; row < series.length; row++) if (series.status[row] !== series.status[row - 1]) stays[row] = 1
  const kept = new Series(stays.reduce((sum, one) => sum + one, 0))
  for (let row = 0; row < series.length; row++) if (stays[row] === 1) kept.push(series, row, series.cells.words)
  return kept
}

const cellOf = (time: number): number => Math.floor(time / MINUTE_MS)

function markExtremes(
  series: Series,
  values: Float64Array,
  { start, end, stays }: { start: number; end: number; stays: Uint8Array },
): void {
  let least = -1
  let greatest = -1
  for (let row = start; row < end; row++) {
    const value = values[row]!
    if (value !== value || isBad(series.status[row]!)) continue
    if (least < 0 || value < values[least]!) least = row
    if (greatest < 0 || value > values[greatest]!) greatest = row
  }
  if (least < 0) return
  stays[least] = 1
  stays[greatest] = 1
}
