// `telemetryx plan`: what applying a configuration would change in the running gateway.

import { Option, type Command } from 'commander'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { readTextFile } from '#config/read-text.ts'
import { CONFIG_FILE_HELP, configFile, counted } from './config-file.ts'
import { dataFolder } from './data-folder.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { LocalGateway, type LocalFault } from '#gateway/local-gateway.ts'

export interface PlanCommandOptions {
  readonly config?: string
  readonly data?: string
  readonly json?: true
}

/** As the API answers. */
export interface PlanAnswer {
  readonly summary: string
  readonly lines: readonly string[]
  readonly changes: readonly unknown[]
  readonly needsRestart: readonly string[]
}

export function registerPlan(program: Command): void {
  withRunningGateway(
    program
      .command('plan')
      .summary('show what `apply` would change in the running gateway')
      .description(
        'Compares a configuration with what the running gateway does and shows what would change: which devices and uplinks would ' +
          'start, stop or restart, what is taken up while everything runs, and what needs a restart. Changes nothing.',
      ),
  )
    .addHelpText('after', '\nExamples:\n  telemetryx plan\n  telemetryx plan -c new.yaml --data /var/lib/telemetryx')
    .action(runPlan)
}

/** Options of the commands that talk to the gateway of this machine. */
export function withRunningGateway(command: Command): Command {
  return command
    .option('-c, --config <file>', CONFIG_FILE_HELP)
    .addOption(
      new Option('--data <dir>', 'data folder of the running gateway, instead of the one in the configuration'),
    )
    .option('--json', 'print the result as JSON')
}

async function runPlan(options: PlanCommandOptions): Promise<void> {
  const { file, text, gateway } = runningGatewayOf(options)
  const plan = await gateway
    .ask<PlanAnswer>({ method: 'POST', path: '/config/plan', body: text })
    .catch((error: unknown) => refuse(error, file, options))
  if (plan === null) return
  console.log(options.json ? JSON.stringify(plan) : planText(plan))
}

export interface Offered {
  readonly file: string
  readonly text: string
  readonly gateway: LocalGateway
}

/** The configuration to be offered, and the gateway. Throws CONFIG_UNREADABLE, CONNECTION_FAILED, PERMISSION_DENIED. */
export function runningGatewayOf({ config, data }: PlanCommandOptions): Offered {
  const file = configFile(config)
  const text = readText(file)
  const { dir } = dataFolder({ config: file, ...(data !== undefined && { data }) })
  return { file, text, gateway: new LocalGateway(dir) }
}

function readText(file: string): string {
  try {
    return readTextFile(file)
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error
    throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read: ${error.message}`, { cause: error })
  }
}

/** The lines of a plan and its sum. */
export function planText({ lines, summary }: PlanAnswer): string {
  return [...lines, lines.length === 0 ? 'Nothing would change' : summary].join('\n')
}

/** Prints what is wrong with a text, under the name that the caller knows it by. All else is thrown on. */
export function refuse(error: unknown, file: string, { json }: PlanCommandOptions): null {
  if (!isTelemetryError(error, 'CONFIG_INVALID')) throw error
  const faults = (error.context['faults'] ?? []) as readonly LocalFault[]
  const lines = faults.map(({ path, message }) => `${path.replace(/^.*(?=:\d+:\d+$)/, file)}: ${message}`)
  if (json) console.log(JSON.stringify({ ok: false, problems: lines }))
  else console.log(lines.join('\n'))
  console.error(`${counted(lines.length, 'problem')}: nothing was applied`)
  process.exitCode = EXIT_CONFIG
  return null
}
