// A server of the system as a child process on a free port of 127.0.0.1: killed and started again on the same port with the same
// folder, and gone with the tests.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const TRIES = 5

export interface ServerPlan {
  readonly command: string
  readonly args: (port: number, folder: string) => readonly string[]
  /** In the line that says that it serves now. */
  readonly ready: string
  readonly folder?: string
  readonly port?: number
}

export class ServerProcess {
  readonly port: number
  readonly folder: string
  readonly #plan: ServerPlan
  #child: ChildProcess | null = null
  #hasEnded = Promise.resolve()
  readonly #onExit = (): void => void this.#child?.kill('SIGKILL')

  private constructor(plan: ServerPlan, port: number, folder: string) {
    this.#plan = plan
    this.port = port
    this.folder = folder
    process.once('exit', this.#onExit)
  }

  static async start(plan: ServerPlan): Promise<ServerProcess> {
    const folder = plan.folder ?? (await mkdtemp(join(tmpdir(), `telemetryx-${plan.command}-`)))
    for (let attempt = 1; ; attempt++) {
      const server = new ServerProcess(plan, plan.port ?? (await anyPort()), folder)
      try {
        await server.restart()
        return server
      } catch (cause) {
        process.removeListener('exit', server.#onExit)
        if (attempt === TRIES || plan.port !== undefined) throw cause
      }
    }
  }

  /** Starts it again; resolves when it serves. */
  async restart(): Promise<void> {
    await this.kill()
    const { args, command, ready } = this.#plan
    const child = spawn(command, args(this.port, this.folder), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#hasEnded = once(child, 'close').then(
      () => undefined,
      () => undefined,
    )
    const said: string[] = []
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          if (said.length < 50) said.push(line)
          if (line.includes(ready)) resolve()
        })
      }
      child.once('error', reject)
      void this.#hasEnded.then(() => reject(new Error(`${command} ended: ${said.join('\n')}`)))
    })
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#hasEnded
    this.#child = null
  }

  /** It no longer answers, but its connections stay. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    this.thaw()
    await this.kill()
    process.removeListener('exit', this.#onExit)
    await rm(this.folder, { recursive: true, force: true })
  }
}

export async function anyPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
