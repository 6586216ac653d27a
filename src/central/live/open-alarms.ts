// The open alarms of one tenant's live view, as storage has them: at the beginning, and again when a backlog has told of alarms. What a
// backlog tells may be older than what the live lane told before; storage keeps the one with the higher position.

import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { AlarmsPort, CentralAlarm, TenantNumber } from '../ports.ts'
import { pages } from './pages.ts'
import type { TenantView } from './tenant-view.ts'

const RETRY_MS = 2000

export interface OpenAlarmsOptions {
  readonly tenant: TenantNumber
  readonly view: TenantView
  readonly alarms: Pick<AlarmsPort, 'open' | 'get'>
  readonly clock: Clock
  readonly log: Log
}

export class OpenAlarms {
  readonly #options: OpenAlarmsOptions
  #isReading = false
  #isInDoubt = false
  #isEnded = false
  #retry: Timer | null = null

  constructor(options: OpenAlarmsOptions) {
    this.#options = options
  }

  /** Reads them now; what batches tell meanwhile is newer. Throws what storage throws. */
  async read(): Promise<void> {
    const { alarms, tenant, view } = this.#options
    view.awaitAlarms()
    try {
      const open: CentralAlarm[] = []
      await pages(async (page) => {
        const { items, next } = await alarms.open(tenant, page)
        open.push(...items)
        return next
      })
      for (const { gateway, id } of view.settleAlarms(open)) view.endAlarm(await alarms.get(tenant, gateway, id))
    } finally {
      view.haveAlarms()
    }
  }

  /** They may be others than the view has. Read again as soon as that is possible, once for all who ask meanwhile. */
  doubt(): void {
    this.#isInDoubt = true
    if (this.#isReading || this.#isEnded || this.#retry !== null) return
    this.#isReading = true
    void this.#readAgain().finally(() => (this.#isReading = false))
  }

  end(): void {
    this.#isEnded = true
    this.#retry?.cancel()
  }

  async #readAgain(): Promise<void> {
    const { clock, log } = this.#options
    while (this.#isInDoubt && !this.#isEnded) {
      this.#isInDoubt = false
      try {
        await this.read()
      } catch (cause) {
        log.warn({ reason: toTelemetryError(cause).message }, 'Open alarms could not be read; it is tried again')
        if (this.#isEnded) return
        this.#retry = clock.after(RETRY_MS, () => {
          this.#retry = null
          this.doubt()
        })
        return
      }
    }
  }
}
