// What one query sees: the segments and the journal's uncompacted parts as they were when it began. Segments are immutable
// and are not deleted while a query that saw them runs, so a query may be interrupted at any place.

import type { RecordBatch } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { BlockCodec } from './block-codec.ts'
import { ChunkCodec } from './chunk-codec.ts'
import type { Part, Recent } from './recent.ts'
import { type Rollup } from './rollup.ts'
import { RollupCodec } from './rollup-codec.ts'
import { Series } from './series.ts'
import type { Segment } from './segments.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

export interface QueryViewOptions {
  readonly tables: StoreTables
  readonly recent: Recent
  readonly codec: BlockCodec
  /** A block or chunk that cannot be read is left out, and told. */
  readonly onDamage: (what: string, error: unknown) => void
}

export class QueryView {
  readonly tables: StoreTables
  readonly segments: readonly Segment[]
  readonly parts: readonly Part[]
  readonly #options: QueryViewOptions
  readonly #chunks = new ChunkCodec()
  readonly #rollups = new RollupCodec()
  readonly #number: number

  constructor(options: QueryViewOptions) {
    this.#options = options
    this.tables = options.tables
    this.segments = options.tables.segments.live
    this.parts = [...options.recent.parts]
    this.#number = options.tables.segments.beginQuery()
  }

  /** Must be called when the query ends, however it ends. */
  close(): void {
    this.tables.segments.endQuery(this.#number)
  }

  /** Readings of a sensor in a raw segment, ordered; null when there is none. */
  series(segment: Segment, sensor: SensorNumber): Series | null {
    const { seriesCache } = this.tables
    const cached = seriesCache.get(segment.id, sensor)
    if (cached) return cached
    const series = this.#read(segment, sensor, (frame) => this.#chunks.decode(frame))
    if (series) seriesCache.put(segment.id, sensor, series)
    return series
  }

  /** Aggregates of a sensor in a minute or hour segment, ordered; null when there is none. */
  rollup(segment: Segment, sensor: SensorNumber): Rollup | null {
    return this.#read(segment, sensor, (frame) => this.#rollups.decode(frame))
  }

  /** Readings of a sensor in a part, with time in [from, to), in order of arrival. */
  partSeries(part: Part, sensor: SensorNumber, from: number, to: number): Series {
    const series = new Series(16)
    const batch = part.batch ?? this.#block(part)
    if (!batch) return series
    const words = new Uint32Array(batch.value.buffer, batch.value.byteOffset, batch.value.length * 2)
    const { sensor: sensors, sourceTime, receivedAt, length } = batch
    for (let row = 0; row < length; row++) {
      if (sensors[row] !== sensor) continue
      const source = sourceTime[row]!
      const time = source === source ? source : receivedAt[row]!
      if (time >= from && time < to) series.push(batch, row, words)
    }
    return series
  }

  #read<T>(segment: Segment, sensor: SensorNumber, decode: (frame: Uint8Array) => T): T | null {
    try {
      const frame = this.tables.segments.chunk(segment.id, sensor)
      return frame && decode(frame)
    } catch (error) {
      this.#options.onDamage(`chunk ${segment.id}/${sensor}`, error)
      return null
    }
  }

  #block(part: Part): RecordBatch | null {
    try {
      const batch = this.#options.codec.decode(this.tables.journal.data(part.block!))
      this.#options.recent.keepDecoded(part, batch)
      return batch
    } catch (error) {
      this.#options.onDamage(`block ${part.block}`, error)
      return null
    }
  }
}

/** Runs a query and closes its view, however it ends. */
export function* closing<T>(view: QueryView, run: (view: QueryView) => Steps<T>): Steps<T> {
  try {
    return yield* run(view)
  } finally {
    view.close()
  }
}
