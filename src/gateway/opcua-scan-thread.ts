// Looks at an OPC UA server in a thread of its own: loading the library takes 0.3 s, in which no device would be polled, and
// 100 MB that go with the thread.

import { Worker } from 'node:worker_threads'
import { TelemetryError, toTelemetryError, type ErrorCode } from '#domain/errors.ts'
import type { BrowseResult } from '#drivers/opcua/browse.ts'
import type { OpcuaScan } from './opcua-tools.ts'

export type FromScanThread =
  | { readonly count: number }
  | { readonly found: BrowseResult }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string } }

/** After its answer or its abortion a thread ends by itself; this is for one that does not. */
const FORCE_AFTER_MS = 10_000

/** As scanOpcuaServer. */
export function scanOpcuaInThread(options: OpcuaScan & { readonly signal: AbortSignal }): Promise<BrowseResult> {
  const { signal, onProgress, ...workerData } = options
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const worker = new Worker(new URL('./opcua-scan-worker.ts', import.meta.url), { workerData, name: 'opcua scan' })
    let force: NodeJS.Timeout | undefined
    const end = (): void => {
      signal.removeEventListener('abort', abort)
      force ??= setTimeout(() => void worker.terminate(), FORCE_AFTER_MS).unref()
    }
    const abort = (): void => {
      worker.postMessage('stop')
      end()
      reject(new TelemetryError('ABORTED', 'The scan was stopped', { cause: signal.reason }))
    }
    signal.addEventListener('abort', abort, { once: true })
    worker.on('message', (message: FromScanThread) => {
      if ('count' in message) {
        onProgress(message.count)
        return
      }
      end()
      if ('found' in message) resolve(message.found)
      else reject(new TelemetryError(message.failed.code, message.failed.message))
    })
    worker.once('error', (error) => reject(toTelemetryError(error)))
    worker.once('exit', (code) => {
      clearTimeout(force)
      signal.removeEventListener('abort', abort)
      reject(toTelemetryError(new Error(`The thread ended with ${code}`)))
    })
  })
}
