// `telemetryx scan serial`: the serial ports of this machine; with --listen, what comes in at each baud rate, and a device
// for gateway.yaml.

import { InvalidArgumentError, type Command } from 'commander'
import type { SuggestedDevice } from '#domain/scan.ts'
import { listenToPort, serialPorts, type FoundPort, type HeardAt } from '#gateway/serial-tools.ts'
import { suggestSerial } from '#gateway/suggest-serial.ts'
import { counted } from './config-file.ts'
import { progressLine } from './progress-line.ts'

interface ScanSerialOptions {
  readonly listen?: string
  readonly seconds: number
  readonly baud?: readonly number[]
  readonly json?: true
}

export function registerScanSerial(scan: Command): void {
  scan
    .command('serial')
    .summary('list serial ports, and find the baud rate of one')
    .description(
      'Lists the serial ports of this machine. With --listen it listens to one at the common baud rates, tells at which the bytes ' +
        'are readable text, and prints the port as a device. It sends nothing: a device that must be asked stays silent.',
    )
    .option('--listen <path>', 'listen to this port')
    .option('--seconds <n>', 'time at each baud rate', seconds, 3)
    .option('--baud <rates>', 'baud rates to try, separated by commas', rates)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx scan serial\n  telemetryx scan serial --listen /dev/ttyUSB0 --seconds 5 > scale.yaml',
    )
    .action(scanSerial)
}

function seconds(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 3600) return value
  throw new InvalidArgumentError('It must be a number of seconds, at most 3600.')
}

function rates(text: string): readonly number[] {
  const values = text.split(',').map(Number)
  if (values.every((value) => Number.isInteger(value) && value >= 50 && value <= 4_000_000)) return values
  throw new InvalidArgumentError('It must be baud rates such as 9600,19200.')
}

async function scanSerial(options: ScanSerialOptions): Promise<void> {
  if (options.listen === undefined) listed(await serialPorts(), options.json === true)
  else await listen(options.listen, options)
}

function listed(ports: readonly FoundPort[], isJson: boolean): void {
  if (isJson) {
    console.log(JSON.stringify({ ports }))
    return
  }
  for (const { path, byId, manufacturer, product } of ports) {
    console.log([byId ?? path, ...(byId === null ? [] : [path]), `${manufacturer} ${product}`.trim()].join('  ').trim())
  }
  console.error(counted(ports.length, 'serial port'))
}

async function listen(path: string, { seconds: time, baud, json }: ScanSerialOptions): Promise<void> {
  const progress = progressLine()
  const { heard, best } = await listenToPort({
    path,
    listenMs: time * 1000,
    ...(baud && { baudRates: baud }),
    onRate: (rate) => progress.show(() => `listening at ${rate} baud`),
  }).finally(() => progress.clear())
  if (json === true) {
    console.log(JSON.stringify({ path, heard, best }))
    return
  }
  for (const line of heard) console.error(rateLine(line))
  if (best === null) console.error('Nothing readable came in. A device that must be asked sends nothing by itself.')
  else console.log(deviceYaml(suggestSerial(path, best)))
}

function rateLine({ baudRate, bytes, printable, parity, sample }: HeardAt): string {
  if (bytes === 0) return `${baudRate} baud: nothing`
  const bits = parity === 'none' ? '' : `, 7 data bits with ${parity} parity`
  return `${baudRate} baud: ${counted(bytes, 'byte')}, ${Math.round(printable * 100)} % readable${bits}: ${sample}`
}

/** To be pasted below `devices:`. */
function deviceYaml({ config: { id, driver, connection, framing, parse }, sensors, notes }: SuggestedDevice): string {
  return [
    `  - id: ${id}`,
    `    driver: ${driver}`,
    `    connection: ${flow(connection)}`,
    `    framing: ${flow(framing)}`,
    ...notes.map((note) => `    # ${note}`),
    `    parse: ${flow(parse)}`,
    '    sensors:',
    ...sensors.map(({ config }) => `      - ${flow(config)}`),
  ].join('\n')
}

/** JSON's texts are valid YAML too, \u0003 included. */
function flow(keys: unknown): string {
  const pairs = Object.entries(keys as object).map(([key, value]) => `${key}: ${plain(value)}`)
  return `{ ${pairs.join(', ')} }`
}

function plain(value: unknown): string {
  return typeof value === 'string' && /^[a-z]+$/.test(value) ? value : JSON.stringify(value)
}
