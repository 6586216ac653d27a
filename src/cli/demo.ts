// `telemetryx demo`: simulated machines on real protocols, a broker, and a gateway that watches the ones and feeds the other; beside
// them the brain and central.

import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { parseGatewayConfig } from '#config/load.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { packageVersion } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger, logFile } from '#kit/logger.ts'
import { centralFiles } from './demo-central.ts'
import { startDemoPlant, type DemoPlant } from './demo-plant.ts'
import { prepareDemoServices, reasonWithoutServices, type DemoServices } from './demo-services.ts'
import { freePort } from './free-port.ts'
import { portArgument } from './port-argument.ts'
import { untilSignal } from './until-signal.ts'

const USUAL_HTTP_PORT = 8080
const STOP_DEADLINE_MS = 10_000
const SERVICES = ['brain', 'central'] as const
type ServiceName = (typeof SERVICES)[number]

interface DemoOptions {
  readonly data: string
  readonly port: number
  readonly faults: boolean
  readonly gatewayOnly?: true
  readonly json?: true
}

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .summary('run a simulated factory, a gateway that watches it, the brain and central')
    .description(
      'Runs simulated machines that speak Modbus TCP, OPC UA, MQTT and, where socat is installed, a serial line, a small MQTT broker, and a gateway on them, which forwards to the broker, the brain and central. Now and then a ' +
        'machine fails, so that there is something to see. Readings are kept in the data folder between runs. Ctrl-C ends all of it.',
    )
    .addOption(new Option('--data <dir>', 'where the gateway keeps its data').default('data/demo'))
    .addOption(
      new Option('--port <number>', 'port of the dashboard; a free one when it is taken')
        .default(USUAL_HTTP_PORT)
        .argParser(portArgument),
    )
    .option('--no-faults', 'nothing ever fails')
    .option('--gateway-only', 'without the brain and central')
    .option('--json', 'print the addresses as one line of JSON')
    .addHelpText('after', '\nExample:\n  telemetryx demo --data /tmp/demo')
    .action(runDemo)
}

async function runDemo(options: DemoOptions): Promise<void> {
  const dataDir = resolve(options.data)
  await mkdir(dataDir, { recursive: true })
  const stop = untilSignal(systemClock)
  const lacking = options.gatewayOnly ? null : reasonWithoutServices()
  let plant: DemoPlant | null = null
  let gateway: Gateway | null = null
  let services: DemoServices | null = null
  try {
    plant = await startDemoPlant({
      dataDir,
      faults: options.faults,
      onFailure: warn('a simulated machine is missing: '),
    })
    if (!options.gatewayOnly && lacking === null)
      services = await prepareDemoServices({ dataDir, clock: systemClock, onFailure: warn('') })
    const { mqttPort, protocols, missing } = plant
    const httpPort = await freePort(options.port)
    const parts = { devices: plant.yaml, httpPort, mqttPort, dataDir, services, serving: new Set<ServiceName>() }
    const yaml = demoYaml(parts)
    await writeFile(join(dataDir, 'gateway.yaml'), yaml)
    gateway = await startDemoGateway(yaml, dataDir, services ? SERVICES : [])
    plant.startSlowOnes()
    const mqtt = `mqtt://127.0.0.1:${mqttPort}`
    const addresses = {
      dashboard: gateway.url,
      mqtt,
      data: dataDir,
      brain: services?.brain,
      central: services?.central,
    }
    if (options.json) console.log(JSON.stringify(addresses))
    else
      printWelcome({
        ...addresses,
        protocols,
        missing: lacking === null ? missing : [...missing, lacking],
        usualPort: httpPort === options.port || options.port === 0 ? null : options.port,
      })
    const stopping = new AbortController()
    if (services)
      void forwardToServices(services, gateway, parts, stopping.signal).then((serving) => {
        if (serving && !options.json) console.log('Brain and central serve now, and get what was read since the start.')
      })
    await stop
    stopping.abort()
    if (!options.json) console.log('\nStopping: what was read is being stored …')
  } finally {
    await gateway?.stop({ deadlineMs: STOP_DEADLINE_MS })
    await services?.stop()
    await plant?.stop()
  }
}

const warn =
  (prefix: string) =>
  (text: string): void =>
    console.error(`telemetryx: ${prefix}${text}`)

/**
 * Starts both; each gets its uplink once it serves, while the gateway runs, and with it all that was read since its start.
 * Resolves with whether both did.
 */
async function forwardToServices(
  services: DemoServices,
  gateway: Gateway,
  parts: DemoParts,
  stopping: AbortSignal,
): Promise<boolean> {
  const serves = services.start()
  let added = Promise.resolve()
  const add = async (name: ServiceName): Promise<void> => {
    parts.serving.add(name)
    await writeFile(join(parts.dataDir, 'gateway.yaml'), demoYaml(parts))
    await gateway.configuration?.reload('demo')
  }
  const addOnce = async (name: ServiceName): Promise<void> => {
    try {
      await serves[name]
      await (added = added.catch(() => {}).then(() => add(name))) // one change of the file at a time
    } catch (error) {
      if (!stopping.aborted) warn(`nothing is forwarded to ${name}: `)(toTelemetryError(error).message)
    }
  }
  await Promise.all(SERVICES.map(addOnce))
  return SERVICES.every((name) => parts.serving.has(name)) && !stopping.aborted
}

async function startDemoGateway(
  yaml: string,
  dataDir: string,
  expectedUplinks: readonly ServiceName[],
): Promise<Gateway> {
  const catalogue = createCatalogue({ clock: systemClock })
  const parsed = parseGatewayConfig(yaml, { file: join(dataDir, 'gateway.yaml'), catalogue, env: process.env })
  if (!parsed.ok) {
    const [first] = parsed.problems
    throw new TelemetryError(
      'INTERNAL',
      `The demo's own configuration is wrong: line ${first?.line}: ${first?.message}`,
    )
  }
  const log = createLogger({ level: 'info', destination: logFile(join(dataDir, 'gateway.log')) })
  const source = { file: join(dataDir, 'gateway.yaml'), env: process.env, loaded: parsed }
  return startGateway({
    config: parsed.config,
    catalogue,
    clock: systemClock,
    log,
    random: Math.random,
    source,
    expectedUplinks,
  })
}

interface DemoParts {
  readonly devices: string
  readonly httpPort: number
  readonly mqttPort: number
  readonly dataDir: string
  readonly services: DemoServices | null
  /** Those that take what the gateway forwards. */
  readonly serving: Set<ServiceName>
}

function demoYaml({ dataDir, devices, httpPort, mqttPort, services, serving }: DemoParts): string {
  const key = `\${file:${centralFiles(dataDir).keyFile}}`
  return [
    '# Written by `telemetryx demo` at each start; a real gateway.yaml looks the same.',
    'version: 1',
    'gateway: { id: demo, factory: Press shop }',
    'data: .',
    `http: { host: 127.0.0.1, port: ${httpPort}, auth: none }`,
    devices,
    'uplinks:',
    `  - { id: site, type: mqtt, url: "mqtt://127.0.0.1:${mqttPort}", topic: "{factory}/{machine}/{sensor}", format: json, qos: 1 }`,
    ...(services && serving.has('brain') ? [`  - { id: brain, type: grpc, url: "grpc://${services.brain}" }`] : []),
    ...(services && serving.has('central')
      ? [`  - { id: central, type: central, url: "${services.central}", token: "${key}" }`]
      : []),
    '',
  ].join('\n')
}

interface Welcome {
  readonly dashboard: string
  readonly mqtt: string
  readonly data: string
  readonly brain: string | undefined
  readonly central: string | undefined
  /** The port that was asked for and is taken; null when it was free. */
  readonly usualPort: number | null
  readonly protocols: readonly string[]
  /** Protocols that this machine cannot simulate. */
  readonly missing: readonly string[]
}

function printWelcome({ brain, central, dashboard, mqtt, data, usualPort, protocols, missing }: Welcome): void {
  const note = usualPort === null ? '' : `   (port ${usualPort} is taken)`
  const services =
    brain === undefined || central === undefined
      ? ''
      : `\n  Brain          grpc://${brain}   starting` +
        `\n  Central        ${central}   starting; login in ${centralFiles(data).loginFile}`
  console.log(`TelemetryX Edge ${packageVersion()}: demo

  Dashboard      ${dashboard}${note}
  API            ${dashboard}/api/v1/sensors
  MQTT           ${mqtt}   topics press-shop/{machine}/{sensor}${services}
  Configuration  ${join(data, 'gateway.yaml')}
  Log            ${join(data, 'gateway.log')}

Simulated machines are read over ${listed(protocols)}. The first fault comes in ten seconds.
Readings are kept in ${data}. Ctrl-C ends the demo.`)
  for (const what of missing) console.log(`Left out: ${what}.`)
}

function listed(words: readonly string[]): string {
  return words.join(', ').replace(/, ([^,]*)$/, ' and $1')
}
