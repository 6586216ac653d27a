// A serial port made by socat: a real pseudo-terminal behind a link, whose other end is this object. It can be unplugged
// and plugged in again under the same link, as an adapter under /dev/serial/by-id. `unplug` needs no time: further
// terminals are kept ready.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  renameSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

/** True when socat can serve. */
export const hasSocat = spawnSync('socat', ['-V']).status === 0

interface Terminal {
  readonly child: ChildProcess
  readonly device: string
  /** Keeps the terminal alive while nobody else has it open. */
  readonly keeper: number
}

export class SerialPty {
  /** Path of the port. */
  readonly path: string
  /** What the other side sends. */
  onData: (chunk: Buffer) => void = () => {}
  readonly #folder: string
  readonly #spares: Terminal[] = []
  #present: Terminal | null = null
  #count = 0

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'port')
  }

  /** @param spares how often it can be plugged in again. */
  static async start(spares = 0): Promise<SerialPty> {
    const pty = new SerialPty(mkdtempSync(join(tmpdir(), 'telemetryx-serial-')))
    await pty.provide(spares + 1)
    pty.plugIn()
    return pty
  }

  /** Keeps further terminals ready. */
  async provide(count: number): Promise<void> {
    this.#spares.push(...(await Promise.all(Array.from({ length: count }, () => this.#makeTerminal()))))
  }

  /** To the gateway. */
  send(bytes: string | Uint8Array): void {
    this.#present?.child.stdin?.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** The port vanishes, link and all. */
  unplug(): void {
    const terminal = this.#present
    this.#present = null
    rmSync(this.path, { force: true })
    if (terminal !== null) end(terminal)
  }

  /** The port is there again, as another terminal under the same path. */
  plugIn(): void {
    const terminal = this.#spares.shift()
    if (terminal === undefined) throw new Error('No terminal is ready: provide() first')
    this.#present = terminal
    terminal.child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#present === terminal) this.onData(chunk)
    })
    symlinkSync(terminal.device, `${this.path}.new`)
    renameSync(`${this.path}.new`, this.path)
  }

  /** How often this process has the port open. */
  get openCount(): number {
    const device = this.#present?.device
    const descriptors = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === device
      } catch {
        return false // closed meanwhile
      }
    })
    return device === undefined ? 0 : descriptors.length - 1
  }

  async stop(): Promise<void> {
    this.unplug()
    for (const terminal of this.#spares.splice(0)) end(terminal)
    rmSync(this.#folder, { recursive: true, force: true })
    await Promise.resolve()
  }

  async #makeTerminal(): Promise<Terminal> {
    this.#count += 1
    const link = join(this.#folder, `terminal-${this.#count}`)
    const child = spawn('socat', [`pty,link=${link},raw,echo=0`, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => {}) // written to while it ends
    const failed = once(child, 'exit').then(() => {
      throw new Error('socat ended')
    })
    failed.catch(() => {})
    while (!existsSync(link)) await Promise.race([failed, after(2)])
    const device = readlinkSync(link)
    return { child, device, keeper: openSync(device, constants.O_RDWR | constants.O_NOCTTY) }
  }
}

function end({ child, keeper }: Terminal): void {
  child.kill('SIGKILL')
  closeSync(keeper)
}
