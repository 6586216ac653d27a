// What an export is made of, whatever its format: sensors, batches of readings or buckets, an output that takes bytes.

import type { Bucket } from '#domain/history.ts'
import type { StoredSensor } from './export-reader.ts'
import type { Series } from './series.ts'

export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** Where an export goes. `write` resolves when more may be written; it may keep `chunk` until then only. */
export interface ExportOutput {
  write(chunk: Uint8Array | string): Promise<void>
}

export interface ExportedSensor extends StoredSensor {
  /** Engineering unit; empty when none is known. */
  readonly unit: string
}

/** Writes one export, either readings or buckets, sensor after sensor. */
export interface ExportWriter {
  begin(): Promise<void>
  readings(sensor: ExportedSensor, batch: Series): Promise<void>
  buckets(sensor: ExportedSensor, buckets: readonly Bucket[]): Promise<void>
  end(): Promise<void>
}

const PAD = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`)

/** Unix milliseconds as ISO 8601 in UTC; fast when neighbours lie within the same second. */
export class IsoTimes {
  #second = Number.NaN
  #prefix = ''

  of(time: number): string {
    const ms = Math.floor(time)
    const second = Math.floor(ms / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#prefix = new Date(second * 1000).toISOString().slice(0, -4)
    }
    return this.#prefix + PAD[ms - second * 1000]!
  }
}
