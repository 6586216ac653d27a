// `telemetryx brain`: runs the brain in the foreground until it is told to stop.

import { existsSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { startBrain } from '#brain/brain.ts'
import { brainServices } from '#brain/services.ts'
import type { BrainConfig } from '#config/brain-config.ts'
import { defaultBrainConfig, loadBrainConfig } from '#config/brain-load.ts'
import { packageVersion } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { counted, problemLines } from './config-file.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { serviceMessages } from './service-messages.ts'
import { untilSignal } from './until-signal.ts'

const STOP_DEADLINE_MS = 20_000 // well within systemd's default TimeoutStopSec of 90 s
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const DEFAULT_FILES = ['config/brain.yaml', '/etc/telemetryx/brain.yaml'] as const

interface BrainCommandOptions {
  readonly config?: string
  readonly check?: boolean
  readonly json?: true
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

export function registerBrain(program: Command): void {
  program
    .command('brain')
    .summary('run the brain: rules and analysis over gRPC')
    .description(
      'Runs the brain in the foreground: takes records of gateways, evaluates rules, carries out their actions, analyses. ' +
        'Without a configuration it serves this machine alone, with an embedded database in ./brain. ' +
        'Logs to standard error, one JSON object a line. SIGTERM and Ctrl-C acknowledge what is under way, then end it.',
    )
    .option('-c, --config <file>', `configuration file (default: ${DEFAULT_FILES.join(', else ')}, else none)`)
    .option('--check', 'only tell what is wrong with the configuration')
    .option('--json', 'print the addresses as one line of JSON')
    .addOption(new Option('--log-level <level>', 'least severity that is logged').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      '\nExample:\n  telemetryx brain -c /etc/telemetryx/brain.yaml\n  grpcurl -plaintext 127.0.0.1:50051 list',
    )
    .action(runBrain)
}

async function runBrain(options: BrainCommandOptions): Promise<void> {
  const config = readConfig(options.config)
  if (config === null || options.check === true) return
  const stop = untilSignal(systemClock)
  const stopping = new AbortController()
  void stop.then(() => stopping.abort())
  const log = createLogger({ level: options.logLevel })
  const messages = serviceMessages(process.env, log, systemClock)
  const brain = await startBrain({
    config,
    clock: systemClock,
    log,
    random: Math.random,
    version: packageVersion(),
    services: brainServices(config),
    signal: stopping.signal,
  })
  const grpc = `${config.tls ? 'grpcs' : 'grpc'}://${authority(config.listen.host, brain.ports.grpc)}`
  const http = `http://${authority(config.http.host, brain.ports.http)}`
  console.log(options.json === true ? JSON.stringify({ grpc, http }) : `gRPC: ${grpc}\nHTTP: ${http}/readyz`)
  messages.ready()
  const signal = await stop
  log.info({ signal }, 'Asked to stop')
  const told = messages.stopping()
  await brain.stop({ deadlineMs: STOP_DEADLINE_MS })
  await told
}

/** null: it has problems, which have been told. */
function readConfig(named: string | undefined): BrainConfig | null {
  const file = named ?? DEFAULT_FILES.find((candidate) => existsSync(candidate))
  if (file === undefined) return defaultBrainConfig('.')
  const loaded = loadBrainConfig(file, process.env)
  if (loaded.ok) return loaded.config
  console.error(problemLines(loaded.problems, process.stderr))
  console.error(`${counted(loaded.problems.length, 'problem')}: the brain does not start`)
  process.exitCode = EXIT_CONFIG
  return null
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
