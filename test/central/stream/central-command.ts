// `telemetryx central` as a process of its own, as it is installed: asked over HTTP, killed as a power cut would.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { askCentral, type Answer, type Ask } from '../api/central-peer.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/telemetryx', import.meta.url))

export class CentralCommand {
  readonly url: string
  /** Token of the set-up link; null: there is an administrator. */
  readonly setupToken: string | null
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, folder: string, said: { api: string; setup: string | null }) {
    this.url = said.api.replace(/\/api\/v1$/, '')
    this.setupToken = said.setup === null ? null : new URL(said.setup).hash.replace('#token=', '')
    this.#child = child
    this.#folder = folder
  }

  /** @param yaml its central.yaml, without `version` and `data`. */
  static async start(yaml: string): Promise<CentralCommand> {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-command-'))
    const file = join(folder, 'central.yaml')
    writeFileSync(file, `version: 1\ndata: ./data\n${yaml}\n`)
    const args = [LAUNCHER, 'central', '-c', file, '--json', '--log-level', 'error']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const line = once(createInterface(child.stdout), 'line') as Promise<[string]>
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('telemetryx central ended')))
    const [text] = await Promise.race([line, ended])
    ended.catch(() => {}) // it ends some time
    return new CentralCommand(child, folder, JSON.parse(text) as { api: string; setup: string | null })
  }

  ask<T = Record<string, unknown>>(path: string, ask: Ask = {}): Promise<Answer<T>> {
    return askCentral<T>(this.url, path, ask)
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }
}
