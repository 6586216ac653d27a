// The API of a gateway, whose code is loaded by its start: that takes a good part of the time until a gateway serves, and its
// devices are read before.

import type { Api } from '#api/server.ts'
import type { AuditChange, AuditSink } from '#domain/audit.ts'
import type { Log } from '#domain/driver.ts'

export class LateApi implements Api {
  readonly name = 'api'
  readonly #load: () => Promise<Api>
  readonly #log: Log
  #api: Api | null = null

  constructor(load: () => Promise<Api>, log: Log) {
    this.#load = load
    this.#log = log
  }

  readonly audit: AuditSink = {
    record: async (change) => {
      if (this.#api !== null) await this.#api.audit.record(change)
      else this.#tell(change)
    },
  }

  get url(): string {
    return this.#api?.url ?? ''
  }

  get setupUrl(): string | null {
    return this.#api?.setupUrl ?? null
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#api ??= await this.#load()
    await this.#api.start(signal)
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#api?.stop(signal)
  }

  #tell({ action, target, who, outcome }: AuditChange): void {
    this.#log.info({ action, target, who, outcome }, 'Changed before the audit log was opened')
  }
}
