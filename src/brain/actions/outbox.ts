// Carries actions out, each at least once: in the order of coming, several at a time, again after failures with growing pauses,
// until it has worked, its receiver refuses it for good, or it has been tried often enough. An alert for a gateway that is not
// connected waits for it. What is in here is durable before it comes (state/ledger.ts).

import { AlertSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { Backoff } from '#kit/backoff.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { dropCounter } from '#kit/dropped.ts'
import { collectedGauge, Counter, type Registry } from '#kit/metrics.ts'
import type { SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { AlertBody, EmailBody, MqttBody, WebhookBody } from './actions.ts'
import type { ActionEntry } from './entry.ts'

const CONCURRENCY = 8
/** An alert that its gateway has not fetched by then is no news any more. */
const ALERT_LIFE_MS = 7 * 86_400_000

/** Ways out of the brain. */
export interface ActionSenders {
  /** False when the gateway has no stream now. */
  alert(tenant: string, gateway: string, message: SyncResponse['message']): boolean
  webhook(id: string, body: WebhookBody, signal: AbortSignal): Promise<void>
  /** null: not configured. */
  readonly email: ((id: string, body: EmailBody) => Promise<void>) | null
  readonly mqtt: ((body: MqttBody) => Promise<void>) | null
}

export interface OutboxOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly random: () => number
  readonly senders: ActionSenders
  readonly maxPending: number
  readonly attempts: number
  readonly firstRetryMs: number
  readonly maxRetryMs: number
  /** Remembers durably that they need not be carried out any more. */
  readonly settle: (ids: readonly string[]) => Promise<void>
}

/** What a rule of an earlier configuration asks for. */
function notConfigured(): Promise<never> {
  return Promise.reject(new TelemetryError('REJECTED', 'The brain is not configured for this kind of action any more'))
}

interface Pending {
  readonly entry: ActionEntry
  readonly backoff: Backoff
  timer: Timer | null
}

export class Outbox {
  readonly #options: OutboxOptions
  readonly #pending = new Map<string, Pending>()
  readonly #ready: Pending[] = []
  /** Alerts by tenant and gateway, for gateways that are away. */
  readonly #parked = new Map<string, Set<Pending>>()
  readonly #abort = new AbortController()
  readonly #ended: Counter
  readonly #full: { inc(count?: number): void }
  #underWay = 0
  #idle: (() => void) | null = null
  #isStopped = false

  constructor(options: OutboxOptions) {
    this.#options = options
    const { registry } = options
    this.#full = dropCounter(registry, 'brain', 'actions-full')
    this.#ended = new Counter({
      name: 'telemetryx_brain_actions_total',
      help: 'Actions that have ended, by kind and outcome',
      labelNames: ['kind', 'outcome'],
      registers: [registry],
    })
    collectedGauge({
      registry,
      name: 'telemetryx_brain_actions_pending',
      help: 'Actions that wait to be carried out',
      collect: () => [{ value: this.#pending.size }],
    })
  }

  get pending(): number {
    return this.#pending.size
  }

  /** As many of `entries` as there is room for; the others are counted as given up. Before they are made durable. */
  admit(entries: readonly ActionEntry[]): readonly ActionEntry[] {
    const room = Math.max(0, this.#options.maxPending - this.#pending.size)
    if (entries.length <= room) return entries
    this.#full.inc(entries.length - room)
    return entries.slice(0, room)
  }

  /** Takes what is durable by now. */
  take(entries: readonly ActionEntry[]): void {
    const { firstRetryMs, maxRetryMs, random } = this.#options
    for (const entry of entries) {
      if (this.#pending.has(entry.id)) continue
      const backoff = new Backoff({ firstMs: firstRetryMs, maxMs: maxRetryMs, random })
      const pending: Pending = { entry, backoff, timer: null }
      this.#pending.set(entry.id, pending)
      this.#ready.push(pending)
    }
    this.#pump()
  }

  /** A gateway is there: what waited for it goes now. */
  gatewayArrived(tenant: string, gateway: string): void {
    const key = `${tenant} ${gateway}`
    const parked = this.#parked.get(key)
    if (!parked) return
    this.#parked.delete(key)
    for (const pending of parked) {
      pending.timer?.cancel()
      this.#ready.push(pending)
    }
    this.#pump()
  }

  /** Waits for what is under way; what waits is carried out after the next start. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    for (const { timer } of this.#pending.values()) timer?.cancel()
    this.#ready.length = 0
    const onAbort = (): void => this.#abort.abort()
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    signal.removeEventListener('abort', onAbort)
  }

  #pump(): void {
    if (this.#isStopped) return
    while (this.#underWay < CONCURRENCY && this.#ready.length > 0) {
      const pending = this.#ready.shift()!
      this.#underWay += 1
      void this.#run(pending).finally(() => {
        this.#underWay -= 1
        if (this.#underWay === 0) this.#idle?.()
        this.#pump()
      })
    }
  }

  async #run(pending: Pending): Promise<void> {
    const { entry } = pending
    try {
      if (await this.#carryOut(pending)) await this.#end(entry, 'done')
    } catch (cause) {
      const error = toTelemetryError(cause)
      const { attempts, clock, log } = this.#options
      const pause = pending.backoff.next()
      if (!error.retryable || pending.backoff.attempt >= attempts)
        return this.#giveUp(entry, error.retryable ? 'gave-up' : 'refused', error.message)
      log.info(
        { ...fieldsOf(entry), reason: error.message, attempt: pending.backoff.attempt },
        'An action failed and is tried again',
      )
      if (this.#isStopped) return
      pending.timer = clock.after(pause, () => {
        this.#ready.push(pending)
        this.#pump()
      })
    }
  }

  /** False: it waits for its gateway. */
  async #carryOut(pending: Pending): Promise<boolean> {
    const { body, id, kind, tenant } = pending.entry
    const { senders } = this.#options
    const content = JSON.parse(body) as unknown // written by actions.ts
    switch (kind) {
      case 'alert':
        return this.#sendAlert(pending, tenant, content as AlertBody)
      case 'webhook':
        await senders.webhook(id, content as WebhookBody, this.#abort.signal)
        return true
      case 'email':
        await (senders.email ?? notConfigured)(id, content as EmailBody)
        return true
      case 'mqtt':
        await (senders.mqtt ?? notConfigured)(content as MqttBody)
        return true
    }
  }

  #sendAlert(pending: Pending, tenant: string, { alert, gateway }: AlertBody): boolean {
    const message = { case: 'alert', value: fromJson(AlertSchema, alert as JsonValue) } as const
    if (this.#options.senders.alert(tenant, gateway, message)) return true
    if (!this.#isStopped) this.#park(pending, `${tenant} ${gateway}`)
    return false
  }

  /** Until its gateway arrives, or for the rest of its life: a gateway that never comes again must not fill the outbox. */
  #park(pending: Pending, key: string): void {
    const { clock } = this.#options
    const parked = this.#parked.get(key) ?? new Set()
    this.#parked.set(key, parked.add(pending))
    const lifeMs = Math.min(ALERT_LIFE_MS, pending.entry.createdAt + ALERT_LIFE_MS - clock.now())
    pending.timer = clock.after(Math.max(0, lifeMs), () => {
      parked.delete(pending)
      if (parked.size === 0) this.#parked.delete(key)
      void this.#giveUp(pending.entry, 'gave-up', 'Its gateway did not come for a week')
    })
  }

  async #giveUp(entry: ActionEntry, outcome: string, reason: string): Promise<void> {
    this.#options.log.warn({ ...fieldsOf(entry), reason }, 'An action was given up')
    await this.#end(entry, outcome)
  }

  async #end({ id, kind }: ActionEntry, outcome: string): Promise<void> {
    this.#pending.delete(id)
    this.#ended.inc({ kind, outcome })
    // When even the spool fails it is carried out again after the next start: at least once.
    await this.#options.settle([id]).catch((cause: unknown) => {
      this.#options.log.warn(
        { action: id, reason: toTelemetryError(cause).message },
        'The end of an action was not kept',
      )
    })
  }
}

function fieldsOf({ id, kind, tenant }: ActionEntry) {
  return { action: id, kind, tenant }
}
