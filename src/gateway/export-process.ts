// The process of ProcessExports: one request as JSON on the command line, the file on standard output, and on standard error the
// code and message of what failed.

import { constants, setPriority } from 'node:os'
import type { SensorExport } from '#domain/exports.ts'
import { toTelemetryError } from '#domain/errors.ts'
import { exportStored } from './stored-data.ts'

const { dataDir, ...request } = JSON.parse(process.argv[2] ?? '{}') as SensorExport & { readonly dataDir: string }
try {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Without it the work is only less polite.
}
const write = (chunk: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())))
try {
  const { damaged } = await exportStored({
    dataDir,
    patterns: [request.sensor],
    units: new Map([[request.sensor, request.unit]]),
    from: request.from,
    to: request.to,
    everyMs: request.everyMs,
    format: request.format,
    suggest: () => '',
    openOutput: () => Promise.resolve({ write }),
    onProgress: () => {},
  })
  // Half of the truth must not look like all of it.
  if (damaged.length > 0) throw new Error(`Damaged on the disk: ${damaged.join(', ')}`)
} catch (error) {
  const { code, message } = toTelemetryError(error, 'STORE_IO')
  process.stderr.write(`${JSON.stringify({ code, message })}\n`)
  process.exitCode = 1
}
