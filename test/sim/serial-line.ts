// Serial lines without hardware: pseudo terminals made by socat. A pty is not paced by its baud rate, and opening it with
// any settings works.
//
//   const line = await SerialLine.toTcp(slave.port)      one end is a pty, the other a TCP server
//   const line = await SerialLine.pair()                 two ptys: `path` for the driver, `farPath` for a slave
//   await line.unplug(); await line.replug()

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'

export const hasSocat = spawnSync('socat', ['-V']).status === 0

const PTY = 'raw,echo=0'

export class SerialLine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'telemetryx-serial-'))
  readonly path = join(this.#folder, 'near')
  readonly farPath = join(this.#folder, 'far')
  readonly #far: string
  #socat: ChildProcess | null = null

  private constructor(tcpPort: number | null) {
    this.#far = tcpPort === null ? `PTY,link=${this.farPath},${PTY}` : `TCP:127.0.0.1:${tcpPort}`
  }

  static async pair(): Promise<SerialLine> {
    const line = new SerialLine(null)
    await line.replug()
    return line
  }

  static async toTcp(port: number): Promise<SerialLine> {
    const line = new SerialLine(port)
    await line.replug()
    return line
  }

  async replug(): Promise<void> {
    this.#socat = spawn('socat', [`PTY,link=${this.path},${PTY}`, this.#far], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const isPair = this.#far.startsWith('PTY')
    await vi.waitFor(() => {
      if (!existsSync(this.path) || (isPair && !existsSync(this.farPath))) throw new Error('socat has made no pty yet')
    }, EVENTUALLY)
  }

  async unplug(): Promise<void> {
    const socat = this.#socat
    this.#socat = null
    if (socat === null || socat.exitCode !== null || socat.signalCode !== null) return
    const exited = once(socat, 'exit')
    socat.kill()
    await exited
    rmSync(this.path, { force: true })
  }

  async remove(): Promise<void> {
    await this.unplug()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
