// Reads a configuration in a thread of its own: that of a large plant takes seconds, in which no device would be polled. The
// thread ends by itself after its answer: ending one by force unloads the native add-ons that only it used (nodejs/node #37024).

import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { LoadResult, NamedFile } from '#config/load.ts'
import { toTelemetryError } from '#domain/errors.ts'

export interface ParseJob {
  /** Absolute path; names the text in messages, and relative paths count from its folder. */
  readonly file: string
  readonly text: string
  /** In place of those on disk. */
  readonly files: readonly NamedFile[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the running gateway: where its secrets are. */
  readonly dataDir: string
  /** npm packages with further drivers, as the running gateway has them. */
  readonly drivers: readonly string[]
}

const FORCE_AFTER_MS = 10_000

/** What the thread gets. */
export interface ParseWorkerData extends ParseJob {
  readonly folder: string
}

/** Resolves with what parseGatewayConfig says. Throws INTERNAL when the thread fails. */
export function parseInThread(job: ParseJob): Promise<LoadResult<GatewayConfig>> {
  const workerData: ParseWorkerData = { ...job, env: { ...job.env }, folder: dirname(job.file) }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./parse-worker.ts', import.meta.url), { workerData, name: 'configuration' })
    worker.once('message', (result: LoadResult<GatewayConfig>) => {
      resolve(result)
      // A driver's package may have left something running.
      const force = setTimeout(() => void worker.terminate(), FORCE_AFTER_MS)
      force.unref()
      worker.once('exit', () => clearTimeout(force))
    })
    worker.once('error', (error) => reject(toTelemetryError(error)))
    worker.once('exit', (code) => reject(toTelemetryError(new Error(`The thread ended with ${code}`))))
  })
}
