// `telemetryx scan opcua`: the variables of an OPC UA server as a device for gateway.yaml.

import { InvalidArgumentError, Option, type Command } from 'commander'
import { stringify } from 'yaml'
import { TelemetryError } from '#domain/errors.ts'
import { idFromName } from '#domain/ids.ts'
import { scanOpcuaServer, type FoundVariable } from '#gateway/opcua-tools.ts'
import { counted } from './config-file.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { progressLine } from './progress-line.ts'

const POLICIES = ['None', 'Basic256Sha256', 'Aes128', 'Aes256'] as const
const MODES = ['Sign', 'SignAndEncrypt'] as const
const PASSWORD = 'OPCUA_PASSWORD'
const MAX_ID_LENGTH = 64

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
          `The password of --user is taken from the environment variable ${PASSWORD}.`,
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
  const password = process.env[PASSWORD]
  if (user !== undefined && password === undefined) {
    throw new TelemetryError('USAGE', `Put the password of ${user} into the environment variable ${PASSWORD}`)
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
  console.log(deviceYaml({ url, security, user }, found.variables))
  console.error(summary(found.variables.length, found.skipped, found.isCut))
}

interface ScannedDevice {
  readonly url: string
  readonly security: object | undefined
  readonly user: string | undefined
}

/** A device to be pasted below `devices:`; one sensor on each line. */
function deviceYaml({ url, security, user }: ScannedDevice, variables: readonly FoundVariable[]): string {
  const login = user === undefined ? {} : { user: { name: user, password: `\${${PASSWORD}}` } }
  const connection = { endpoint: url, ...(security === undefined ? {} : { security }), ...login }
  const ids = new Set<string>()
  const lines = variables.map((variable) => {
    const { node, type, unit, isWritable } = variable
    const sensor = {
      id: uniqueId(variable.path, ids),
      node,
      ...(type === 'number' ? {} : { type }),
      ...(unit === '' ? {} : { unit }),
      ...(isWritable ? { writable: true } : {}),
    }
    return `      - ${flow(sensor)}`
  })
  return [
    `  - id: ${idFromName(new URL(url).host).slice(0, MAX_ID_LENGTH)}`,
    '    driver: opcua',
    `    connection: ${flow(connection)}`,
    ...(lines.length === 0 ? ['    sensors: []'] : ['    sensors:', ...lines]),
  ].join('\n')
}

function flow(value: object): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 })
    .trimEnd()
    .replaceAll(/\s*\n\s*/g, ' ')
}

/** From the browse names; the end tells more than the beginning. */
function uniqueId(path: readonly string[], taken: Set<string>): string {
  const whole = idFromName(path.join('-'))
  const base = idFromName(whole.slice(-MAX_ID_LENGTH + 5))
  let id = base
  for (let count = 2; taken.has(id); count++) id = `${base}-${count}`
  taken.add(id)
  return id
}

function summary(found: number, skipped: number, isCut: boolean): string {
  const left = skipped === 0 ? '' : `; ${counted(skipped, 'variable')} left out: arrays, structures, or not readable`
  const more = isCut ? '; there may be more: see --depth, --limit and --start' : ''
  return `${counted(found, 'sensor')}${left}${more}`
}
