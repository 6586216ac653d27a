// A role of the product as a process of its own: `telemetryx brain` or `telemetryx central`, which say on their first line where they are.

import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { LAUNCHER } from '#test/cli/run-command.ts'

/** Below those that the system gives to outgoing connections: nobody takes it while its server is away. */
const FIRST_PORT = 20_000
const PORTS = 12_000

/** A free port for a server that is started there more than once. */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false)
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export interface Addresses {
  readonly grpc: number | string | null
  readonly http?: number | string
  readonly api?: string
  readonly setup?: string | null
}

export class RoleProcess {
  readonly addresses: Addresses
  /** Lines of its log, JSON. */
  readonly log: readonly string[]
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, addresses: Addresses, log: readonly string[]) {
    this.#child = child
    this.addresses = addresses
    this.log = log
  }

  /** Resolves once it serves. */
  static async start(role: 'brain' | 'central', file: string): Promise<RoleProcess> {
    const args = [LAUNCHER, role, '-c', file, '--json', '--log-level', 'debug']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const log: string[] = []
    createInterface(child.stderr).on('line', (line) => log.push(line))
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'exit').then(() => Promise.reject(new Error(`${role} ended: ${log.join('\n')}`))),
    ])) as [string]
    return new RoleProcess(child, JSON.parse(line) as Addresses, log)
  }

  /** Resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }
}
