// What is due once all code is loaded; it stops the process for a moment.

import { flushCompileCache } from 'node:module'
import { giveBackMemory } from '#kit/give-back-memory.ts'

/**
 * Keeps what was compiled for the next start (bin/telemetryx says where; Node.js itself would wait for the end of the process, which a
 * power cut leaves no time for), and gives back the memory that loading and reading the configuration took: V8 keeps it pooled,
 * at 10,000 sensors 130 MB, until it has reason to collect, and a gateway at work hardly gives it one.
 */
export function afterLoading(): void {
  flushCompileCache()
  giveBackMemory()
}
