// Manners of a command that works through a lot of data on the machine where the gateway runs.

import { setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The gateway goes first, and memory stays small. */
export function yieldToTheGateway(): void {
  // Measured: the young generation otherwise grows to where its garbage alone takes 150 MB.
  setFlagsFromString('--semi-space-growth-factor=1')
  // And the old one to a multiple of what is in use: 50 MB more in an export of 10 million readings, for no speed.
  setFlagsFromString('--heap-growing-percent=20')
  try {
    setPriority(10)
  } catch {
    // Without it the work is only less polite.
  }
}

/** Frees what is garbage now: V8 else lets it grow to several times of what is in use (measured: by 100 MB in an export). */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  return typeof collect === 'function' ? () => void collect() : () => {}
}
