// A service that runs in the foreground until it is told to stop: what `telemetryx brain` and `telemetryx central` have in common.

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { PlainResult } from '#config/plain-file.ts'
import { packageVersion } from '#gateway/version.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { createLogger, type Logger } from '#kit/logger.ts'
import { counted, problemLines } from './config-file.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { logLevelOption, type LogLevel } from './log-level.ts'
import { serviceMessages } from './service-messages.ts'
import { untilSignal } from './until-signal.ts'

/** Well within systemd's default TimeoutStopSec of 90 s. */
export const STOP_DEADLINE_MS = 20_000

export interface Surroundings {
  readonly clock: Clock
  readonly log: Logger
  random(): number
  readonly version: string
  /** Aborts when the service is told to stop while it starts. */
  readonly signal: AbortSignal
}

export interface ServiceCommand<Config, Running extends Stoppable> {
  /** Of the command. */
  readonly name: string
  /** In a sentence. */
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly examples: readonly string[]
  /** Without any of them it runs with what `load` gives for undefined. */
  readonly files: readonly string[]
  readonly load: (file: string | undefined) => PlainResult<Config>
  readonly start: (config: Config, surroundings: Surroundings) => Promise<Running>
  /** Where it is reached: as JSON, and as lines for people. */
  readonly addresses: (
    running: Running,
    config: Config,
  ) => { readonly json: Readonly<Record<string, unknown>>; readonly lines: readonly string[] }
}

interface Stoppable {
  stop(options: { readonly deadlineMs: number }): Promise<void>
}

interface Options {
  readonly config?: string
  readonly check?: boolean
  readonly json?: true
  readonly logLevel: LogLevel
}

export function registerService<Config, Running extends Stoppable>(
  program: Command,
  service: ServiceCommand<Config, Running>,
): void {
  const { name, summary, description, examples, files } = service
  program
    .command(name)
    .summary(summary)
    .description(description)
    .option('-c, --config <file>', `configuration file (default: ${files.join(', else ')}, else none)`)
    .option('--check', 'only tell what is wrong with the configuration')
    .option('--json', 'print the addresses as one line of JSON')
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.map((line) => `  ${line}`).join('\n')}`,
    )
    .action((options: Options) => run(service, options))
}

async function run<Config, Running extends Stoppable>(
  service: ServiceCommand<Config, Running>,
  options: Options,
): Promise<void> {
  const file = options.config ?? service.files.find((candidate) => existsSync(candidate))
  const config = readConfig(service, file)
  if (config === null) return
  if (options.check === true) {
    console.log(`${file ?? 'no file, the defaults'}: ok`)
    return
  }
  const stop = untilSignal(systemClock)
  const stopping = new AbortController()
  void stop.then(() => stopping.abort())
  const log = createLogger({ level: options.logLevel })
  const messages = serviceMessages(process.env, log, systemClock)
  const version = packageVersion()
  const running = await service.start(config, {
    clock: systemClock,
    log,
    random: Math.random,
    version,
    signal: stopping.signal,
  })
  const { json, lines } = service.addresses(running, config)
  console.log(options.json === true ? JSON.stringify(json) : lines.join('\n'))
  messages.ready()
  const signal = await stop
  log.info({ signal }, 'Asked to stop')
  const told = messages.stopping()
  await running.stop({ deadlineMs: STOP_DEADLINE_MS })
  await told
}

/** null: it has problems, which have been told. */
function readConfig<Config, Running extends Stoppable>(
  { load, title }: ServiceCommand<Config, Running>,
  file: string | undefined,
): Config | null {
  const loaded = load(file)
  if (loaded.ok) return loaded.config
  console.error(problemLines(loaded.problems, process.stderr))
  console.error(`${counted(loaded.problems.length, 'problem')}: ${title} does not start`)
  process.exitCode = EXIT_CONFIG
  return null
}
