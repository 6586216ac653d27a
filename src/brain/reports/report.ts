// A report over a range: each sensor's figures and what the adaptive detector found unusual, as Markdown.

import { aggregate, percentiles } from '../analytics/describe.ts'
import type { KeyedColumns } from '../analytics/analyze-window.ts'
import type { Detection } from '../analytics/detect.ts'

export interface ReportAsk {
  readonly title: string
  readonly from: number
  readonly to: number
}

export interface ReportSensor {
  readonly columns: KeyedColumns
  readonly detection: Detection
}

const SHOWN_DIGITS = 5
const MAX_SHOWN_ANOMALIES = 50

export function reportText({ from, title, to }: ReportAsk, sensors: readonly ReportSensor[]): string {
  const known = sensors.filter(({ columns }) => columns.times.length > 0)
  const lines = [
    `# ${plain(title)}`,
    '',
    `From ${timeText(from)} to ${timeText(to)}: ${known.length} of ${sensors.length} sensors have readings.`,
    '',
    '| gateway | sensor | readings | min | mean | max | standard deviation | 5 % | median | 95 % | anomalies |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...known.map(figuresLine),
    '',
    '## Unusual',
    '',
    ...anomalyLines(known),
  ]
  return `${lines.join('\n')}\n`
}

function figuresLine({ columns, detection }: ReportSensor): string {
  const figures = aggregate(columns.values)!
  const [low, median, high] = percentiles(columns.values, [5, 50, 95])
  const { count, max, mean, min, standardDeviation } = figures
  const numbers = [min, mean, max, standardDeviation, low!, median!, high!].map(numberText)
  const cells = [plain(columns.gateway), plain(columns.sensor), count, ...numbers, detection.anomalies.length]
  return `| ${cells.join(' | ')} |`
}

function anomalyLines(sensors: readonly ReportSensor[]): string[] {
  const all = sensors.flatMap(({ columns, detection }) =>
    detection.anomalies.map(({ at, message, score }) => ({ columns, time: columns.times[at]!, message, score })),
  )
  if (all.length === 0) return ['Nothing.']
  const shown = all.toSorted((a, b) => b.score - a.score).slice(0, MAX_SHOWN_ANOMALIES)
  shown.sort((a, b) => a.time - b.time)
  const more = all.length - shown.length
  return [
    ...shown.map(
      ({ columns, message, score, time }) =>
        `- ${timeText(time)} ${plain(columns.sensor)} (${plain(columns.gateway)}), score ${score.toFixed(2)}: ${plain(message)}`,
    ),
    ...(more > 0 ? [`- and ${more} with lower scores.`] : []),
  ]
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(SHOWN_DIGITS)))
}

function timeText(time: number): string {
  return new Date(time).toISOString()
}

/** What Markdown would take for its own. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, String.raw`\$&`).replace(/[\r\n]+/g, ' ')
}
