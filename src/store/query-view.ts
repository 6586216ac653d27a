// What one query sees: the segments and the journal's uncompacted parts as they were when it was asked. Both are immutable
// and are not deleted while a query that saw them runs, so a query may be interrupted at any place.

import type { RecordBatch } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { ChunkCodec } from './chunk-codec.ts'
import type { Part } from './recent.ts'
import { type Rollup } from './rollup.ts'
import { RollupCodec } from './rollup-codec.ts'
import { Series } from './series.ts'
import type { Segment } from './segments.ts'
import type { SeriesCache } from './series-cache.ts'
import type { SensorDictionary } from './small-tables.ts'

/** Where a query reads: the state that it sees, and the bytes behind it. */
export interface QueryViewOptions {
  readonly sensors: Pick<SensorDictionary, 'numbersOf' | 'valueType'>
  readonly segments: readonly Segment[]
  readonly parts: readonly Part[]
  /** The frame of a sensor's chunk; null when there is none. */
  readonly chunk: (segment: number, sensor: SensorNumber) => Uint8Array | null
  /** The records of a block. Throws STORE_CORRUPT. */
  readonly block: (block: number) => RecordBatch
  readonly seriesCache: SeriesCache
  /** A block or chunk that cannot be read is left out, and told. */
  readonly onDamage: (what: string, error: unknown) => void
}

export class QueryView {
  readonly #options: QueryViewOptions
  readonly #chunks = new ChunkCodec()
  readonly #rollups = new RollupCodec()

  constructor(options: QueryViewOptions) {
    this.#options = options
  }

  get sensors(): QueryViewOptions['sensors'] {
    return this.#options.sensors
  }

  get segments(): readonly Segment[] {
    return this.#options.segments
  }

  get parts(): readonly Part[] {
    return this.#options.parts
  }

  /** Readings of a sensor in a raw segment, ordered; null when there is none. */
  series(segment: Segment, sensor: SensorNumber): Series | null {
    const { seriesCache } = this.#options
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
      const frame = this.#options.chunk(segment.id, sensor)
      return frame && decode(frame)
    } catch (error) {
      this.#options.onDamage(`chunk ${segment.id}/${sensor}`, error)
      return null
    }
  }

  #block(part: Part): RecordBatch | null {
    try {
      return this.#options.block(part.block!)
    } catch (error) {
      this.#options.onDamage(`block ${part.block}`, error)
      return null
    }
  }
}
