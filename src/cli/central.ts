// `telemetryx central`: runs central in the foreground until it is told to stop.

import { existsSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { startCentral, type Central } from '#central/central.ts'
import type { CentralConfig } from '#config/central-config.ts'
import { loadCentralConfig, parseCentralConfig } from '#config/central-load.ts'
import { packageVersion } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { counted, problemLines } from './config-file.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { serviceMessages } from './service-messages.ts'
import { untilSignal } from './until-signal.ts'

const STOP_DEADLINE_MS = 20_000 // well within systemd's default TimeoutStopSec of 90 s
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const DEFAULT_FILES = ['config/central.yaml', '/etc/telemetryx/central.yaml'] as const

interface CentralCommandOptions {
  readonly config?: string
  readonly check?: boolean
  readonly json?: true
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

export function registerCentral(program: Command): void {
  program
    .command('central')
    .summary('run central: many gateways, many tenants, one API')
    .description(
      'Runs central in the foreground: what gateways synchronise with, and what people and programs ask of all of them. ' +
        'Without a configuration it serves this machine alone, with an embedded database in ./central-data. ' +
        'Logs to standard error, one JSON object a line. SIGTERM and Ctrl-C settle what is under way, then end it.',
    )
    .option('-c, --config <file>', `configuration file (default: ${DEFAULT_FILES.join(', else ')}, else none)`)
    .option('--check', 'only tell what is wrong with the configuration')
    .option('--json', 'print the addresses as one line of JSON')
    .addOption(new Option('--log-level <level>', 'least severity that is logged').choices(LOG_LEVELS).default('info'))
    .addHelpText('after', '\nExample:\n  telemetryx central -c /etc/telemetryx/central.yaml')
    .action(runCentral)
}

async function runCentral(options: CentralCommandOptions): Promise<void> {
  const config = readConfig(options.config)
  if (config === null || options.check === true) return
  const stop = untilSignal(systemClock)
  const stopping = new AbortController()
  void stop.then(() => stopping.abort())
  const log = createLogger({ level: options.logLevel })
  const messages = serviceMessages(process.env, log, systemClock)
  const central = await startCentral({
    config,
    clock: systemClock,
    log,
    random: Math.random,
    version: packageVersion(),
    signal: stopping.signal,
  })
  tellAddresses(central, options.json === true)
  messages.ready()
  const signal = await stop
  log.info({ signal }, 'Asked to stop')
  const told = messages.stopping()
  await central.stop({ deadlineMs: STOP_DEADLINE_MS })
  await told
}

function tellAddresses({ ports, setupUrl, url }: Central, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify({ api: `${url}/api/v1`, ...ports, setup: setupUrl }))
    return
  }
  console.log(`API: ${url}/api/v1/docs`)
  if (ports.grpc !== null) console.log(`gRPC: ${ports.grpc}`)
  if (ports.line !== null) console.log(`Lines: ${ports.line}`)
  if (setupUrl !== null) console.log(`First user: open ${setupUrl} once`)
}

/** null: it has problems, which have been told. */
function readConfig(named: string | undefined): CentralConfig | null {
  const file = named ?? DEFAULT_FILES.find((candidate) => existsSync(candidate))
  const loaded =
    file === undefined ? parseCentralConfig('version: 1\n', 'central.yaml', {}) : loadCentralConfig(file, process.env)
  if (loaded.ok) return loaded.config
  console.error(problemLines(loaded.problems, process.stderr))
  console.error(`${counted(loaded.problems.length, 'problem')}: central does not start`)
  process.exitCode = EXIT_CONFIG
  return null
}
