// ExportReadings: stored readings or their aggregates as CSV or Parquet, sensor after sensor, in pieces as they are made.

import { create } from '@bufbuild/protobuf'
import type { ServerWritableStream } from '@grpc/grpc-js'
import {
  ExportFormat,
  ExportReadingsResponseSchema,
  type ExportReadingsRequest,
  type ExportReadingsResponse,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { checkSignal, writePaced } from '../analytics/calls.ts'
import type { AnalyticsParts } from '../analytics/parts.ts'
import { FieldReader } from '../analytics/read-fields.ts'
import type { SensorMatcher } from '../rules/sensor-glob.ts'
import { matchingSensors } from '../analytics/stored-range.ts'
import { bucketRows, readingRows, type ExportSink, type ExportWriter, type Row } from './export-rows.ts'
import { CsvWriter } from './csv-writer.ts'
import { ParquetRows } from './parquet-writer.ts'

/** A client takes messages of 4 MiB by default. */
const PIECE_BYTES = 1024 * 1024
const MAX_BUCKETS = 10_000_000
/** Rows between two looks at whether the caller is still there, and a turn for other calls. */
const ROWS_A_TURN = 5000

export async function exportReadings(
  parts: Pick<AnalyticsParts, 'history'>,
  tenant: string,
  call: ServerWritableStream<ExportReadingsRequest, ExportReadingsResponse>,
  signal: AbortSignal,
): Promise<void> {
  const ask = readRequest(call.request)
  const sink: ExportSink = {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const content = bytes.slice(at, at + PIECE_BYTES)
        await writePaced(call, create(ExportReadingsResponseSchema, { content }), signal)
      }
    },
  }
  await writeExport(parts, { ...ask, tenant }, { sink, signal })
}

export interface ExportAsk {
  readonly tenant: string
  readonly gateway: string
  readonly patterns: readonly SensorMatcher[]
  readonly from: number
  readonly to: number
  /** Length of the buckets; null: readings as they are. */
  readonly everyMs: number | null
  readonly format: 'csv' | 'parquet'
}

/** Memory: the readings of one sensor, and one row group. Throws NOT_FOUND, ABORTED, and what the sink throws. */
export async function writeExport(
  { history }: Pick<AnalyticsParts, 'history'>,
  ask: ExportAsk,
  { signal, sink }: { sink: ExportSink; signal: AbortSignal },
): Promise<void> {
  const { everyMs, format, from, to } = ask
  const sensors = await matchingSensors(history, ask)
  const kind = everyMs === null ? 'readings' : 'buckets'
  const writer: ExportWriter = format === 'csv' ? new CsvWriter(sink, kind) : new ParquetRows(sink, kind)
  let untilTurn = ROWS_A_TURN
  for (const key of sensors) {
    checkSignal(signal)
    const columns = await history.read(key, from, to)
    const rows: Iterable<Row> =
      everyMs === null ? readingRows(key, columns) : bucketRows(key, columns, { from, everyMs })
    for (const row of rows) {
      await writer.row(row)
      untilTurn -= 1
      if (untilTurn > 0) continue
      untilTurn = ROWS_A_TURN
      await new Promise<void>((resolve) => setImmediate(resolve))
      checkSignal(signal)
    }
  }
  await writer.end()
}

function readRequest(request: ExportReadingsRequest): Omit<ExportAsk, 'tenant'> {
  const reader = new FieldReader()
  const patterns = reader.patterns('sensors', request.sensors)
  const { from, to } = reader.range(request.from, request.to)
  const everyMs = reader.duration('every', request.every)
  if (everyMs !== null && (to - from) / everyMs > MAX_BUCKETS)
    reader.refuse('every', `divides the range into more than ${MAX_BUCKETS}`)
  const { format, gateway } = request
  if (format !== ExportFormat.CSV && format !== ExportFormat.PARQUET) reader.refuse('format', 'must be CSV or PARQUET')
  reader.done()
  return { patterns, from, to, everyMs, gateway, format: format === ExportFormat.CSV ? 'csv' : 'parquet' }
}
