// From an alert to the actions that its rule asks for. What an action needs stands in its body: the rule may be gone by then.

import { toJson, type JsonValue } from '@bufbuild/protobuf'
import { AlertSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import type { Action } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { SEVERITIES } from '#rpc/entries.ts'
import { filled } from '../rules/alerts.ts'
import { durationMs } from '../rules/rule-check.ts'
import type { Spoken } from '../rules/rule-engine.ts'
import type { ActionEntry, ActionKind } from './entry.ts'

/** Body of an alert action. */
export interface AlertBody {
  readonly gateway: string
  readonly alert: JsonValue
}

export interface WebhookBody {
  readonly url: string
  /** '' : not signed. */
  readonly secret: string
  /** 0: as configured. */
  readonly timeoutMs: number
  readonly alert: JsonValue
}

export interface EmailBody {
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

export interface MqttBody {
  readonly topic: string
  readonly alert: JsonValue
}

export interface ActionTarget {
  readonly tenant: string
  readonly now: number
}

/** In the order of the rule's actions. */
export function actionsOf({ alert, record, rule }: Spoken, { now, tenant }: ActionTarget): ActionEntry[] {
  const json = toJson(AlertSchema, alert)
  return rule.wire.actions.flatMap((action, index) => {
    const made = bodyOf(action, { alert, record, rule }, json)
    if (made === null) return []
    return [{ id: `${alert.id}-${index}`, tenant, kind: made.kind, body: JSON.stringify(made.body), createdAt: now }]
  })
}

type Made =
  | { readonly kind: Extract<ActionKind, 'alert'>; readonly body: AlertBody }
  | { readonly kind: Extract<ActionKind, 'webhook'>; readonly body: WebhookBody }
  | { readonly kind: Extract<ActionKind, 'email'>; readonly body: EmailBody }
  | { readonly kind: Extract<ActionKind, 'mqtt'>; readonly body: MqttBody }

function bodyOf({ kind }: Action, spoken: Spoken, alert: JsonValue): Made | null {
  const { gateway } = spoken.alert
  switch (kind.case) {
    case 'alert':
      return gateway === '' ? null : { kind: 'alert', body: { gateway, alert } }
    case 'webhook': {
      const { secret, timeout, url } = kind.value
      return { kind: 'webhook', body: { url, secret, timeoutMs: durationMs(timeout) ?? 0, alert } }
    }
    case 'email': {
      const { subject, to } = kind.value
      return { kind: 'email', body: { to, subject: subjectOf(subject, spoken), text: mailText(spoken) } }
    }
    case 'mqtt':
      return { kind: 'mqtt', body: { topic: kind.value.topic, alert } }
    case undefined:
      return null
  }
}

function subjectOf(template: string, { alert, record }: Spoken): string {
  const subject = template === '' ? alert.message : filled(template, record)
  return subject.replace(/[\r\n]+/g, ' ').slice(0, 200)
}

function mailText({ alert, rule }: Spoken): string {
  const time = new Date(Number(alert.time?.seconds ?? 0n) * 1000 + (alert.time?.nanos ?? 0) / 1e6).toISOString()
  const lines = [
    alert.message,
    '',
    `Severity: ${SEVERITIES.word(alert.severity) ?? ''}`,
    `Time:     ${time}`,
    ...(alert.gateway === '' ? [] : [`Gateway:  ${alert.gateway}`]),
    ...(alert.sensor === '' ? [] : [`Sensor:   ${alert.sensor}`]),
    `Rule:     ${rule.wire.name === '' ? rule.id : `${rule.wire.name} (${rule.id})`}`,
    ...Object.entries(alert.data ?? {}).map(([path, value]) => `${path}: ${JSON.stringify(value)}`),
  ]
  return `${lines.join('\n')}\n`
}
