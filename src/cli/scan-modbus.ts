// `telemetryx scan modbus`: the units on a Modbus line, what can be read of each, and devices for gateway.yaml.

import { InvalidArgumentError, Option, type Command } from 'commander'
import { TelemetryError } from '#domain/errors.ts'
import type { ModbusScanRequest } from '#domain/scan.ts'
import { progressText, SERIAL_UNITS, scanModbusLine, TCP_UNITS, type ModbusScan } from '#gateway/modbus-tools.ts'
import { shownAddress, suggestModbus } from '#gateway/suggest-modbus.ts'
import { counted } from './config-file.ts'
import { duration } from './duration-argument.ts'
import { progressLine } from './progress-line.ts'
import { modbusYaml } from './scan-modbus-yaml.ts'

const TABLES = ['holding', 'input', 'coil', 'discrete'] as const
type ModbusConnection = ModbusScanRequest['connection']

interface ScanModbusOptions {
  readonly units?: readonly number[]
  readonly tables: readonly (typeof TABLES)[number][]
  readonly addresses: { readonly from: number; readonly to: number }
  readonly block: number
  readonly step: number
  readonly timeout: number
  readonly pause: number
  readonly limit: number
  readonly transport?: 'tcp' | 'rtu-over-tcp'
  readonly baud?: number
  readonly parity?: 'none' | 'even' | 'odd'
  readonly stopBits?: 1 | 2
  readonly identify: boolean
  readonly json?: true
}

export function registerScanModbus(scan: Command): void {
  scan
    .command('modbus')
    .summary('find units and registers on a Modbus line')
    .description(
      'Looks for units one after the other, finds out which addresses of each can be read, and prints every unit as a device with one sensor for each ' +
        'address that holds something. It only reads, one request at a time. On some devices reading has side effects: a counter is cleared, a watchdog is fed.',
    )
    .argument('<where>', 'host, host:port, or the path of a serial port')
    .option('--units <list>', 'unit ids, for example 1-10,20 (default: 1-10,255 by TCP, 1-32 on a serial port)', units)
    .addOption(
      new Option('--tables <list>', 'tables to look at: holding, input, coil, discrete')
        .argParser(tables)
        .default(TABLES, 'all four'),
    )
    .addOption(
      new Option('--addresses <range>', 'addresses to look at, counted from 0 (40001 in a manual is holding 0)')
        .argParser(range)
        .default({ from: 0, to: 999 }, '0-999'),
    )
    .option('--block <n>', 'registers read at once, 1 to 125', wholeNumber(1, 125), 100)
    .option('--step <n>', 'where a block is refused, try every nth address; 1 misses nothing', wholeNumber(1, 1000), 10)
    .addOption(
      new Option('--timeout <duration>', 'longest wait for each answer').argParser(duration).default(500, '500ms'),
    )
    .addOption(new Option('--pause <duration>', 'pause after each request').argParser(duration).default(20, '20ms'))
    .option('--limit <n>', 'most sensors printed for a unit', wholeNumber(1, 10_000), 200)
    .addOption(
      new Option('--transport <kind>', 'how a host is spoken to; a path is always Modbus RTU')
        .choices(['tcp', 'rtu-over-tcp'])
        .default('tcp'),
    )
    .option('--baud <rate>', 'baud rate of a serial port; default 9600', wholeNumber(50, 4_000_000))
    .addOption(
      new Option('--parity <parity>', 'parity of a serial port; default none').choices(['none', 'even', 'odd']),
    )
    .option('--stop-bits <n>', 'stop bits of a serial port; default 1', (text) =>
      wholeNumber(1, 2)(text) === 2 ? 2 : 1,
    )
    .option('--no-identify', 'do not ask each unit for its name (function 43)')
    .option('--json', 'print what was found as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx scan modbus 192.0.2.10 > plc.yaml\n' +
        '  telemetryx scan modbus 192.0.2.10:502 --units 1-247 --tables holding,input --addresses 0-9999\n' +
        '  telemetryx scan modbus /dev/ttyUSB0 --baud 19200 --parity even',
    )
    .action(scanModbus)
}

async function scanModbus(where: string, options: ScanModbusOptions): Promise<void> {
  const connection = connectionOf(where, options)
  const isSerial = connection.transport === 'rtu'
  const wanted = options.units ?? (isSerial ? SERIAL_UNITS : TCP_UNITS)
  if (connection.transport !== 'tcp' && wanted.includes(0))
    throw new TelemetryError('USAGE', 'Unit 0 is the broadcast on a serial line: nobody answers it')
  const progress = progressLine()
  const found = await scanModbusLine({
    connection: { ...connection, timeout: options.timeout },
    units: wanted,
    tables: options.tables,
    addresses: options.addresses,
    block: options.block,
    step: options.step,
    pauseMs: options.pause,
    identify: options.identify,
    mayIgnoreUnit: connection.transport === 'tcp' && options.units === undefined,
    onProgress: (state) => progress.show(() => progressText(state)),
  }).finally(() => progress.clear())
  if (options.json === true) console.log(JSON.stringify(jsonOf(where, found)))
  else {
    const devices = found.units.map((unit) =>
      modbusYaml(suggestModbus(unit, { connection, where, limit: options.limit })),
    )
    if (devices.length > 0) console.log(devices.join('\n'))
    console.error(summary(found, wanted.length))
  }
}

function connectionOf(where: string, options: ScanModbusOptions): ModbusConnection {
  if (where.startsWith('/') || where.startsWith('.') || /^COM\d+$/i.test(where)) {
    const { baud: baudRate, parity, stopBits } = options
    return {
      transport: 'rtu',
      path: where,
      ...(baudRate !== undefined && { baudRate }),
      ...(parity !== undefined && { parity }),
      ...(stopBits !== undefined && { stopBits }),
    }
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)|([0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F.]*))(?::(\d{1,5}))?$/.exec(
    where,
  )
  const port = match?.[4] === undefined ? 502 : Number(match[4])
  const host = match?.[1] ?? match?.[2] ?? match?.[3]
  if (host === undefined || port < 1 || port > 65_535)
    throw new TelemetryError('USAGE', `"${where}" is neither host:port nor the path of a serial port (/dev/ttyUSB0)`)
  return { transport: options.transport ?? 'tcp', host, port }
}

function jsonOf(where: string, { units: found, requests, ignoresUnit }: ModbusScan): object {
  return {
    where,
    requests,
    ignoresUnit,
    units: found.map(({ unit, identification, tables: scanned }) => ({
      unit,
      identification,
      tables: scanned.map(({ table, areas, isAbsent, maxWidth, failed, values }) => ({
        table,
        isAbsent,
        maxWidth,
        failed,
        areas: areas.map(({ from, to }) => ({
          from,
          to,
          values: Array.from({ length: to - from + 1 }, (_, index) => values.get(from + index) ?? null),
        })),
      })),
    })),
  }
}

function summary({ units: found, requests, ignoresUnit }: ModbusScan, asked: number): string {
  const lines = found.map(({ unit, tables: scanned }) => {
    const parts = scanned.flatMap(({ table, areas, isAbsent }) => {
      if (isAbsent) return []
      const shown = areas.slice(0, 5).map((area) => shownAddress(area))
      return areas.length === 0 ? [] : [`${table} ${shown.join(', ')}${areas.length > 5 ? ', …' : ''}`]
    })
    return `unit ${unit}: ${parts.length === 0 ? 'answers, but nothing could be read' : parts.join('; ')}`
  })
  const last = `${counted(found.length, 'unit')} of ${asked} asked, ${counted(requests, 'request')}`
  if (ignoresUnit) lines.push('Every unit id is answered: this seems to be one device. --units looks into others.')
  const hint = found.length === 0 ? '. See --units, --timeout, and on a serial port --baud and --parity' : ''
  return [...lines, last + hint].join('\n')
}

function units(text: string): readonly number[] {
  const all = new Set<number>()
  for (const part of text.split(',')) {
    const { from, to } = range(part)
    if (to > 255) throw new InvalidArgumentError('Unit ids go from 0 to 255.')
    for (let unit = from; unit <= to; unit++) all.add(unit)
  }
  return [...all]
}

function range(text: string): { from: number; to: number } {
  const match = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(text)
  const from = Number(match?.[1])
  const to = Number(match?.[2] ?? match?.[1])
  if (match !== null && from <= to && to <= 65_535) return { from, to }
  throw new InvalidArgumentError('It must be a number or a range such as 0-999, at most 65535.')
}

function tables(text: string): readonly (typeof TABLES)[number][] {
  return text.split(',').map((word) => {
    const known = TABLES.find((name) => name === word.trim())
    if (known !== undefined) return known
    throw new InvalidArgumentError(`Tables are ${TABLES.join(', ')}.`)
  })
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}
