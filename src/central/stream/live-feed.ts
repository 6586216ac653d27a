// What has just happened, for the clients of this process, wherever it came in: batches that became durable, and alerts.

import type { AdoptedSensor, IngestFeed, TakenBatch } from '../ingest-ports.ts'
import type { BrainAlert, TenantNumber } from '../ports.ts'

export type { AdoptedSensor, TakenBatch }

export interface LiveFeed extends IngestFeed {
  /**
   * From now on batches and alerts of this tenant are heard here, also those that other processes took in. Returns what ends it;
   * asked for twice, it ends with the second.
   */
  want(tenant: TenantNumber): () => void
  /** Batches of the tenants that are wanted here. Called synchronously, at most once for each; must not throw. */
  subscribe(listener: (taken: TakenBatch) => void): () => void
  /** Says an alert to whoever wants its tenant, here and elsewhere. */
  tellAlert(tenant: TenantNumber, alert: BrainAlert): void
  onAlert(listener: (tenant: TenantNumber, alert: BrainAlert) => void): () => void
  close(): void
}

/** Of one process alone. */
export class LocalFeed implements LiveFeed {
  readonly #wanted = new Map<TenantNumber, number>()
  readonly #onBatch = new Set<(taken: TakenBatch) => void>()
  readonly #onAlert = new Set<(tenant: TenantNumber, alert: BrainAlert) => void>()
  readonly #end: () => void

  /** @param source what this process takes in. */
  constructor(source: IngestFeed) {
    this.#end = source.subscribe((taken) => this.tellBatch(taken))
  }

  want(tenant: TenantNumber): () => void {
    this.#wanted.set(tenant, (this.#wanted.get(tenant) ?? 0) + 1)
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      const left = (this.#wanted.get(tenant) ?? 1) - 1
      if (left === 0) this.#wanted.delete(tenant)
      else this.#wanted.set(tenant, left)
    }
  }

  isWanted(tenant: TenantNumber): boolean {
    return this.#wanted.has(tenant)
  }

  subscribe(listener: (taken: TakenBatch) => void): () => void {
    this.#onBatch.add(listener)
    return () => void this.#onBatch.delete(listener)
  }

  tellBatch(taken: TakenBatch): void {
    if (this.isWanted(taken.tenant)) for (const listener of this.#onBatch) listener(taken)
  }

  tellAlert(tenant: TenantNumber, alert: BrainAlert): void {
    if (this.isWanted(tenant)) for (const listener of this.#onAlert) listener(tenant, alert)
  }

  onAlert(listener: (tenant: TenantNumber, alert: BrainAlert) => void): () => void {
    this.#onAlert.add(listener)
    return () => void this.#onAlert.delete(listener)
  }

  close(): void {
    this.#end()
  }
}
