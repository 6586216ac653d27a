// `telemetryx check`: everything that is wrong with a configuration, where it stands and what to do about it.

import type { Command } from 'commander'
import type { GatewayConfig } from '#config/gateway-config.ts'
import { GatewayFileSchema } from '#config/gateway-schema.ts'
import { loadGatewayConfig, type ConfigProblemAt, type LoadResult } from '#config/load.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { loadCatalogue } from '#gateway/driver-packages.ts'
import { literalSecretWarnings } from '#gateway/lifted-secrets.ts'
import { schemasOf, secretKeys } from '#gateway/redaction.ts'
import { systemClock } from '#kit/clock.ts'
import { CONFIG_FILE_HELP, configFile, counted, problemLines } from './config-file.ts'
import { EXIT_CONFIG } from './exit-codes.ts'

export function registerCheck(program: Command): void {
  program
    .command('check')
    .summary('find everything that is wrong with a configuration')
    .description(
      'Reads a gateway configuration and prints every problem as FILE:LINE:COLUMN: message. Connects to nothing.\n' +
        'Exits with 0 when the file is fine and with 78 when it is not. Passwords and tokens that are written out are warned of.',
    )
    .argument('[file]', CONFIG_FILE_HELP)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  telemetryx check\n  telemetryx check config/examples/modbus-tcp.yaml')
    .action(check)
}

async function check(named: string | undefined, options: { readonly json?: true }): Promise<void> {
  if (options.json) return checkAsJson(named)
  const file = configFile(named)
  const { result, warnings } = await read(file)
  if (result.ok) {
    console.log(`${file}: ok, ${contents(result.config)}`)
    if (warnings.length > 0) console.error(problemLines(warnings, process.stderr))
    return
  }
  console.log(problemLines(result.problems, process.stdout))
  console.error(counted(result.problems.length, 'problem'))
  process.exitCode = EXIT_CONFIG
}

async function checkAsJson(named: string | undefined): Promise<void> {
  try {
    const file = configFile(named)
    const { result, warnings } = await read(file)
    if (result.ok)
      console.log(
        JSON.stringify({ ok: true, file, ...counts(result.config), ...(warnings.length > 0 && { warnings }) }),
      )
    else {
      console.log(JSON.stringify({ ok: false, file, problems: result.problems }))
      process.exitCode = EXIT_CONFIG
    }
  } catch (error) {
    if (isTelemetryError(error)) {
      console.log(JSON.stringify({ ok: false, problems: [], error: { code: error.code, message: error.message } }))
    }
    throw error
  }
}

interface Checked {
  readonly result: LoadResult<GatewayConfig>
  readonly warnings: readonly ConfigProblemAt[]
}

async function read(file: string): Promise<Checked> {
  const catalogue = await loadCatalogue(file, { clock: systemClock })
  const result = await loadGatewayConfig(file, { catalogue, env: process.env })
  const keys = secretKeys([...schemasOf(catalogue), GatewayFileSchema])
  return { result, warnings: result.ok ? literalSecretWarnings(result.text, file, keys) : [] }
}

function counts({ devices, uplinks }: GatewayConfig): { devices: number; sensors: number; uplinks: number } {
  const sensors = devices.reduce((sum, device) => sum + device.sensors.length, 0)
  return { devices: devices.length, sensors, uplinks: uplinks.length }
}

function contents(config: GatewayConfig): string {
  const { devices, sensors, uplinks } = counts(config)
  return [counted(devices, 'device'), counted(sensors, 'sensor'), counted(uplinks, 'uplink')].join(', ')
}
