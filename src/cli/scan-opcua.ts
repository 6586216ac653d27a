// `telemetryx scan opcua`: the variables of an OPC UA server as a device for gateway.yaml.

import { InvalidArgumentError, Option, type Command } from 'commander'
import { stringify } from 'yaml'
import { TelemetryError } from '#domain/errors.ts'
import type { SuggestedDevice } from '#domain/scan.ts'
import { scanOpcuaServer } from '#gateway/opcua-tools.ts'
import { OPCUA_PASSWORD, suggestOpcua } from '#gateway/suggest-opcua.ts'
import { counted } from './config-file.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { progressLine } from './progress-line.ts'

const POLICIES = ['None', 'Basic256Sha256', 'Aes128', 'Aes256'] as const
const MODES = ['Sign', 'SignAndEncrypt'] as const

interface ScanOpcuaOptions extends DataFolderOptions {
  readonly start: string
  readonly depth: number
  readonly limit: number
  readonly policy: (typeof POLICIES)[number]
  readonly mode?: (typeof MODES)[number]
  readonly user?: string
  readonly json?: true
}

export function registerScanOpcua(scan: Command): void {
  withDataFolder(
    scan
      .command('opcua')
      .summary('browse an OPC UA server')
      .description(
        'Walks through the address space of a server and prints its variables as a device: types, units, and what is writable. ' +
          `The password of --user is taken from the environment variable ${OPCUA_PASSWORD}.`,
      )
      .argument('<url>', 'endpoint of the server: opc.tcp://host:4840')
      .option('--start <node>', 'node id below which to look', 'i=85')
      .option('--depth <n>', 'levels to go down', wholeNumber, 8)
      .option('--limit <n>', 'most variables', wholeNumber, 1000)
      .addOption(new Option('--policy <policy>', 'security policy').choices(POLICIES).default('None'))
      .addOption(new Option('--mode <mode>', 'with a policy; default SignAndEncrypt').choices(MODES))
      .option('--user <name>', 'user name')
      .option('--json', 'print the variables as JSON'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx scan opcua opc.tcp://192.0.2.20:4840 > line-plc.yaml\n' +
        '  telemetryx scan opcua opc.tcp://192.0.2.20:4840 --start "nsu=http://example.org/line;s=Line1" --depth 3',
    )
    .action(scanOpcua)
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 to 999999.')
}

async function scanOpcua(url: string, options: ScanOpcuaOptions): Promise<void> {
  const { policy, mode, user, start, depth, limit } = options
  const security = policy === 'None' ? undefined : { policy, ...(mode === undefined ? {} : { mode }) }
  const password = process.env[OPCUA_PASSWORD]
  if (user !== undefined && password === undefined) {
    throw new TelemetryError('USAGE', `Put the password of ${user} into the environment variable ${OPCUA_PASSWORD}`)
  }
  const login = user === undefined || password === undefined ? undefined : { name: user, password }
  const progress = progressLine()
  const found = await scanOpcuaServer({
    connection: { endpoint: url, security, user: login },
    dataDir: security === undefined ? null : dataFolder(options).dir,
    start,
    depth,
    limit,
    onProgress: (count) => progress.show(() => `${count} variables found`),
  }).finally(() => progress.clear())
  if (options.json === true) {
    console.log(JSON.stringify({ endpoint: url, ...found }))
    return
  }
  console.log(
    deviceYaml(
      suggestOpcua({ endpoint: url, ...(security && { security }), ...(login && { user: login }) }, found.variables),
    ),
  )
  console.error(summary(found.variables.length, found.skipped, found.isCut))
}

/** To be pasted below `devices:`; one sensor on each line. */
function deviceYaml({ config: { id, driver, connection }, sensors }: SuggestedDevice): string {
  return [
    `  - id: ${id}`,
    `    driver: ${driver}`,
    `    connection: ${flow(connection)}`,
    ...(sensors.length === 0
      ? ['    sensors: []']
      : ['    sensors:', ...sensors.map(({ config }) => `      - ${flow(config)}`)]),
  ].join('\n')
}

function flow(value: object): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 })
    .trimEnd()
    .replaceAll(/\s*\n\s*/g, ' ')
}

function summary(found: number, skipped: number, isCut: boolean): string {
  const left = skipped === 0 ? '' : `; ${counted(skipped, 'variable')} left out: arrays, structures, or not readable`
  const more = isCut ? '; there may be more: see --depth, --limit and --start' : ''
  return `${counted(found, 'sensor')}${left}${more}`
}
