// Reads series in the folder structure of the Numenta Anomaly Benchmark: DIR/data/GROUP/FILE.csv with the columns
// timestamp,value, and labelled windows in DIR/windows.json or DIR/labels/combined_windows.json.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { LabelledWindow } from './score.ts'

export interface Series {
  /** GROUP/FILE.csv. */
  readonly file: string
  /** Unix milliseconds; the files know no zone, UTC is assumed. */
  readonly times: Float64Array
  readonly values: Float64Array
  /** Empty when there are no labels. */
  readonly windows: readonly LabelledWindow[]
}

const LABELS = ['windows.json', join('labels', 'combined_windows.json')]

export function readSeries(folder: string): Series[] {
  const labels = readLabels(folder)
  const data = join(folder, 'data')
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.csv'))
    .map((file) => file.split(sep).join('/'))
  // With labels, they say which files belong to the corpus.
  const chosen = labels === null ? files : files.filter((file) => labels[file] !== undefined)
  return chosen.toSorted().map((file) => readFile(join(data, file), file, labels?.[file] ?? []))
}

type Labels = Record<string, readonly (readonly [string, string])[]>

function readLabels(folder: string): Labels | null {
  const path = LABELS.map((name) => join(folder, name)).find((candidate) => existsSync(candidate))
  return path === undefined ? null : (JSON.parse(readFileSync(path, 'utf8')) as Labels)
}

function readFile(path: string, file: string, labels: readonly (readonly [string, string])[]): Series {
  const rows = readFileSync(path, 'utf8').trim().split(/\r?\n/).slice(1)
  const times = new Float64Array(rows.length)
  const values = new Float64Array(rows.length)
  rows.forEach((row, at) => {
    const [time = '', value = ''] = row.split(',')
    times[at] = timeOf(time)
    values[at] = Number(value)
  })
  const rowAt = (time: string): number => {
    const row = times.indexOf(timeOf(time))
    if (row < 0) throw new Error(`${file}: no row at ${time}, where a labelled window begins or ends`)
    return row
  }
  return { file, times, values, windows: labels.map(([from, to]) => ({ first: rowAt(from), last: rowAt(to) })) }
}

function timeOf(text: string): number {
  return Date.parse(`${text.trim().replace(' ', 'T')}Z`)
}
