// The thread of scanOpcuaInThread: looks at one server, answers, ends.

import { parentPort, workerData } from 'node:worker_threads'
import { toTelemetryError } from '#domain/errors.ts'
import { scanOpcuaServer, type OpcuaScan } from './opcua-tools.ts'
import type { FromScanThread } from './opcua-scan-thread.ts'

const stop = new AbortController()
const tell = (message: FromScanThread): void => parentPort?.postMessage(message)
parentPort?.once('message', () => stop.abort())
try {
  const options = workerData as Omit<OpcuaScan, 'onProgress' | 'signal'>
  const found = await scanOpcuaServer({ ...options, signal: stop.signal, onProgress: (count) => tell({ count }) })
  tell({ found })
} catch (error) {
  const { code, message } = toTelemetryError(error)
  tell({ failed: { code, message } })
}
parentPort?.close()
