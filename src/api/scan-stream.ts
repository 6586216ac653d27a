// The answer to a scan: NDJSON, one step a line, `end` or `failed` last. What goes wrong before the first step is answered as
// every problem is; and when the client goes, the scan is stopped.

import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { ScanEnd, ScanStep } from '#domain/scan.ts'

export type RunScan = (step: (step: ScanStep) => void, signal: AbortSignal) => Promise<ScanEnd>

/** Between two lines of progress, milliseconds. */
const PROGRESS_EVERY_MS = 250

/** Resolves with the lines once there is a first one; rejects with what the scan threw before. */
export async function scanStream(reply: FastifyReply, scan: RunScan): Promise<PassThrough> {
  const lines = new PassThrough({ highWaterMark: 1024 * 1024 })
  const stop = new AbortController()
  const gone = (): void => stop.abort(new TelemetryError('ABORTED', 'Nobody waits for the scan any more'))
  reply.raw.once('close', gone)
  lines.once('close', gone)
  await new Promise<void>((resolve, reject) => {
    let [hasBegun, toldAt] = [false, Number.NEGATIVE_INFINITY]
    const write = (line: object): void => {
      if (!lines.destroyed) lines.write(`${JSON.stringify(line)}\n`)
      hasBegun = true
      resolve()
    }
    const step = (one: ScanStep): void => {
      if (one.type === 'progress') {
        if (performance.now() - toldAt < PROGRESS_EVERY_MS || lines.writableNeedDrain) return
        toldAt = performance.now()
      }
      write(one)
    }
    scan(step, stop.signal)
      .then((end) => write({ type: 'end', ...end }))
      .catch((error: unknown) => {
        if (!hasBegun) reject(error)
        else write({ type: 'failed', ...failureOf(error) })
      })
      .finally(() => lines.end())
  })
  return lines
}

/** Nothing of faults in TelemetryX itself. */
function failureOf(error: unknown): { code: string; detail: string } {
  const { code, message } = toTelemetryError(error)
  return { code, detail: code === 'INTERNAL' ? 'A fault in TelemetryX itself; the log tells more' : message }
}
