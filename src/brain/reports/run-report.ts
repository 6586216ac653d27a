// Makes a report from the history: RunReport, and what the schedule runs.

import type { AnalyticsParts } from '../analytics/parts.ts'
import { checkSignal } from '../analytics/calls.ts'
import { FieldReader } from '../analytics/read-fields.ts'
import type { SensorMatcher } from '../rules/sensor-glob.ts'
import { readRange } from '../analytics/stored-range.ts'
import type { RunReportRequest } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { reportText, type ReportAsk, type ReportSensor } from './report.ts'

export interface ReportRange extends ReportAsk {
  readonly tenant: string
  readonly patterns: readonly SensorMatcher[]
}

const MAX_TITLE = 200
const DEFAULT_TITLE = 'Report'

export function readReportRequest(request: RunReportRequest, tenant: string): ReportRange {
  const reader = new FieldReader()
  const patterns = reader.patterns('sensors', request.sensors)
  const { from, to } = reader.range(request.from, request.to)
  const title = request.title === '' ? DEFAULT_TITLE : request.title
  if (title.length > MAX_TITLE) reader.refuse('title', `is longer than ${MAX_TITLE} characters`)
  reader.done()
  return { tenant, patterns, from, to, title }
}

/** Throws NOT_FOUND, RESOURCE_EXHAUSTED, ABORTED. */
export async function runReport(
  { history, pool }: Pick<AnalyticsParts, 'history' | 'pool'>,
  range: ReportRange,
  signal: AbortSignal,
): Promise<string> {
  const sensors: ReportSensor[] = []
  for (const columns of await readRange(history, { ...range, gateway: '' }, signal)) {
    checkSignal(signal)
    const series = [{ sensor: columns.sensor, times: columns.times, values: columns.values }]
    const detection = await pool.run('detect', { spec: { method: 'adaptive' }, series, withScores: false }, signal)
    sensors.push({ columns, detection })
  }
  return reportText(range, sensors)
}
