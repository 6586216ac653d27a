// `telemetryx simulate`: devices over real protocols, as a file describes them, until it is told to stop.

import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadPlainFile } from '#config/plain-file.ts'
import { systemClock } from '#kit/clock.ts'
import { SimulationFiles } from '#simulate/files.ts'
import { simulationProblems } from '#simulate/rules.ts'
import { SimulationSchema, type SimulationSpec } from '#simulate/schema.ts'
import { Simulation, type SimulationEvent } from '#simulate/simulation.ts'
import { counted, problemLines } from './config-file.ts'
import { duration } from './duration-argument.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import { table } from './table.ts'
import { untilSignal } from './until-signal.ts'

interface SimulateOptions {
  readonly for?: number
  readonly check?: true
  readonly json?: true
}

export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .summary('run simulated devices over real protocols')
    .description(
      'Runs the devices that a file describes: Modbus TCP and RTU, OPC UA, MQTT, serial instruments, HTTP posts, and recorded devices, with signals and ' +
        'faults at their times. Prints where they are and what happens. Ctrl-C ends it.',
    )
    .argument('<file>', 'description of the devices, see docs/simulation.md')
    .option('--for <duration>', 'ends by itself after this time', duration)
    .option('--check', 'only look for mistakes in the file')
    .option('--json', 'print each event as a line of JSON')
    .addHelpText('after', '\nExample:\n  telemetryx simulate config/examples/simulate/boiler-house.yaml --for 10m')
    .action(simulate)
}

async function simulate(file: string, options: SimulateOptions): Promise<void> {
  const files = new SimulationFiles(dirname(resolve(file)))
  const loaded = loadPlainFile<SimulationSpec>(file, {
    schema: SimulationSchema,
    env: process.env,
    rules: (spec) => [...simulationProblems(spec), ...fileProblems(spec, files)],
  })
  if (!loaded.ok) {
    if (options.json) console.log(JSON.stringify({ ok: false, file, problems: loaded.problems }))
    else console.log(problemLines(loaded.problems, process.stdout))
    console.error(counted(loaded.problems.length, 'problem'))
    process.exitCode = EXIT_CONFIG
    return
  }
  const { devices, seed } = loaded.config
  if (options.check === true) {
    if (options.json) console.log(JSON.stringify({ ok: true, file, devices: devices.length }))
    else console.log(`${file}: ok, ${counted(devices.length, 'device')}`)
    return
  }
  const stop = untilStop(options.for ?? null)
  const onEvent = (event: SimulationEvent): void => console.log(eventLine(event, options.json === true))
  const dir = join(tmpdir(), `telemetryx-simulate-${userInfo().username}`)
  const simulation = new Simulation({ devices, seed, clock: systemClock, files, dir, onEvent })
  const started = await simulation.start()
  if (options.json === true) console.log(JSON.stringify({ devices: started }))
  else {
    console.log(
      table(
        ['DEVICE', 'PROTOCOL', 'WHERE'],
        started.map(({ device, protocol, where }) => [device, protocol, where]),
      ),
    )
    console.log('\nCtrl-C ends the simulation.\n')
  }
  await stop
  await simulation.stop()
}

/** The word to stop, or the end of the time. A handle of its own keeps the process alive meanwhile. */
async function untilStop(forMs: number | null): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((done) => {
    timer = forMs === null ? setInterval(() => {}, 1 << 30) : setTimeout(done, forMs)
  })
  await Promise.race([untilSignal(systemClock), over])
  clearTimeout(timer)
}

/** Files that are named and cannot be used, told where they are named. */
function fileProblems({ devices }: SimulationSpec, files: SimulationFiles) {
  return devices.flatMap((device, index) => {
    if (device.protocol === 'replay') return problemOf(() => files.frames(device.frames), ['devices', index, 'frames'])
    return device.points.flatMap(({ signal }, point) =>
      signal === undefined
        ? []
        : problemOf(() => files.signal(signal), ['devices', index, 'points', point, 'signal', 'file']),
    )
  })
}

function problemOf(read: () => unknown, path: readonly (string | number)[]) {
  try {
    read()
    return []
  } catch (error) {
    return [{ path, message: error instanceof Error ? error.message : String(error) }]
  }
}

function eventLine({ time, device, text }: SimulationEvent, isJson: boolean): string {
  const stamp = new Date(time).toISOString()
  return isJson ? JSON.stringify({ time: stamp, device, event: text }) : `${stamp.slice(11, 19)} ${device}: ${text}`
}
