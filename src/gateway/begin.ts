// What a start begins before the code of the gateway is loaded and its configuration read.

import type { Worker } from 'node:worker_threads'
import { beginStoreWorker } from '#store/store-worker.ts'

export interface BegunGateway {
  readonly storeWorker: Worker
}

/** Nothing of it touches a file or keeps the process alive. */
export function beginGateway(): BegunGateway {
  return { storeWorker: beginStoreWorker() }
}
