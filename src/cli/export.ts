// `telemetryx export`: stored readings, or buckets of them, as CSV, JSON Lines or Parquet.

import { Option, type Command } from 'commander'
import { suggestion } from '#config/suggest.ts'
import { TelemetryError } from '#domain/errors.ts'
import {
  EXPORT_FORMATS,
  exportStored,
  type ExportFormat,
  type ExportProgress,
  type ExportSummary,
} from '#gateway/stored-data.ts'
import { garbageCollector, yieldToTheGateway } from './beside-gateway.ts'
import { counted } from './config-file.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { EXIT_IO } from './exit-codes.ts'
import { outputFile, standardOutput, type OutputTarget } from './output-file.ts'
import { grouped, progressBar, progressLine, type ProgressLine } from './progress-line.ts'
import { parseBucketWidth, parseTime, TIME_HELP } from './time-argument.ts'

const ROWS_BETWEEN_COLLECTIONS = 500_000 // 20 ms of each second

interface ExportCommandOptions extends DataFolderOptions {
  readonly sensor: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly every?: string
  readonly format: ExportFormat
  readonly output?: string
  readonly json?: true
}

const EXAMPLES = `
Examples:
  telemetryx export --sensor press-1.power --from -1d --format csv -o power.csv
  telemetryx export --sensor 'press-*.*' --every 1m --format parquet -o presses.parquet
  telemetryx export --sensor press-1.power --format jsonl --data data/demo | head`

export function registerExport(program: Command): void {
  withDataFolder(
    program
      .command('export')
      .summary('write stored readings as CSV, JSON Lines or Parquet')
      .description(
        'Writes the stored readings of sensors, or with --every buckets of them, ordered by sensor and time. ' +
          'Works while the gateway runs and when it does not; it changes nothing that is stored.',
      )
      .requiredOption('--sensor <id...>', 'full sensor ids, or patterns: * any characters, ? one')
      .option('--from <time>', `begin: ${TIME_HELP}; default: the first reading`)
      .option('--to <time>', 'end, itself left out; default: the last reading')
      .option('--every <width>', 'buckets (count, min, max, mean, last) of this width, for example 1m')
      .addOption(new Option('--format <format>', 'csv, jsonl or parquet').choices(EXPORT_FORMATS).makeOptionMandatory())
      .option('-o, --output <file>', 'file to write; default: standard output')
      .option('--json', 'print the summary as JSON: on standard output with -o, else on standard error'),
  )
    .addHelpText('after', EXAMPLES)
    .action(runExport)
}

async function runExport(options: ExportCommandOptions): Promise<void> {
  const now = Date.now()
  const from = options.from === undefined ? null : parseTime('--from', options.from, now)
  const to = options.to === undefined ? null : parseTime('--to', options.to, now)
  if (from !== null && to !== null && from >= to) throw new TelemetryError('USAGE', '--from must be before --to')
  const everyMs = options.every === undefined ? null : parseBucketWidth('--every', options.every)
  if (options.format === 'parquet' && options.output === undefined && process.stdout.isTTY)
    throw new TelemetryError('USAGE', 'Parquet is not for a terminal: name a file with -o, or redirect the output')
  const { dir, units } = dataFolder(options)
  yieldToTheGateway()
  const progress = progressLine()
  let output: OutputTarget | null = null
  try {
    const summary = await exportStored({
      dataDir: dir,
      patterns: options.sensor,
      units,
      from,
      to,
      everyMs,
      format: options.format,
      suggest: (name, ids) => suggestion(name, ids, (id) => id),
      openOutput: async () => {
        output = options.output === undefined ? standardOutput() : await outputFile(options.output)
        return output
      },
      onProgress: follower(progress),
    })
    await finish(output)
    progress.clear()
    tell(options, summary, output)
  } catch (error) {
    progress.clear()
    await abandon(output)
    throw error
  }
}

/** Shows how far the export is, and keeps memory small on the way. */
function follower(progress: ProgressLine): (at: ExportProgress) => void {
  const collectGarbage = garbageCollector()
  let collectedAt = 0
  return ({ rows, sensor, sensors, time }) => {
    if (rows - collectedAt >= ROWS_BETWEEN_COLLECTIONS) {
      collectedAt = rows
      collectGarbage()
    }
    const until = (): string => new Date(time).toISOString().slice(0, 16)
    progress.show(
      () => `${progressBar(sensor - 1, sensors)} ${grouped(rows)} rows · sensor ${sensor} of ${sensors} · ${until()}Z`,
    )
  }
}

async function finish(output: OutputTarget | null): Promise<void> {
  await output?.finish()
}

async function abandon(output: OutputTarget | null): Promise<void> {
  await output?.abandon()
}

function tell(
  options: ExportCommandOptions,
  { rows, sensors, damaged }: ExportSummary,
  output: OutputTarget | null,
): void {
  if (damaged.length > 0) process.exitCode = EXIT_IO
  if (options.json) {
    const { format, output: file = null } = options
    const summary = JSON.stringify({ rows, sensors: sensors.length, bytes: output?.bytes ?? 0, format, file, damaged })
    if (file === null) console.error(summary)
    else console.log(summary)
    return
  }
  const what = counted(rows, options.every === undefined ? 'reading' : 'bucket').replace(/^\d+/, grouped(rows))
  const where = options.output === undefined ? '' : ` written to ${options.output}`
  console.error(
    rows === 0
      ? `0 rows: nothing is stored for this in the range${where}`
      : `${what} of ${counted(sensors.length, 'sensor')}${where}`,
  )
  if (damaged.length > 0) console.error(`Left out, because it is damaged on the disk: ${damaged.join(', ')}`)
}
