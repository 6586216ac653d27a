// Builds segments over several small transactions: chunks collect in memory, and are written when they are worth a
// transaction. Nothing of it is visible until `publish`.

import type { SensorNumber } from '#domain/sensor.ts'
import type { Segment, SegmentKind } from './segments.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

const STAGED_BYTES = 256 * 1024 // one transaction of this size takes a few milliseconds
const STAGED_CHUNKS = 400
const LATER_BYTES = 8 * 1024 * 1024 // beyond, memory is dearer than the pages that writing out of order splits

/** Where a segment stands in the order of arrival, and how far it was merged. */
export interface SegmentPlace {
  readonly kind: SegmentKind
  readonly level: number
  readonly epoch: number
  readonly seq: number
}

/** A segment that is being built. */
export class SegmentBuilder {
  readonly id: number
  readonly #place: SegmentPlace
  #firstTime = Number.POSITIVE_INFINITY
  #lastTime = Number.NEGATIVE_INFINITY
  #readings = 0
  #bytes = 0

  constructor(id: number, place: SegmentPlace) {
    this.id = id
    this.#place = place
  }

  count(readings: number, firstTime: number, lastTime: number, bytes: number): void {
    this.#readings += readings
    this.#bytes += bytes
    this.#firstTime = Math.min(this.#firstTime, firstTime)
    this.#lastTime = Math.max(this.#lastTime, lastTime)
  }

  /** null when nothing was put into it. */
  finish(): Segment | null {
    if (this.#bytes === 0) return null
    return {
      ...this.#place,
      id: this.id,
      first_time: this.#firstTime,
      last_time: this.#lastTime,
      readings: this.#readings,
      bytes: this.#bytes,
    }
  }
}

interface StagedChunk {
  readonly segment: number
  readonly sensor: SensorNumber
  readonly data: Uint8Array
}

export class Staging {
  readonly #tables: StoreTables
  readonly #builders: SegmentBuilder[] = []
  /** Of the first builder: written whenever they are worth it. */
  #staged: StagedChunk[] = []
  /** Of the other builders, far smaller: written after the first one's last, so that SQLite only ever appends. */
  #later: StagedChunk[] = []
  #bytes = 0
  #laterBytes = 0
  /** Bytes of all chunks written. */
  writtenBytes = 0

  constructor(tables: StoreTables) {
    this.#tables = tables
  }

  build(place: SegmentPlace): SegmentBuilder {
    const builder = new SegmentBuilder(this.#tables.segments.build(), place)
    this.#builders.push(builder)
    return builder
  }

  put(builder: SegmentBuilder, sensor: SensorNumber, data: Uint8Array): void {
    const isFirst = builder === this.#builders[0]
    const list = isFirst ? this.#staged : this.#later
    list.push({ segment: builder.id, sensor, data })
    if (isFirst) this.#bytes += data.length
    else this.#laterBytes += data.length
    this.writtenBytes += data.length
  }

  get isWorthWriting(): boolean {
    return this.#bytes >= STAGED_BYTES || this.#staged.length >= STAGED_CHUNKS || this.#laterBytes >= LATER_BYTES
  }

  write(): void {
    this.#put(this.#staged)
    this.#staged = []
    this.#bytes = 0
    if (this.#laterBytes < LATER_BYTES) return
    this.#put(this.#later)
    this.#later = []
    this.#laterBytes = 0
  }

  /** Writes what waited for the first builder's end, in several transactions. */
  *writeLater(): Steps<void> {
    this.write()
    this.#later.sort((a, b) => a.segment - b.segment || a.sensor - b.sensor)
    while (this.#later.length > STAGED_CHUNKS) {
      yield
      this.#put(this.#later.splice(0, STAGED_CHUNKS))
    }
    yield
  }

  #put(chunks: readonly StagedChunk[]): void {
    const { db, segments } = this.#tables
    db.pragma('synchronous = NORMAL')
    db.transaction(() => {
      for (const { segment, sensor, data } of chunks) segments.put(segment, sensor, data)
    })()
  }

  /** Makes all of it visible and retires `replaced`; `alongside` runs in the same transaction. */
  publish(replaced: readonly Segment[], alongside?: () => void): void {
    this.#put([...this.#staged, ...this.#later])
    const { db, segments } = this.#tables
    const added = this.#builders.map((builder) => builder.finish()).filter((segment) => segment !== null)
    db.transaction(() => {
      segments.publish(added, replaced)
      alongside?.()
    })()
    segments.confirm(added, replaced)
    const used = new Set(added.map(({ id }) => id))
    for (const { id } of this.#builders) if (!used.has(id)) segments.abandon(id)
  }

  /** Gives up what was built so far. */
  abandon(): void {
    for (const { id } of this.#builders) this.#tables.segments.abandon(id)
  }
}
