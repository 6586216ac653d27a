// An export: which sensors, which times, from a data folder into one output, in bounded memory.

import { TelemetryError } from '#domain/errors.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'
import type { ExportedSensor, ExportFormat, ExportOutput, ExportWriter } from './export-format.ts'
import { ParquetExport } from './export-parquet.ts'
import type { HistoryReader, StoredSensor, TimeSpan } from './export-reader.ts'
import { CsvWriter, JsonLinesWriter } from './export-text.ts'

export interface ExportOptions {
  readonly reader: HistoryReader
  readonly sensors: readonly StoredSensor[]
  /** Engineering units by full sensor id. */
  readonly units: ReadonlyMap<string, string>
  readonly span: TimeSpan
  /** Width of a bucket in milliseconds; null: single readings. */
  readonly everyMs: number | null
  readonly format: ExportFormat
  readonly output: ExportOutput
  /** Program and version. */
  readonly createdBy: string
  /** Called after each batch. */
  readonly onProgress: (progress: ExportProgress) => void
}

export interface ExportProgress {
  /** Readings or buckets written. */
  readonly rows: number
  /** Number of the sensor under way, from 1, and of all. */
  readonly sensor: number
  readonly sensors: number
  /** Unix milliseconds: how far the sensor's readings are. */
  readonly time: number
}

export interface ExportSummary {
  readonly rows: number
  /** Ids of the sensors that had something in the range. */
  readonly sensors: readonly string[]
  /** What could not be read and was left out. */
  readonly damaged: readonly string[]
}

/**
 * The sensors that any of the patterns names, by id, then by age. `suggest` words a hint for a name that nothing has.
 * Throws NOT_FOUND for a pattern that matches nothing.
 */
export function selectSensors(
  known: readonly StoredSensor[],
  patterns: readonly string[],
  suggest: (name: string, ids: readonly string[]) => string,
): readonly StoredSensor[] {
  const chosen = new Set<StoredSensor>()
  for (const pattern of patterns) {
    const expression = sensorPattern(pattern)
    const matching = known.filter(({ id }) => expression.test(id))
    if (matching.length === 0) {
      const ids = [...new Set(known.map(({ id }) => id))]
      const hint = ids.length === 0 ? ': no sensor was ever stored' : suggest(pattern, ids)
      throw new TelemetryError('NOT_FOUND', `No stored sensor is called "${pattern}"${hint}`, { context: { pattern } })
    }
    for (const sensor of matching) chosen.add(sensor)
  }
  return [...chosen].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.number - b.number))
}

/** Writes everything; resolves when the output has it. Throws what the output throws, STORE_IO, STORE_CORRUPT. */
export async function exportHistory(options: ExportOptions): Promise<ExportSummary> {
  const { reader, sensors, units, everyMs, onProgress } = options
  const writer = writerOf(options)
  const written = new Set<string>()
  let rows = 0
  await writer.begin()
  const chosen = everyMs === null ? sensors : oncePerId(sensors)
  for (const [index, stored] of chosen.entries()) {
    const sensor = { ...stored, unit: units.get(stored.id) ?? '' }
    for await (const { count, time } of parts(options, writer, sensor)) {
      rows += count
      written.add(sensor.id)
      onProgress({ rows, sensor: index + 1, sensors: chosen.length, time })
    }
  }
  await writer.end()
  return { rows, sensors: [...written], damaged: reader.damaged }
}

async function* parts(
  { reader, span, everyMs }: ExportOptions,
  writer: ExportWriter,
  sensor: ExportedSensor,
): AsyncGenerator<{ count: number; time: number }> {
  if (everyMs === null) {
    for (const batch of reader.readings(sensor.number, span)) {
      await writer.readings(sensor, batch)
      yield { count: batch.length, time: batch.timeAt(batch.length - 1) }
    }
    return
  }
  for (const buckets of reader.buckets(sensor.id, span, everyMs)) {
    await writer.buckets(sensor, buckets)
    yield { count: buckets.length, time: buckets.at(-1)!.time }
  }
}

/** Buckets are of an id, over all the kinds of value that it had. */
function oncePerId(sensors: readonly StoredSensor[]): StoredSensor[] {
  return [...new Map(sensors.map((sensor) => [sensor.id, sensor])).values()]
}

function writerOf({ format, output, everyMs, createdBy }: ExportOptions): ExportWriter {
  const isBuckets = everyMs !== null
  switch (format) {
    case 'csv':
      return new CsvWriter(output, { isBuckets })
    case 'jsonl':
      return new JsonLinesWriter(output)
    case 'parquet':
      return new ParquetExport(output, { isBuckets, createdBy })
  }
}
