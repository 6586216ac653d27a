// Fetches a manifest and the file that it names; nothing is believed of the file but its size and SHA-256.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { TelemetryError } from '#domain/errors.ts'
import type { ReleaseFile } from './manifest.ts'

const run = promisify(execFile)
const MAX_MANIFEST_BYTES = 2 * 1024 * 1024
const MANIFEST_TIMEOUT_MS = 30_000
/** Without a byte for so long a download is given up. */
const STALL_MS = 60_000

/** Throws CONNECTION_FAILED, REJECTED. */
export async function fetchManifest(url: string): Promise<string> {
  const response = await answerOf(url, AbortSignal.timeout(MANIFEST_TIMEOUT_MS))
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of bodyOf(response, url)) {
    bytes += chunk.length
    if (bytes > MAX_MANIFEST_BYTES) throw new TelemetryError('REJECTED', `${url} is too large for a manifest`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export interface DownloadOptions {
  /** Of the manifest. */
  readonly base: string
  readonly file: ReleaseFile
  readonly to: string
  readonly onProgress: (bytes: number, of: number) => void
}

/** Throws CONNECTION_FAILED, REJECTED when what comes is not what was signed. */
export async function download({ base, file, to, onProgress }: DownloadOptions): Promise<void> {
  const url = new URL(file.url, base).href
  const stall = new AbortController()
  let timer = setTimeout(() => stall.abort(), STALL_MS)
  const hash = createHash('sha256')
  const target = await open(to, 'w', 0o600)
  let bytes = 0
  try {
    const response = await answerOf(url, stall.signal)
    for await (const chunk of bodyOf(response, url)) {
      clearTimeout(timer)
      timer = setTimeout(() => stall.abort(), STALL_MS)
      bytes += chunk.length
      if (bytes > file.size) throw mismatch(url, `it is longer than ${file.size} bytes`)
      hash.update(chunk)
      await target.writeFile(chunk)
      onProgress(bytes, file.size)
    }
    if (bytes !== file.size) throw mismatch(url, `it ended after ${bytes} of ${file.size} bytes`)
    if (hash.digest('hex') !== file.sha256) throw mismatch(url, 'its SHA-256 is another one')
    await target.sync()
  } finally {
    clearTimeout(timer)
    await target.close()
  }
}

/** Into a folder of its own, durable when it resolves. Throws REJECTED. */
export async function extract(archive: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o755 })
  try {
    await run('tar', ['--extract', '--gzip', '--no-same-owner', '--file', archive, '--directory', folder])
    // Thousands of small files: the file system as a whole is faster than each of them.
    await run('sync', ['--file-system', folder])
  } catch (error) {
    throw new TelemetryError('REJECTED', 'The release cannot be unpacked', { cause: error })
  }
}

async function answerOf(url: string, signal: AbortSignal): Promise<Response> {
  try {
    const response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } })
    if (response.ok) return response
    throw new Error(`status ${response.status}`)
  } catch (cause) {
    throw failed(url, cause)
  }
}

async function* bodyOf(response: Response, url: string): AsyncGenerator<Uint8Array> {
  try {
    if (response.body !== null) yield* response.body
  } catch (cause) {
    throw failed(url, cause)
  }
}

function failed(url: string, cause: unknown): TelemetryError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TelemetryError('CONNECTION_FAILED', `${url} cannot be fetched: ${why}`, { retryable: true, cause })
}

function mismatch(url: string, why: string): TelemetryError {
  return new TelemetryError('REJECTED', `${url} is not what was signed: ${why}`)
}
