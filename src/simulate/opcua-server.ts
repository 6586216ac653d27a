// A simulated OPC UA server, in a process of its own: the library takes 150 MB and seconds to start, which is not to weigh on a
// gateway in this one. The values come from here.

import { fork, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { LineFaults } from './line-faults.ts'
import type { Points, PointValue } from './points.ts'

const PROCESS = fileURLToPath(new URL('opcua-process.ts', import.meta.url))
const LIBRARY = 'node-opcua-server'
const STOP_MS = 3000

export interface OpcuaVariable {
  readonly id: string
  readonly type: 'double' | 'float' | 'int32' | 'uint32' | 'boolean' | 'string'
  readonly unit: string
  readonly isWritable: boolean
}

export interface OpcuaStart {
  readonly device: string
  readonly port: number
  /** Folder of its certificates. */
  readonly pki: string
  readonly points: readonly OpcuaVariable[]
  readonly values: Readonly<Record<string, PointValue>>
}

export type ToOpcuaProcess =
  | { readonly start: OpcuaStart }
  | { readonly values: Readonly<Record<string, PointValue>>; readonly isBad: boolean }
  | { readonly isListening: boolean }

type FromOpcuaProcess =
  | { readonly listening: string }
  | { readonly failed: string }
  | { readonly written: readonly [id: string, value: PointValue] }

export interface OpcuaServerOptions {
  readonly device: string
  readonly port: number
  readonly pki: string
  readonly everyMs: number
  readonly variables: readonly OpcuaVariable[]
  readonly points: Points
  readonly clock: Clock
}

/** False where the library is not installed: it is for development and simulations only. */
export function hasOpcuaServer(): boolean {
  try {
    createRequire(import.meta.url).resolve(LIBRARY)
    return true
  } catch {
    return false
  }
}

export class OpcuaServer {
  readonly faults = new LineFaults()
  readonly #options: OpcuaServerOptions
  #child: ChildProcess | null = null
  #timer: Timer | null = null
  #isListening = true

  constructor(options: OpcuaServerOptions) {
    this.#options = options
    this.faults.onChange = () => this.#onFaults()
  }

  /** Resolves with the endpoint's URL once it listens. Throws RUNTIME_MISSING, PORT_IN_USE. */
  async start(): Promise<string> {
    if (!hasOpcuaServer()) {
      throw new TelemetryError(
        'RUNTIME_MISSING',
        `A simulated OPC UA server needs the package ${LIBRARY}: npm install ${LIBRARY}`,
      )
    }
    const { device, port, pki, variables: points } = this.#options
    const child = fork(PROCESS, { execArgv: ['--max-semi-space-size=2'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    this.#child = child
    child.send({ start: { device, port, pki, points, values: this.#values() } })
    const endpoint = await new Promise<string>((resolve, reject) => {
      const failed = (why: string): void =>
        reject(new TelemetryError('PORT_IN_USE', `The OPC UA server ${device} does not start on port ${port}: ${why}`))
      child.once('exit', (code) => failed(`its process ended with ${code}`))
      child.on('message', (message: FromOpcuaProcess) => {
        if ('listening' in message) resolve(message.listening)
        else if ('failed' in message) failed(message.failed)
        else this.#options.points.write(...message.written)
      })
    }).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw error
    })
    this.#schedule()
    return endpoint
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    if (child.connected) child.disconnect()
    await ended
    clearTimeout(limit)
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.everyMs, () => {
      if (!this.faults.has('silence')) this.#send({ values: this.#values(), isBad: this.faults.has('exception') })
      this.#schedule()
    })
  }

  #onFaults(): void {
    const isListening = !this.faults.has('refuse') && !this.faults.has('hang-up')
    if (isListening === this.#isListening) return
    this.#isListening = isListening
    this.#send({ isListening })
  }

  #send(message: ToOpcuaProcess): void {
    if (this.#child?.connected === true) this.#child.send(message)
  }

  #values(): Record<string, PointValue> {
    const { points } = this.#options
    return Object.fromEntries(points.ids.map((id) => [id, points.read(id)]))
  }
}
