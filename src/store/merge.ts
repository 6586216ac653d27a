// Merging segments, as in a log-structured merge tree: sixteen of one level become one of the next, so that chunks grow
// long (better compression, fewer look-ups) while each reading is rewritten only twice. Minute segments that are merged
// for the first time also give an hour segment.

import { ChunkCodec } from './chunk-codec.ts'
import { HOUR_MS, mergeRollups, MINUTE_MS, type Rollup } from './rollup.ts'
import { RollupCodec } from './rollup-codec.ts'
import { Series } from './series.ts'
import type { Segment, SegmentKind } from './segments.ts'
import { Staging, type SegmentBuilder } from './staging.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

const FAN_IN = 16
/** Highest level of each kind: a raw segment then holds about a day, so that retention can drop it whole. */
const TOP_LEVEL: Readonly<Record<SegmentKind, number>> = { raw: 2, minute: 3, hour: 3 }

/** The oldest sixteen neighbours of one kind and level; null when no level is full. */
export function mergeCandidates(live: readonly Segment[]): readonly Segment[] | null {
  for (const kind of ['raw', 'minute', 'hour'] as const) {
    for (let level = 0; level < TOP_LEVEL[kind]; level++) {
      const full = live.filter((segment) => segment.kind === kind && segment.level === level)
      if (full.length >= FAN_IN) return full.slice(0, FAN_IN)
    }
  }
  return null
}

/** Merges segments of one kind and level, given in order of arrival. Answers the bytes written. */
export function* mergeSegments(sources: readonly Segment[], tables: StoreTables): Steps<number> {
  const { kind, level, epoch, seq } = sources[0]!
  const staging = new Staging(tables)
  try {
    const merged = staging.build({ kind, level: level + 1, epoch, seq })
    const hours = kind === 'minute' && level === 0 ? staging.build({ kind: 'hour', level: 0, epoch, seq }) : null
    const mergeOne = kind === 'raw' ? rawMerger(staging, merged) : rollupMerger(staging, merged, hours, kind)
    const holders = yield* sensorsOf(sources, tables)
    for (const [sensor, segments] of holders) {
      const frames = segments.map((id) => tables.segments.chunk(id, sensor)).filter((frame) => frame !== null)
      if (frames.length > 0) mergeOne(sensor, frames, tables.sensors.isInteger(sensor))
      yield
      if (!staging.isWorthWriting) continue
      staging.write()
      yield
    }
    yield* staging.writeLater()
    staging.publish(sources)
  } catch (error) {
    staging.abandon()
    throw error
  }
  return staging.writtenBytes
}

/** Segments that hold a chunk of each sensor, ascending by sensor, each list in order of arrival. */
function* sensorsOf(sources: readonly Segment[], tables: StoreTables): Steps<[number, number[]][]> {
  const holders = new Map<number, number[]>()
  for (const { id } of sources) {
    for (const sensor of tables.segments.sensors(id)) {
      const list = holders.get(sensor)
      if (list) list.push(id)
      else holders.set(sensor, [id])
    }
    yield
  }
  return [...holders].sort((a, b) => a[0] - b[0])
}

type MergeOne = (sensor: number, frames: readonly Uint8Array[], isInteger: boolean) => void

function rawMerger(staging: Staging, merged: SegmentBuilder): MergeOne {
  const codec = new ChunkCodec()
  return (sensor, frames, isInteger) => {
    const all = new Series()
    for (const frame of frames) all.append(codec.decode(frame))
    const series = all.ordered()
    const data = codec.encode(series, isInteger)
    staging.put(merged, sensor, data)
    merged.count(series.length, series.timeAt(0), series.timeAt(series.length - 1), data.length)
  }
}

function rollupMerger(
  staging: Staging,
  merged: SegmentBuilder,
  hours: SegmentBuilder | null,
  kind: SegmentKind,
): MergeOne {
  const codec = new RollupCodec()
  const put = (builder: SegmentBuilder, sensor: number, parts: readonly Rollup[], widthMs: number): void => {
    const rollup = mergeRollups(parts, widthMs)
    const data = codec.encode(rollup, widthMs)
    staging.put(builder, sensor, data)
    builder.count(rollup.length, rollup.time[0]!, rollup.time[rollup.length - 1]! + widthMs - 1, data.length)
  }
  return (sensor, frames) => {
    const parts = frames.map((frame) => codec.decode(frame))
    put(merged, sensor, parts, kind === 'hour' ? HOUR_MS : MINUTE_MS)
    if (hours) put(hours, sensor, parts, HOUR_MS)
  }
}
