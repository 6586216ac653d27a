// What the brain itself has found (a model that no longer fits its sensor), told the way rules tell: an alert to the gateway that
// owns the sensor, and an event that the tenant's rules are judged by, with whatever actions they have.

import { create, toJson } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Clock } from '#kit/clock.ts'
import { SEVERITIES } from '#rpc/entries.ts'
import { AlertSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { actionsOf, type AlertBody } from '../actions/actions.ts'
import type { ActionEntry } from '../actions/entry.ts'
import type { Outbox } from '../actions/outbox.ts'
import type { Finding } from '../service.ts'
import type { Ledger } from '../state/ledger.ts'
import { entryView } from './record-view.ts'
import type { RuleEngine } from './rule-engine.ts'

export interface FindingsOptions {
  readonly clock: Clock
  readonly engine: RuleEngine
  readonly ledger: Ledger
  readonly outbox: Outbox
}

export class Findings {
  readonly #options: FindingsOptions

  constructor(options: FindingsOptions) {
    this.#options = options
  }

  /** Resolves when the actions are durable; they are then carried out as those of rules. Throws what the ledger says. */
  async tell(finding: Finding): Promise<void> {
    const { ledger, outbox } = this.#options
    const actions = outbox.admit([this.#alertOf(finding), ...this.#actionsOfRules(finding)])
    await ledger.keep(actions)
    outbox.take(actions)
  }

  #alertOf(finding: Finding): ActionEntry {
    const { data, gateway, id, message, sensor, severity, speaker, tenant, time } = finding
    const alert = create(AlertSchema, {
      id,
      ruleId: speaker.id,
      ruleName: speaker.name,
      severity: SEVERITIES.wire(severity),
      message,
      sensor,
      gateway,
      time: timestampFromMs(time),
      data,
    })
    const body: AlertBody = { gateway, alert: toJson(AlertSchema, alert) }
    return { id, tenant, kind: 'alert', body: JSON.stringify(body), createdAt: this.#options.clock.now() }
  }

  #actionsOfRules({ data, gateway, message, sensor, tenant, time, type }: Finding): ActionEntry[] {
    const { clock, engine } = this.#options
    const event = { kind: 'event', type, severity: 'warning', message, source: 'brain', time, data } as const
    const record = { ...entryView(event, gateway), sensor }
    const rules = engine.book.of(tenant).candidates('event', gateway, sensor)
    return engine
      .judgeRecord(rules, record, null, 'keep')
      .flatMap(({ alert, rule }) =>
        alert === null ? [] : actionsOf({ alert, record, rule }, { tenant, now: clock.now() }),
      )
  }
}
