// `telemetryx probe`: reads every sensor of a configuration once and prints a table, with the reason for each that is bad.

import { Option, type Command } from 'commander'
import { resolve } from 'node:path'
import { loadGatewayConfig } from '#config/load.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import { jsonValue, type Value } from '#domain/value.ts'
import { TelemetryError } from '#domain/errors.ts'
import { suggestion } from '#config/suggest.ts'
import { loadCatalogue } from '#gateway/driver-packages.ts'
import { probeDevices, type ProbedDevice, type ProbedSensor } from '#gateway/probe.ts'
import { runningGateway } from '#gateway/running-gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { CONFIG_FILE_HELP, configFile, counted, problemLines } from './config-file.ts'
import { EXIT_BAD, EXIT_CONFIG } from './exit-codes.ts'
import { duration } from './duration-argument.ts'
import { progressBar, progressLine } from './progress-line.ts'
import { table } from './table.ts'

const MAX_NAMES = 4

interface ProbeCommandOptions {
  readonly config?: string
  readonly data?: string
  readonly timeout: number
  readonly wait: number
  readonly json?: true
}

export function registerProbe(program: Command): void {
  program
    .command('probe')
    .summary('read every sensor once')
    .description(
      'Reads every sensor of a configuration once through its driver and prints a table; for each that is bad, why and what to do. Never writes ' +
        'to a device. Devices that send by themselves are listened to for a while. Exits with 1 when a sensor is bad.',
    )
    .argument('[device]', 'id of the only device to look at')
    .option('-c, --config <file>', CONFIG_FILE_HELP)
    .option('--data <dir>', 'data folder (with the OPC UA certificates), instead of the one in the configuration')
    .addOption(
      new Option('--timeout <duration>', 'longest time for everything').argParser(duration).default(30_000, '30s'),
    )
    .addOption(
      new Option('--wait <duration>', 'longest wait for the first value of a device that sends by itself')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx probe -c gateway.yaml\n  telemetryx probe -c gateway.yaml press-1 --json',
    )
    .action(probe)
}

async function probe(device: string | undefined, options: ProbeCommandOptions): Promise<void> {
  const file = configFile(options.config)
  const catalogue = await loadCatalogue(file, { clock: systemClock })
  const named = options.data === undefined ? {} : { dataDir: resolve(options.data) }
  const loaded = await loadGatewayConfig(file, { catalogue, env: process.env, ...named })
  if (!loaded.ok) {
    console.error(problemLines(loaded.problems, process.stderr))
    process.exitCode = EXIT_CONFIG
    return
  }
  const config = { ...loaded.config, ...(named.dataDir !== undefined && { data: named.dataDir }) }
  mustHave(config, device)
  const holder = runningGateway(config.data)
  const progress = progressLine()
  const awake = setInterval(() => {}, 1000) // the system clock's timers do not keep the process alive
  const devices = await probeDevices({
    config,
    catalogue,
    clock: systemClock,
    device: device ?? null,
    deadlineMs: options.timeout,
    waitMs: Math.min(options.wait, options.timeout),
    onProgress: (done, of) => progress.show(() => `${progressBar(done, of)} ${done} of ${counted(of, 'device')} read`),
  }).finally(() => {
    progress.clear()
    clearInterval(awake)
  })
  const sensors = devices.filter(({ skipped }) => skipped === null).flatMap((probed) => probed.sensors)
  const bad = sensors.filter(({ quality }) => quality === 'bad').length
  if (options.json === true) printJson({ devices, bad, holder })
  else printTable({ devices, sensors, bad, holder })
  if (bad > 0) process.exitCode = EXIT_BAD
}

function mustHave({ devices }: GatewayConfig, device: string | undefined): void {
  const ids = devices.map(({ id }) => id)
  if (device === undefined || ids.includes(device)) return
  const hint = suggestion(device, ids, (id) => id)
  throw new TelemetryError('NOT_FOUND', `There is no device ${device} in the configuration${hint}`)
}

interface Findings {
  readonly devices: readonly ProbedDevice[]
  readonly bad: number
  /** The gateway that runs on the data folder. */
  readonly holder: { readonly pid: number | null } | null
}

function printJson({ devices, bad, holder }: Findings): void {
  const shown = devices.map((device) => ({
    ...device,
    connectMs: rounded(device.connectMs),
    sensors: device.sensors.map((sensor) => ({
      ...sensor,
      value: jsonValue(sensor.value),
      time: sensor.time === null ? null : new Date(sensor.time).toISOString(),
      latencyMs: rounded(sensor.latencyMs),
    })),
  }))
  console.log(JSON.stringify({ ok: bad === 0, runningGateway: holder, devices: shown }))
}

function printTable({ devices, sensors, bad, holder }: Findings & { sensors: readonly ProbedSensor[] }): void {
  const rows = sensors.map(({ sensor, value, unit, quality, status, latencyMs }) => [
    sensor,
    shownValue(value),
    unit,
    quality,
    status,
    latencyMs === null ? '' : `${rounded(latencyMs)} ms`,
  ])
  const head = ['SENSOR', 'VALUE', 'UNIT', 'QUALITY', 'STATUS', 'LATENCY']
  if (rows.length > 0) console.log(table(head, rows, { right: [1, 5] }))
  for (const device of devices) for (const line of explanations(device)) console.log(`\n${line}`)
  if (holder !== null) console.error(`\n${holderText(holder)}`)
  console.error(`\n${counted(sensors.length, 'sensor')} read, ${bad === 0 ? 'none' : bad} bad`)
}

function holderText({ pid }: { pid: number | null }): string {
  const who = pid === null ? 'A gateway' : `A gateway (process ${pid})`
  return (
    `${who} runs on this data folder. It keeps its serial ports for itself, and devices that allow one connection may refuse this second one: ` +
    'what is bad here may be good there. Its dashboard shows what it reads.'
  )
}

/** Sensors of a device with the same reason are named together. */
function explanations({ id, skipped, sensors }: ProbedDevice): string[] {
  if (skipped !== null) return [`${id}: not read. ${skipped}.`]
  const groups = new Map<string, string[]>()
  for (const { sensor, reason, advice } of sensors) {
    if (reason === null) continue
    const text = `${reason}\n  → ${advice}`
    groups.set(text, [...(groups.get(text) ?? []), sensor])
  }
  return [...groups].map(([text, names]) => `${nameList(names, sensors.length, id)}: ${text}`)
}

function nameList(names: readonly string[], all: number, device: string): string {
  if (names.length === all && all > 1) return `${device}, all ${all} sensors`
  const more = names.length - MAX_NAMES
  return names.slice(0, MAX_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function shownValue(value: Value | null): string {
  if (value === null) return '–'
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value)
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(7))) : String(value)
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)
}
