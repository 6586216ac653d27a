// The span that the present work belongs to, for the lines that it writes into the log. Entered only while traces are sent: until then
// asking costs nothing.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { TraceContext } from './trace-context.ts'

const active = new AsyncLocalStorage<TraceContext>()

export function inTrace<T>(context: TraceContext, work: () => T): T {
  return active.run(context, work)
}

/** null: nothing is traced. */
export function activeTrace(): TraceContext | null {
  return active.getStore() ?? null
}
