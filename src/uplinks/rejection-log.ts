// Tells in the log what a receiver refuses, now and then: a receiver that refuses everything must not fill the disk with it.

import type { DeliveryResult } from '#domain/uplink.ts'
import type { ForwarderOptions } from './definition.ts'

const LEAST_INTERVAL_MS = 10_000

export class RejectionLog {
  readonly #options: Pick<ForwarderOptions, 'clock' | 'definition' | 'log'>
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: Pick<ForwarderOptions, 'clock' | 'definition' | 'log'>) {
    this.#options = options
  }

  tell(rejected: DeliveryResult['rejected']): void {
    const { clock, definition, log } = this.#options
    if (clock.monotonic() - this.#toldAt < LEAST_INTERVAL_MS) return
    this.#toldAt = clock.monotonic()
    const fields = { uplink: definition.id, count: rejected.length, reason: rejected[0]!.reason }
    log.warn(fields, 'Receiver rejected records')
  }
}
