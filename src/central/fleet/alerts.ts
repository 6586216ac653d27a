// Alerts of the brain reach central with the journals of the gateways: a gateway notes each alert that the brain sends it as an event,
// and events arrive exactly once. Here they are taken out of what has become durable, kept, and told to live clients.

import type { EventEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { IngestFeed, TakenBatch } from '../ingest-ports.ts'
import type { AlarmsPort, BrainAlert, TenantNumber } from '../ports.ts'
import type { LiveFeed } from '../stream/live-feed.ts'

/** Type of the event that a gateway's grpc uplink writes for an alert (src/uplinks/grpc/notices.ts). */
const ALERT_EVENT = 'receiver-alert'
/** Alerts that wait for the database; beyond it they stay in the journal only. */
const MAX_WAITING = 10_000
const SEVERITIES = { debug: 'low', info: 'low', warning: 'medium', error: 'high' } as const

export interface GatewayAlertsOptions {
  readonly source: IngestFeed
  readonly feed: LiveFeed
  readonly alarms: AlarmsPort
  readonly log: Log
}

export class GatewayAlerts {
  readonly #options: GatewayAlertsOptions
  readonly #end: () => void
  #waiting = 0
  #keeping: Promise<void> = Promise.resolve()
  #lost = 0

  constructor(options: GatewayAlertsOptions) {
    this.#options = options
    this.#end = options.source.subscribe((taken) => this.#take(taken))
  }

  /** Alerts that only the journal has: too many came at once, or the database did not take them. */
  get lost(): number {
    return this.#lost
  }

  /** Resolves when what waits is kept. */
  async stop(): Promise<void> {
    this.#end()
    await this.#keeping
  }

  #take({ batch, gateway, rows, tenant }: TakenBatch): void {
    if (batch.entries.size === 0) return
    for (const row of rows) {
      const entry = batch.entries.get(row)
      if (entry?.kind !== 'event' || entry.type !== ALERT_EVENT) continue
      const alert = alertIn(entry, { gateway, position: `${batch.epoch}/${batch.seq[row]!}` })
      if (this.#waiting >= MAX_WAITING) this.#lost += 1
      else this.#keep(tenant, alert)
    }
  }

  #keep(tenant: TenantNumber, alert: BrainAlert): void {
    const { alarms, feed, log } = this.#options
    this.#waiting += 1
    this.#keeping = this.#keeping.then(async () => {
      try {
        if (await alarms.addAlert(tenant, alert)) feed.tellAlert(tenant, alert)
      } catch (cause) {
        this.#lost += 1
        log.warn({ alert: alert.id, reason: toTelemetryError(cause).message }, 'An alert could not be kept')
      } finally {
        this.#waiting -= 1
      }
    })
  }
}

/** The alert that an event of a gateway tells of. Exported for tests. */
export function alertIn(
  { data = {}, message, severity, time }: EventEntry,
  { gateway, position }: { readonly gateway: string; readonly position: string },
): BrainAlert {
  const text = (key: string): string => {
    const value = data[key]
    return typeof value === 'string' ? value : ''
  }
  const { data: details, time: at } = data
  return {
    // Of the brain, so that one alert that it sends to several gateways is one; else where it stands.
    id: text('alert') === '' ? `${gateway}/${position}` : text('alert'),
    rule: text('rule'),
    ruleName: text('ruleName'),
    severity: SEVERITIES[severity],
    message,
    gateway,
    sensor: text('sensor'),
    time: typeof at === 'number' && Number.isFinite(at) ? at : time,
    data: typeof details === 'object' && details !== null ? { ...details } : {},
  }
}
