// The demo as a user starts it: a process of its own, with its addresses read from its output.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))

export interface Demo {
  readonly process: ChildProcess
  /** Base URL of the dashboard and API. */
  readonly url: string
  readonly mqtt: string
  /** Base URL of central; undefined without it. */
  readonly central: string | undefined
  /** Sends a signal and resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** GET of an API path under /api/v1, as JSON. */
  get<T>(path: string): Promise<T>
}

export interface DemoArguments {
  readonly dataDir: string
  /** With the brain and central, which take seconds and most of a processor to start. Default false. */
  readonly services?: boolean
  readonly more?: readonly string[]
}

/** Starts `telemetryx demo --json` and resolves once it printed its addresses. */
export async function startDemo({ dataDir, more = [], services = false }: DemoArguments): Promise<Demo> {
  const all = services ? more : ['--gateway-only', ...more]
  const child = spawn(process.execPath, [launcher, 'demo', '--json', '--port', '0', '--data', dataDir, ...all], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    exited.then(([code]) => Promise.reject(new Error(`The demo ended with ${code}: ${errors}`))),
  ])
  const { central, dashboard, mqtt } = JSON.parse(line[0]) as { central?: string; dashboard: string; mqtt: string }
  return {
    process: child,
    url: dashboard,
    mqtt,
    central,
    async end(signal) {
      child.kill(signal)
      const [code, endedBy] = await exited
      return { code, signal: endedBy }
    },
    async get<T>(path: string): Promise<T> {
      const response = await fetch(`${dashboard}/api/v1${path}`)
      if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
  }
}
