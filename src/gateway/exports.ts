// Stored readings as files for the API. Each is made in a process of its own with low priority: formatting millions of
// readings is no work for the process that polls machines.

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES, TelemetryError, type ErrorCode } from '#domain/errors.ts'
import type { Exports, SensorExport } from '#domain/exports.ts'

/** At once: each takes some 60 MB. */
const MAX_EXPORTS = 2
const PROGRAM = fileURLToPath(new URL('./export-process.ts', import.meta.url))

export interface ProcessExportsOptions {
  readonly dataDir: string
  /** Resolves when everything that was accepted until now is on the disk. */
  readonly flush: () => Promise<void>
}

export class ProcessExports implements Exports {
  readonly #options: ProcessExportsOptions
  #running = 0

  constructor(options: ProcessExportsOptions) {
    this.#options = options
  }

  async open(request: SensorExport, signal: AbortSignal): Promise<Readable> {
    if (this.#running >= MAX_EXPORTS)
      throw new TelemetryError('RATE_LIMITED', 'Two exports are being made already; try again when one is done')
    this.#running += 1
    let child: ChildProcessByStdio<null, Readable, Readable>
    try {
      child = await this.#spawn(request, signal)
    } catch (error) {
      this.#running -= 1
      throw toStopped(error)
    }
    child.once('close', () => (this.#running -= 1))
    try {
      return await begun(child, signal)
    } catch (error) {
      throw toStopped(error)
    }
  }

  async #spawn(request: SensorExport, signal: AbortSignal): Promise<ChildProcessByStdio<null, Readable, Readable>> {
    const { dataDir, flush } = this.#options
    await flush()
    signal.throwIfAborted()
    return spawn(process.execPath, [...process.execArgv, PROGRAM, JSON.stringify({ ...request, dataDir })], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}

function toStopped(error: unknown): TelemetryError {
  if (error instanceof TelemetryError) return error
  return new TelemetryError('ABORTED', 'The export was stopped', { cause: error })
}

/** The output of the process, once there is some. */
async function begun(child: ChildProcessByStdio<null, Readable, Readable>, signal: AbortSignal): Promise<Readable> {
  const output = new PassThrough()
  const stop = (): void => void child.kill('SIGKILL')
  output.once('close', stop)
  signal.addEventListener('abort', stop, { once: true })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  child.stdout.pipe(output, { end: false })
  const ended = once(child, 'close').then(([code]) => {
    signal.removeEventListener('abort', stop)
    return code === 0 ? null : failure(said)
  })
  const first = new Promise<null>((resolve) => child.stdout.once('data', () => resolve(null)))
  const failed = await Promise.race([first, ended])
  if (failed !== null) throw signal.aborted ? new TelemetryError('ABORTED', 'The export was stopped') : failed
  void ended.then((error) => (error === null ? output.end() : output.destroy(error)))
  return output
}

function failure(said: string): TelemetryError {
  const line = said.trimEnd().split('\n').at(-1) ?? ''
  try {
    const { code, message } = JSON.parse(line) as { readonly code: string; readonly message: string }
    if (code in ERROR_CODES) return new TelemetryError(code as ErrorCode, message)
  } catch {
    // Told below.
  }
  return new TelemetryError('STORE_IO', 'The export could not be made')
}
