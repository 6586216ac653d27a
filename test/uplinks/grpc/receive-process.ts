// `telemetryx receive` in a process of its own, at the same port from start to start.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LAUNCHER } from '../../cli/run-command.ts'
import type { KeptLine } from './receiver-peer.ts'

export class ReceiveProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'telemetryx-receive-'))
  #process: ChildProcess | null = null
  #port = 0
  #httpPort = 0

  get port(): number {
    return this.#port
  }

  get httpPort(): number {
    return this.#httpPort
  }

  async start(): Promise<void> {
    const words = [
      'receive',
      '--data',
      this.folder,
      '--grpc-port',
      String(this.#port),
      '--http-port',
      String(this.#httpPort),
    ]
    const child = spawn(process.execPath, [LAUNCHER, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = child
    for await (const line of createInterface(child.stdout)) {
      const port = /^gRPC: .*:(\d+)$/.exec(line)?.[1]
      if (port !== undefined) this.#port = Number(port)
      const httpPort = /^HTTP: .*:(\d+)/.exec(line)?.[1]
      if (httpPort !== undefined) {
        this.#httpPort = Number(httpPort)
        return
      }
    }
    throw new Error('telemetryx receive ended at once')
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Reads a receiver's file as it grows; only batches that are closed. Throws when a record stands there twice. */
export class GrowingFile {
  readonly lines: KeptLine[] = []
  readonly #path: string
  readonly #ids = new Set<string>()
  #offset = 0

  constructor(path: string) {
    this.#path = path
  }

  read(): readonly KeptLine[] {
    if (!existsSync(this.#path)) return this.lines
    const file = openSync(this.#path, 'r')
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#offset))
    const length = readSync(file, bytes, 0, bytes.length, this.#offset)
    closeSync(file)
    this.#take(bytes.subarray(0, length).toString())
    return this.lines
  }

  #take(text: string): void {
    const closing = text.lastIndexOf('\n{"batch":[')
    const end = closing < 0 ? -1 : text.indexOf('\n', closing + 1)
    if (end < 0) return // the batch is not closed yet
    const whole = text.slice(0, end + 1)
    this.#offset += Buffer.byteLength(whole)
    for (const line of whole.split('\n')) {
      if (!line.startsWith('{"id"')) continue
      const kept = JSON.parse(line) as KeptLine
      if (this.#ids.has(kept.id)) throw new Error(`${kept.id} was kept twice`)
      this.#ids.add(kept.id)
      this.lines.push(kept)
    }
  }
}
