// How many exports of a tenant are made at once: each holds a connection for long, and asks the database again and again.

import { TelemetryError } from '#domain/errors.ts'
import type { TenantNumber } from '../ports.ts'

const AT_ONCE = 2

export class ExportTurns {
  readonly #running = new Map<TenantNumber, number>()

  /** Answers what ends it, which may be called again. Throws RATE_LIMITED while two others of the tenant are made. */
  begin(tenant: TenantNumber): () => void {
    const count = this.#running.get(tenant) ?? 0
    if (count >= AT_ONCE)
      throw new TelemetryError('RATE_LIMITED', 'Two exports are being made already; try again when one is done')
    this.#running.set(tenant, count + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#running.get(tenant) ?? 1) - 1
      if (left === 0) this.#running.delete(tenant)
      else this.#running.set(tenant, left)
    }
  }
}
