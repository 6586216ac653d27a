// Merging segments, as in a log-structured merge tree: sixteen of one level become one of the next, so that chunks grow
// long (better compression, fewer look-ups) while each reading is rewritten only twice. Minute segments that are merged
// for the first time also give an hour segment.

import { ChunkCodec } from './chunk-codec.ts'
import { readChunk, type OnDamage, type ReadChunk } from './read-chunk.ts'
import { HOUR_MS, mergeRollups, MINUTE_MS, type Rollup } from './rollup.ts'
import { RollupCodec } from './rollup-codec.ts'
import { Series } from './series.ts'
import type { Segment, SegmentKind } from './segments.ts'
import { Staging, type SegmentBuilder, type SegmentPlace } from './staging.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

const FAN_IN = 16
/** Readings in a merged chunk, at most, unless one of the chunks that it is made of has more: 28 bytes each while merging. */
const MAX_CHUNK_READINGS = 262_144
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
export function* mergeSegments(
  sources: readonly Segment[],
  { tables, onDamage }: { readonly tables: StoreTables; readonly onDamage: OnDamage },
): Steps<number> {
  const { kind, level, epoch, seq } = sources[0]!
  const staging = new Staging(tables)
  try {
    const place = { kind, level: level + 1, epoch, seq }
    const merged = staging.build(place)
    const hours = kind === 'minute' && level === 0 ? staging.build({ kind: 'hour', level: 0, epoch, seq }) : null
    const mergeOne = kind === 'raw' ? rawMerger(staging, [merged], place) : rollupMerger(staging, merged, hours, kind)
    const holders = yield* sensorsOf(sources, tables)
    for (const [sensor, segments] of holders) {
      const read: ReadChunks = (decode) => chunksOf(sensor, segments, { tables, decode, onDamage })
      yield* mergeOne(sensor, read, tables.sensors.isInteger(sensor))
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

/** Chunks of one sensor, read when they are asked for. */
function* chunksOf<T>(
  sensor: number,
  segments: readonly number[],
  options: {
    readonly tables: StoreTables
    readonly decode: (frame: Uint8Array) => T
    readonly onDamage: OnDamage
  },
): Generator<ReadChunk<T>, void, void> {
  const { tables, decode, onDamage } = options
  for (const segment of segments) {
    const chunk = readChunk(tables, { segment, sensor }, decode, onDamage)
    if (chunk) yield chunk
  }
}

type ReadChunks = <T>(decode: (frame: Uint8Array) => T) => Iterable<ReadChunk<T>>
type MergeOne = (sensor: number, read: ReadChunks, isInteger: boolean) => Steps<void>

/**
 * Joins the chunks of a sensor in order of arrival, as many as fit into one; what is more goes into further segments of the
 * same place (their ids grow, which keeps the order of arrival), so that a very fast sensor never fills the memory.
 */
function rawMerger(staging: Staging, merged: SegmentBuilder[], place: SegmentPlace): MergeOne {
  const codec = new ChunkCodec()
  return function* mergeRaw(sensor, read, isInteger) {
    let all = new Series()
    let only: Uint8Array | null = null
    let layer = 0
    const put = (): void => {
      const builder = (merged[layer++] ??= staging.build(place))
      const series = all.ordered()
      const data = only ?? codec.encode(series, isInteger)
      staging.put(builder, sensor, data)
      builder.count(series.length, series.timeAt(0), series.timeAt(series.length - 1), data.length)
    }
    for (const { frame, content: next } of read((bytes) => codec.decode(bytes))) {
      if (all.length > 0 && all.length + next.length > MAX_CHUNK_READINGS) {
        put()
        all = new Series()
        if (staging.isWorthWriting) staging.write()
        yield
      }
      only = all.length === 0 ? frame : null // nothing to join it with: it stays as it is
      if (only) all = next
      else all.append(next)
    }
    if (all.length > 0) put()
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
  return function* mergeRollup(sensor, read) {
    const parts: Rollup[] = []
    for (const { content } of read((bytes) => codec.decode(bytes))) {
      parts.push(content)
      yield
    }
    if (parts.length === 0) return
    put(merged, sensor, parts, kind === 'hour' ? HOUR_MS : MINUTE_MS)
    if (hours) put(hours, sensor, parts, HOUR_MS)
  }
}
