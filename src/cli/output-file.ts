// Where a command's long output goes: standard output, or a file that appears under its name only when it is whole.

import { lstatSync, rmSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ioReason } from '#config/io-reason.ts'
import { TelemetryError } from '#domain/errors.ts'

const SMALL_BYTES = 256 * 1024

export interface OutputTarget {
  /** Resolves when more may be written. Throws STORE_IO when the disk is full or fails. */
  write(chunk: Uint8Array | string): Promise<void>
  /** Everything was written: makes it durable and visible. */
  finish(): Promise<void>
  /** Something failed: leaves nothing behind. */
  abandon(): Promise<void>
  readonly bytes: number
}

export interface OutputFileOptions {
  /** Permissions of a new file; default 0644. */
  readonly mode?: number
}

/** Standard output. The write waits while the reader does not read. */
export function standardOutput(): OutputTarget {
  let bytes = 0
  return {
    get bytes() {
      return bytes
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length
        process.stdout.write(chunk, (error) => (error ? reject(failure('standard output', error)) : resolve()))
      }),
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  }
}

/** A file: written beside its name and renamed at the end; devices and pipes are written to directly. Throws STORE_IO. */
export async function outputFile(path: string, { mode = 0o644 }: OutputFileOptions = {}): Promise<OutputTarget> {
  const state = lstatSync(path, { throwIfNoEntry: false })
  if (state?.isDirectory()) throw new TelemetryError('STORE_IO', `${path} cannot be written: it is a folder`)
  const isDirect = state !== undefined && !state.isFile()
  const written = isDirect ? path : `${path}.partial`
  try {
    if (!isDirect) await rm(written, { force: true })
    return new FileTarget(await open(written, isDirect ? 'w' : 'wx', mode), written, path)
  } catch (error) {
    throw failure(path, error)
  }
}

class FileTarget implements OutputTarget {
  bytes = 0
  readonly #file: FileHandle
  readonly #written: string
  readonly #path: string
  #small: Uint8Array[] = []
  #smallBytes = 0
  #isOpen = true
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#written !== this.#path) rmSync(this.#written, { force: true })
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }

  constructor(file: FileHandle, written: string, path: string) {
    this.#file = file
    this.#written = written
    this.#path = path
    process.once('SIGINT', this.#onSignal)
    process.once('SIGTERM', this.#onSignal)
  }

  async write(chunk: Uint8Array | string): Promise<void> {
    const bytes = Buffer.from(chunk) // a copy: what is given may be reused
    this.#small.push(bytes)
    this.#smallBytes += bytes.length
    this.bytes += bytes.length
    if (this.#smallBytes >= SMALL_BYTES) await this.#flush()
  }

  async finish(): Promise<void> {
    await this.#flush()
    try {
      if (this.#written !== this.#path) await this.#file.sync()
      await this.#close()
      if (this.#written === this.#path) return
      await rename(this.#written, this.#path)
      const folder = await open(dirname(this.#path), 'r')
      await folder.sync()
      await folder.close()
    } catch (error) {
      throw failure(this.#path, error)
    }
  }

  async abandon(): Promise<void> {
    await this.#close()
    if (this.#written !== this.#path) await rm(this.#written, { force: true })
  }

  async #flush(): Promise<void> {
    const parts = this.#small
    this.#small = []
    this.#smallBytes = 0
    try {
      for (const part of parts)
        for (let at = 0; at < part.length;) at += (await this.#file.write(part, at)).bytesWritten
    } catch (error) {
      throw failure(this.#path, error)
    }
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
    await this.#file.close()
  }
}

/** STORE_IO, in words. */
export function failure(path: string, error: unknown): TelemetryError {
  if (error instanceof TelemetryError) return error
  return new TelemetryError('STORE_IO', `${path} cannot be written: ${writeReason(error)}`, { cause: error })
}

function writeReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full'
  if (code === 'EROFS') return 'the file system is read-only'
  if (code === 'ENOENT') return 'its folder does not exist'
  return ioReason(error)
}
