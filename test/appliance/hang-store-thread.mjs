// Planted fault, loaded by --import into every thread: once the file of TELEMETRYX_TEST_HANG is there, the store thread turns
// round and round for ever.

import { existsSync } from 'node:fs'
import { threadName } from 'node:worker_threads'

const trigger = process.env['TELEMETRYX_TEST_HANG']
if (threadName === 'store' && trigger !== undefined) {
  setInterval(() => {
    if (existsSync(trigger)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }, 20).unref()
}
