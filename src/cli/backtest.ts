// `telemetryx backtest`: runs the checks of a sensor over a CSV of its past, one row out for each row in, as it comes.

import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { loadGatewayConfig } from '#config/load.ts'
import { suggestion } from '#config/suggest.ts'
import type { Alarm } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import { configuredBacktest } from '#gateway/backtest.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { CONFIG_FILE_HELP, configFile, counted, problemLines } from './config-file.ts'
import { CsvLine } from './csv-line.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { standardOutput, type OutputTarget } from './output-file.ts'
import { grouped, progressLine } from './progress-line.ts'

interface BacktestCommandOptions {
  readonly config?: string
  readonly sensor: string
  readonly time?: string
  readonly value?: string
  readonly column?: readonly string[]
  readonly json?: true
}

const HELP = `
The input is CSV with a header. Times are ISO 8601 (UTC where no zone is written) or Unix seconds or milliseconds.
The output has the columns timestamp,value,anomaly_score,alarm: one row for each row of the input, timestamp and value as
they were; the score is in [0, 1], 0.5 at the limit of a check; alarm is 1 while an alarm is active, else 0.
Other sensors in the expressions of its checks are read from columns of their full ids, or named by --column; an empty
cell of theirs says that they had no new reading.

Example:
  telemetryx backtest -c config/gateway.yaml --sensor press-1.power < history.csv > scored.csv`

/** Rows are written together up to this many characters. */
const CHUNK = 64 * 1024

export function registerBacktest(program: Command): void {
  program
    .command('backtest')
    .summary("try a sensor's checks on a CSV of its past")
    .description('Reads readings as CSV from standard input and writes what the checks of a sensor say of each.')
    .option('-c, --config <file>', CONFIG_FILE_HELP)
    .requiredOption('--sensor <id>', 'full sensor id, whose checks are run')
    .option('--time <column>', 'column of the time; default: timestamp, else time, else the first one')
    .option('--value <column>', 'column of the value; default: value, else the sensor, else the second one')
    .option('--column <sensor=column...>', 'column of another sensor; default: the one of its full id')
    .option('--json', 'print the alarms and totals as JSON on standard error')
    .addHelpText('after', HELP)
    .action(runBacktest)
}

interface Totals {
  rows: number
  alarms: number
}

async function runBacktest(options: BacktestCommandOptions): Promise<void> {
  const file = configFile(options.config)
  const loaded = await loadGatewayConfig(file, {
    catalogue: createCatalogue({ clock: systemClock }),
    env: process.env,
  })
  if (!loaded.ok) {
    console.error(problemLines(loaded.problems, process.stderr))
    process.exitCode = EXIT_CONFIG
    return
  }
  const totals: Totals = { rows: 0, alarms: 0 }
  const backtest = configuredBacktest({
    config: loaded.config,
    sensor: options.sensor,
    suggest: (name, ids) => suggestion(name, ids, (id) => id),
    log: silentLogger,
    onAlarm: (alarm) => {
      if (alarm.active) totals.alarms += 1
      if (options.json) console.error(JSON.stringify(alarmLine(alarm)))
    },
  })
  const progress = progressLine()
  const output = standardOutput()
  const rows = new RowWriter(output)
  await rows.add('timestamp,value,anomaly_score,alarm\n')
  let columns: Columns | undefined
  const others = backtest.operands
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (columns === undefined) {
      if (line.trim() !== '') columns = columnsOf(line, options, others)
      continue
    }
    if (line.trim() === '') continue
    totals.rows += 1
    progress.show(() => `${grouped(totals.rows)} rows · ${counted(totals.alarms, 'alarm')}`)
    const cells = columns.csv.cells(line)
    const written = cells[columns.time] ?? ''
    const value = cells[columns.value] ?? ''
    const { score, alarm } = judge(backtest, columns, { cells, time: timeOf(written, totals.rows) })
    await rows.add(`${columns.csv.quoted(written)},${columns.csv.quoted(value)},${shortest(score)},${alarm ? 1 : 0}\n`)
  }
  progress.clear()
  if (columns === undefined) throw new TelemetryError('USAGE', 'Standard input is empty; it needs a header and rows')
  await rows.flush()
  if (options.json) console.error(JSON.stringify(totals))
  else console.error(`${counted(totals.rows, 'row')}, ${counted(totals.alarms, 'alarm')}`)
}

/** What the checks say of one row: of the other sensors in it first, then of the one on trial. */
function judge(
  backtest: ReturnType<typeof configuredBacktest>,
  columns: Columns,
  { cells, time }: { readonly cells: readonly string[]; readonly time: number },
): { readonly score: number; readonly alarm: boolean } {
  const value = cells[columns.value] ?? ''
  const known = columns.others.filter(({ column }) => (cells[column] ?? '').trim() !== '')
  for (const [at, { sensor, column }] of known.entries()) {
    const other = otherValue(cells[column]!.trim())
    // All cells of a row are of one moment: they are judged together.
    if (at < known.length - 1) backtest.prime(sensor, other)
    else backtest.observe(sensor, other, time)
  }
  // In a row of another sensor's reading an empty cell is none of this one; else it is a bad one.
  const isOfOthers = columns.others.length > 0 && value.trim() === ''
  return isOfOthers ? { score: 0, alarm: backtest.isActive } : backtest.take(numberOf(value), time)
}

interface Columns {
  readonly csv: CsvLine
  readonly time: number
  readonly value: number
  readonly others: readonly { readonly sensor: string; readonly column: number }[]
}

function columnsOf(header: string, options: BacktestCommandOptions, others: readonly string[]): Columns {
  const csv = new CsvLine(header)
  const names = csv.cells(header.replace(/^\uFEFF/, ''))
  const find = (wanted: string | undefined, usual: readonly string[], place: number): number => {
    const at = names.findIndex((name) => (wanted === undefined ? usual.includes(name.toLowerCase()) : name === wanted))
    if (at >= 0) return at
    if (wanted === undefined && place < names.length) return place
    const hint = wanted === undefined ? '' : suggestion(wanted, names, (name) => name)
    throw new TelemetryError(
      'USAGE',
      `The input has no column ${wanted ?? usual[0]}${hint}; it has ${names.join(', ')}`,
    )
  }
  return {
    csv,
    time: find(options.time, ['timestamp', 'time'], 0),
    value: find(options.value, ['value', options.sensor], 1),
    others: otherColumns(names, options.column ?? [], others),
  }
}

/** Columns of the sensors in expressions. One without a column is told: what looks at it does not judge. */
function otherColumns(
  names: readonly string[],
  named: readonly string[],
  others: readonly string[],
): { sensor: string; column: number }[] {
  const chosen = new Map(named.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  for (const [sensor, name] of chosen) {
    if (!others.includes(sensor)) throw new TelemetryError('USAGE', `--column ${sensor}=…: no check looks at ${sensor}`)
    if (names.includes(name)) continue
    throw new TelemetryError('USAGE', `The input has no column ${name}${suggestion(name, names, (one) => one)}`)
  }
  return others.flatMap((sensor) => {
    const column = names.indexOf(chosen.get(sensor) ?? sensor)
    if (column >= 0) return [{ sensor, column }]
    console.error(`There is no column ${sensor}: the checks that look at it do not judge`)
    return []
  })
}

/** A number or truth value where it is one, else a text. */
function otherValue(cell: string): number | boolean | string {
  if (cell === 'true' || cell === 'false') return cell === 'true'
  const number = Number(cell)
  return Number.isNaN(number) ? cell : number
}

class RowWriter {
  readonly #output: OutputTarget
  #text = ''

  constructor(output: OutputTarget) {
    this.#output = output
  }

  async add(row: string): Promise<void> {
    this.#text += row
    if (this.#text.length >= CHUNK) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '') await this.#output.write(text)
  }
}

const SECONDS_END = 1e11

/** Unix milliseconds. Throws USAGE with the row. */
function timeOf(text: string, row: number): number {
  if (/^-?[0-9]+(\.[0-9]+)?$/.test(text)) {
    const number = Number(text)
    return Math.round(Math.abs(number) < SECONDS_END ? number * 1000 : number)
  }
  const iso = text.replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T')
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}T[0-9:.]+$/.test(iso) ? `${iso}Z` : iso)
  if (!Number.isNaN(time)) return time
  throw new TelemetryError('USAGE', `Row ${row}: "${text.slice(0, 40)}" is no time; name its column with --time`)
}

/** NaN for what is no number: a bad reading. */
function numberOf(text: string): number {
  if (text === 'true') return 1
  if (text === 'false') return 0
  return text.trim() === '' ? Number.NaN : Number(text)
}

function shortest(score: number): string {
  return String(Number(score.toFixed(6)))
}

function alarmLine({ active, check, level, severity, raisedAt, clearedAt, message }: Alarm): object {
  const raised = new Date(raisedAt).toISOString()
  if (active) return { raised, check, level, severity, message }
  return { cleared: clearedAt === null ? null : new Date(clearedAt).toISOString(), check, raised }
}
