// Alerts and changes of rules that a receiver sends: each becomes an event in the journal, once, and no more than a gateway can
// bear. (The event goes up again to the receiver: without a limit, a rule about events could feed itself.)

import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { EventSeverity } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { UplinkNotice } from '#domain/uplink.ts'
import type { Clock } from '#kit/clock.ts'
import { AlarmSeverity, type Alert } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { RuleChange_Kind, type RuleChange } from '#rpc/generated/telemetryx/v1/ingest_pb.js'

/** Ids of alerts that are remembered: the same alert may come again after a reconnect. */
const REMEMBERED = 1000
/** A second, on average; ten times as many at once. */
const MAX_RATE = 10
const MAX_TEXT = 1000

const SEVERITIES: ReadonlyMap<AlarmSeverity, EventSeverity> = new Map([
  [AlarmSeverity.LOW, 'info'],
  [AlarmSeverity.MEDIUM, 'warning'],
  [AlarmSeverity.HIGH, 'error'],
  [AlarmSeverity.URGENT, 'error'],
])
const CHANGES: ReadonlyMap<RuleChange_Kind, string> = new Map([
  [RuleChange_Kind.CREATED, 'created'],
  [RuleChange_Kind.UPDATED, 'updated'],
  [RuleChange_Kind.DELETED, 'deleted'],
])

export interface NoticesOptions {
  readonly clock: Clock
  readonly log: Log
  readonly uplink: string
  /** Absent: notices are only logged. */
  readonly notify: ((notice: UplinkNotice) => void) | undefined
}

export class Notices {
  readonly #options: NoticesOptions
  readonly #known = new Set<string>()
  #tokens = MAX_RATE * 10
  #refilledAt = 0
  #suppressed = 0

  constructor(options: NoticesOptions) {
    this.#options = options
    this.#refilledAt = options.clock.monotonic()
  }

  /** Alerts and changes that were left out because there were too many. */
  get suppressed(): number {
    return this.#suppressed
  }

  alert(alert: Alert): void {
    if (alert.id !== '' && this.#known.has(alert.id)) return
    const { gateway: _, id, message, position, ruleId, ruleName, sensor, severity, time } = alert
    const isTaken = this.#notify({
      type: 'receiver-alert',
      severity: SEVERITIES.get(severity) ?? 'info',
      message: message.slice(0, MAX_TEXT),
      data: {
        alert: id,
        rule: ruleId,
        ruleName,
        sensor,
        ...(time === undefined ? {} : { time: timestampMs(time) }),
        ...(position === undefined ? {} : { position: `${position.epoch}/${position.seq}` }),
        ...(alert.data === undefined ? {} : { data: alert.data }),
      },
    })
    if (isTaken && id !== '') this.#remember(id)
  }

  ruleChange({ kind, rule }: RuleChange): void {
    const change = CHANGES.get(kind)
    if (change === undefined || rule === undefined) return
    this.#notify({
      type: 'receiver-rule',
      severity: 'info',
      message: `Rule ${rule.name === '' ? rule.id : rule.name} was ${change}`.slice(0, MAX_TEXT),
      data: { rule: rule.id, name: rule.name, change, enabled: rule.enabled, revision: rule.revision.toString() },
    })
  }

  #notify(notice: UplinkNotice): boolean {
    const { log, notify, uplink } = this.#options
    if (!this.#hasToken()) {
      if (this.#suppressed === 0)
        log.warn({ uplink, type: notice.type }, 'The receiver sends too many alerts: some are left out')
      this.#suppressed += 1
      return false
    }
    log.info({ uplink, type: notice.type, data: notice.data }, notice.message)
    notify?.(notice)
    return true
  }

  #hasToken(): boolean {
    const now = this.#options.clock.monotonic()
    this.#tokens = Math.min(MAX_RATE * 10, this.#tokens + ((now - this.#refilledAt) * MAX_RATE) / 1000)
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #remember(id: string): void {
    this.#known.add(id)
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
  }
}
