// What the demo runs beside its gateway: the brain and central, each in a process of its own, so that neither can slow or end what
// reads the machines. They take seconds to start; the gateway does not wait for them.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { centralAccess, type CentralAccess } from './demo-central.ts'
import { freePort } from './free-port.ts'

const USUAL_BRAIN_PORT = 50_051
const USUAL_CENTRAL_PORT = 8090
/** Both have an embedded PostgreSQL: 0.4 GB each after a start, more while they are busy. */
const NEEDED_BYTES = 1_500_000_000
const KILL_AFTER_MS = 10_000

const launcher = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))

/** A role of ours in a process of its own. */
interface Role {
  readonly name: 'brain' | 'central'
  readonly process: ChildProcess
  /** What it prints once it serves. */
  readonly addresses: Promise<string>
}

export interface DemoServices {
  /** Where the brain will take gRPC: host:port. */
  readonly brain: string
  /** Where central's API will be: its base URL. */
  readonly central: string
  /**
   * `brain` resolves once it serves, `central` once it has an account and a key for the gateway; each rejects when it has
   * ended before.
   */
  start(): { readonly brain: Promise<unknown>; readonly central: Promise<CentralAccess> }
  stop(): Promise<void>
}

export interface DemoServicesOptions {
  readonly dataDir: string
  readonly clock: Clock
  /** Told when one of them ends by itself. */
  readonly onFailure: (text: string) => void
}

/** null: enough memory for both; else why not. */
export function reasonWithoutServices(): string | null {
  const free = freemem()
  if (free >= NEEDED_BYTES) return null
  return `brain and central: they need 1.5 GB of free memory, here are ${(free / 1e9).toFixed(1)} GB`
}

/** Chooses ports and writes the configurations; nothing runs yet. */
export async function prepareDemoServices({ clock, dataDir, onFailure }: DemoServicesOptions): Promise<DemoServices> {
  const ports = { brain: await freePort(USUAL_BRAIN_PORT), central: await freePort(USUAL_CENTRAL_PORT) }
  const brainFile = join(dataDir, 'brain.yaml')
  const centralFile = join(dataDir, 'central.yaml')
  await writeFile(brainFile, brainYaml(ports.brain))
  await writeFile(centralFile, centralYaml(ports))
  const url = `http://127.0.0.1:${ports.central}`
  const roles: Role[] = []
  let isStopping = false
  const start = (name: Role['name'], file: string): Role => {
    const role = startRole(name, file, join(dataDir, `${name}.log`))
    role.process.once('exit', (code, signal) => {
      if (!isStopping) onFailure(`${name} has ended (${code ?? signal}); ${join(dataDir, `${name}.log`)} says why`)
    })
    roles.push(role)
    return role
  }
  return {
    brain: `127.0.0.1:${ports.brain}`,
    central: url,
    start: () => {
      const brain = start('brain', brainFile).addresses
      const central = centralAccess({ dataDir, addresses: start('central', centralFile).addresses, url })
      return { brain, central }
    },
    stop: async () => {
      isStopping = true
      await Promise.all(roles.map((role) => end(role.process, clock)))
    },
  }
}

function startRole(name: Role['name'], file: string, logFile: string): Role {
  const child = spawn(process.execPath, [...process.execArgv, launcher, name, '--json', '-c', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // a closed channel tells it that the demo is gone, however that ended
    detached: true, // Ctrl-C in the terminal is ours: the gateway hands in what it still has before they end
  })
  child.stderr?.pipe(createWriteStream(logFile, { flags: 'a', mode: 0o600 }))
  return { name, process: child, addresses: firstLine(child) }
}

/** Rejects with UNAVAILABLE when there is none. */
async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface(child.stdout!)) return line
  throw new TelemetryError('UNAVAILABLE', 'It has ended before it served')
}

async function end(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = clock.after(KILL_AFTER_MS, () => void child.kill('SIGKILL'))
  await exited
  timer.cancel()
}

function brainYaml(port: number): string {
  return [
    '# Written by `telemetryx demo` at each start. Without tokens only this machine may call.',
    'version: 1',
    `listen: { host: 127.0.0.1, port: ${port} }`,
    'http: { port: 0 }',
    'data: ./brain',
    '',
  ].join('\n')
}

function centralYaml({ brain, central }: { readonly brain: number; readonly central: number }): string {
  return [
    '# Written by `telemetryx demo` at each start; the database is the embedded one, for trying out.',
    'version: 1',
    `http: { host: 127.0.0.1, port: ${central} }`,
    'data: ./central',
    `brain: { url: "127.0.0.1:${brain}" }`,
    '',
  ].join('\n')
}
