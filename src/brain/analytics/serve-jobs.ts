// A worker thread's end of the pool: takes one job after the other.

import { parentPort } from 'node:worker_threads'
import { toTelemetryError } from '#domain/errors.ts'
import type { JobReply } from './worker-pool.ts'

type AnyJobTable = Readonly<Record<string, (ask: never) => unknown>>

export function serveJobs(jobs: AnyJobTable): void {
  const port = parentPort!
  port.on('message', ({ ask, name }: { name: string; ask: never }) => {
    let reply: JobReply
    try {
      reply = { answer: jobs[name]!(ask) }
    } catch (cause) {
      const { code, message, retryable } = toTelemetryError(cause)
      reply = { failure: { code, message, retryable } }
    }
    port.postMessage(reply)
  })
}
