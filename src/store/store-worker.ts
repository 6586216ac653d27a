// The store's thread, which can be begun before it is known which store it will open: to load its code takes a start about as
// long as to read a configuration, and another core can do it meanwhile.

import { Worker } from 'node:worker_threads'
import type { StoreSettings } from './protocol.ts'
import { keepSqliteLoaded } from './sqlite-library.ts'
import { keepWasmWrappers } from './wasm-wrappers.ts'

/** A thread that loads its code and waits for its settings. It does not keep the process alive until `openIn`. */
export function beginStoreWorker(): Worker {
  keepSqliteLoaded()
  keepWasmWrappers()
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { name: 'store' })
  worker.on('error', () => {}) // what ends it before it is used ends the next one as well, which is asked then
  worker.unref()
  return worker
}

/** Has the thread open the store; another one when it has ended. Its first word tells what became of it. */
export function openIn(begun: Worker | undefined, settings: StoreSettings): Worker {
  const worker = begun === undefined || begun.threadId === -1 ? beginStoreWorker() : begun
  worker.ref()
  worker.postMessage(settings)
  return worker
}
