// Hands accepted records on to who has subscribed. A listener that throws is logged and does not stop the others.

import type { Log } from '#domain/driver.ts'
import type { AcceptedRecords, RecordFeed, RecordListener } from '../service.ts'

export class Feed implements RecordFeed {
  readonly #log: Log
  readonly #listeners = new Set<{ readonly tenant: string | null; readonly listener: RecordListener }>()

  constructor(log: Log) {
    this.#log = log
  }

  subscribe(tenant: string | null, listener: RecordListener): () => void {
    const subscription = { tenant, listener }
    this.#listeners.add(subscription)
    return () => void this.#listeners.delete(subscription)
  }

  tell(records: AcceptedRecords): void {
    for (const { listener, tenant } of this.#listeners) {
      if (tenant !== null && tenant !== records.tenant) continue
      try {
        listener(records)
      } catch (error) {
        this.#log.error({ err: error }, 'A listener of the records failed')
      }
    }
  }
}
