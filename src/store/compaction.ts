// From the journal into the history: the readings of some blocks, ordered by sensor and time, as one raw segment and its
// minute rollups. Runs in slices; queries see either the blocks or the segments.

import type { RecordBatch } from '#domain/reading.ts'
import type { BlockCodec } from './block-codec.ts'
import { ChunkCodec } from './chunk-codec.ts'
import { numericValues } from './numeric-values.ts'
import type { Part, Recent } from './recent.ts'
import { HOUR_MS, mergeRollups, MINUTE_MS, type Rollup, rollupOf } from './rollup.ts'
import { RollupCodec } from './rollup-codec.ts'
import type { Series } from './series.ts'
import { ReadingCounts, SortedReadings } from './sorted-readings.ts'
import { Staging, type SegmentBuilder } from './staging.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

// A backlog or slow sensors: such a segment gets its hours at once, and its minutes count as merged (level 1).
const LONG_SPAN_MS = 6 * HOUR_MS

export interface CompactionOptions {
  readonly tables: StoreTables
  readonly recent: Recent
  readonly codec: BlockCodec
  /** A block that cannot be read is left out, and told. */
  readonly onDamage: (block: number, error: unknown) => void
}

/** Compacts committed parts, the oldest ones. Answers the bytes written. */
export function* compact(parts: readonly Part[], options: CompactionOptions): Steps<number> {
  const { tables, recent } = options
  const first = parts[0]!
  const end = parts.at(-1)!.block! + 1
  const sorted = yield* sortBySensor(parts, options)
  const staging = new Staging(tables)
  try {
    const place = { level: 0, epoch: first.epoch, seq: first.firstSeq }
    const raw = staging.build({ kind: 'raw', ...place })
    const isLong = spanMs(parts) >= LONG_SPAN_MS
    const minutes = staging.build({ kind: 'minute', ...place, level: isLong ? 1 : 0 })
    const hours = isLong ? staging.build({ kind: 'hour', ...place }) : null
    const chunks = new ChunkCodec()
    const rollups = new RollupCodec()
    for (const sensor of sorted.sensors()) {
      const series = sorted.series(sensor).ordered()
      const data = chunks.encode(series, tables.sensors.isInteger(sensor))
      staging.put(raw, sensor, data)
      raw.count(series.length, series.timeAt(0), series.timeAt(series.length - 1), data.length)
      putRollups(staging, { minutes, hours }, { sensor, series, rollups, tables })
      yield
      if (!staging.isWorthWriting) continue
      staging.write()
      yield
    }
    yield* staging.writeLater()
    staging.publish([], () => tables.meta.set('compacted', end))
  } catch (error) {
    staging.abandon()
    throw error
  }
  recent.forgetBefore(end)
  return staging.writtenBytes
}

/** Earliest to latest reading. */
function spanMs(parts: readonly Part[]): number {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const part of parts) {
    first = Math.min(first, part.firstTime)
    last = Math.max(last, part.lastTime)
  }
  return last - first
}

interface RollupInput {
  readonly sensor: number
  readonly series: Series
  readonly rollups: RollupCodec
  readonly tables: StoreTables
}

/** Adds the minutes, and where asked the hours, of an ordered series. */
export function putRollups(
  staging: Staging,
  { minutes, hours }: { minutes: SegmentBuilder; hours: SegmentBuilder | null },
  { sensor, series, rollups, tables }: RollupInput,
): void {
  const values = numericValues(series, tables.sensors.valueType(sensor))
  if (!values) return
  const put = (builder: SegmentBuilder, rollup: Rollup, widthMs: number): void => {
    const data = rollups.encode(rollup, widthMs)
    staging.put(builder, sensor, data)
    builder.count(rollup.length, rollup.time[0]!, rollup.time[rollup.length - 1]! + widthMs - 1, data.length)
  }
  const rollup = rollupOf(series, values, MINUTE_MS)
  if (rollup.length === 0) return
  put(minutes, rollup, MINUTE_MS)
  if (hours) put(hours, mergeRollups([rollup], HOUR_MS), HOUR_MS)
}

/** Reads each part twice, to count and to sort: decoding is cheap, keeping all of it decoded is not. */
function* sortBySensor(parts: readonly Part[], options: CompactionOptions): Steps<SortedReadings> {
  const counts = new ReadingCounts()
  const unreadable = new Set<Part>()
  for (const part of parts) {
    const batch = part.batch ?? readBlock(part, options)
    if (batch) counts.add(batch)
    else unreadable.add(part)
    yield
  }
  const sorted = new SortedReadings(counts)
  for (const part of parts) {
    const batch = unreadable.has(part) ? null : (part.batch ?? readBlock(part, options))
    if (batch) sorted.add(batch)
    yield
  }
  return sorted
}

function readBlock(part: Part, { tables, codec, onDamage }: CompactionOptions): RecordBatch | null {
  try {
    return codec.decode(tables.journal.data(part.block!))
  } catch (error) {
    onDamage(part.block!, error)
    return null
  }
}
