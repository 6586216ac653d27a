// The commands of a soak run, each in a process of its own, as they are installed.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))
const INSIDE = fileURLToPath(new URL('inside.mjs', import.meta.url))
const STOP_MS = 60_000

export interface CommandOptions {
  /** The program to run; null: that of this working folder. */
  readonly program: string | null
  /** It can be told to collect, and loses so many bytes a second; null: it is left alone. */
  readonly leak: number | null
}

export class Command {
  /** All that it has printed but the first line. */
  readonly lines: string[] = []
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.#exited = once(child, 'exit')
  }

  /** Resolves once it has said its first line, which is that it serves. Throws when it ends before. */
  static async start(args: readonly string[], { leak, program }: CommandOptions): Promise<Command> {
    const [file, ...before] = program === null ? [process.execPath, LAUNCHER] : [program]
    const inside = { NODE_OPTIONS: `--import=${INSIDE}`, TELEMETRYX_SOAK_LEAK: String(leak) }
    const child = spawn(file!, [...before, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(leak !== null && inside) },
    })
    const command = new Command(args[0]!, child)
    const lines = createInterface(child.stdout)
    const ended = command.#exited.then(() => Promise.reject(new Error(`${command.#name} ended before it served`)))
    ended.catch(() => {})
    await Promise.race([once(lines, 'line'), ended])
    lines.on('line', (line) => command.lines.push(line))
    return command
  }

  /** What it answers afterwards is of after the collection. */
  collect(): void {
    this.#child.kill('SIGUSR2')
  }

  /** As a technician ends it. Throws when it has ended by itself, or does not end. */
  async stop(): Promise<void> {
    if (this.#isOver) throw new Error(`${this.#name} ended by itself`)
    this.#child.kill('SIGTERM')
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await this.#exited
    clearTimeout(limit)
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`${this.#name} did not end`)
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    if (this.#isOver) return
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
