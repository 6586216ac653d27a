// A real broker for the tests: Debian's mosquitto on a free port, with its files in a temporary folder.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BINARY = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto'].find((path) => existsSync(path))

export const hasMosquitto = BINARY !== undefined

export interface MosquittoOptions {
  /** User name to password; without any, everyone may connect. */
  readonly users?: Readonly<Record<string, string>>
  /** Lines of an access control file. */
  readonly acl?: readonly string[]
  /** Further lines of the listener. `FOLDER` stands for the broker's folder. */
  readonly listener?: readonly string[]
  /** false: forgets retained messages and sessions when it ends. */
  readonly persistence?: boolean
  /** Files to put into the folder first. */
  readonly files?: Readonly<Record<string, string>>
}

export class Mosquitto {
  readonly port: number
  readonly folder: string
  #process: ChildProcess | null = null

  private constructor(port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  /** Writes the configuration and starts the broker. */
  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), 'telemetryx-mosquitto-'))
    await chmod(folder, 0o777) // as root the broker drops its rights
    const broker = new Mosquitto(await freePort(), folder)
    await broker.#configure(options)
    await broker.start()
    return broker
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    if (!BINARY) throw new Error('There is no mosquitto on this machine')
    this.#process = spawn(BINARY, ['-c', join(this.folder, 'mosquitto.conf')], { stdio: 'ignore' })
    while (!(await answers(this.port))) {
      if (this.#process.exitCode !== null) throw new Error(`mosquitto ended with ${this.#process.exitCode}`)
    }
  }

  /** SIGTERM keeps sessions and queued messages for the next start, SIGKILL does not. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const broker = this.#process
    this.#process = null
    if (!broker || broker.exitCode !== null || broker.signalCode !== null) return
    const ended = once(broker, 'exit')
    broker.kill(signal)
    await ended
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.folder, { recursive: true, force: true })
  }

  async #configure({ users, acl, listener = [], files = {}, persistence = true }: MosquittoOptions): Promise<void> {
    const lines = [
      'per_listener_settings false',
      `persistence ${persistence}`,
      `persistence_location ${this.folder}/`,
      'log_type none',
      'max_queued_messages 1000000',
      users ? `password_file ${this.folder}/users` : 'allow_anonymous true',
      ...(acl ? [`acl_file ${this.folder}/acl`] : []),
      `listener ${this.port} 127.0.0.1`,
      ...listener.map((line) => line.replaceAll('FOLDER', this.folder)),
    ]
    await writeFile(join(this.folder, 'mosquitto.conf'), `${lines.join('\n')}\n`)
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.folder, name), text, { mode: 0o644 })
    if (acl) await writeFile(join(this.folder, 'acl'), `${acl.join('\n')}\n`)
    if (users) await this.#writeUsers(users)
  }

  async #writeUsers(users: Readonly<Record<string, string>>): Promise<void> {
    const file = join(this.folder, 'users')
    await writeFile(file, '')
    for (const [name, password] of Object.entries(users)) spawnSync('mosquitto_passwd', ['-b', file, name, password])
    await chmod(file, 0o644)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => setTimeout(resolve, 20, false))
    socket.once('connect', () => socket.destroy())
  })
}
