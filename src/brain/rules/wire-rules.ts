// Rules on their way out and in: without secrets for callers, with them for the database; and which fields an update may change.

import { clone, create, fromJsonString, toJsonString } from '@bufbuild/protobuf'
import { RuleSchema, type Action, type Rule } from '#rpc/generated/telemetryx/v1/rules_pb.js'

/** As callers see it: a webhook's secret is never given back. */
export function publicRule(rule: Rule): Rule {
  const shown = clone(RuleSchema, rule)
  for (const { kind } of shown.actions) if (kind.case === 'webhook') kind.value.secret = ''
  return shown
}

export function ruleToText(rule: Rule): string {
  return toJsonString(RuleSchema, rule)
}

/** Fields that a later version wrote are dropped. Throws when the text is no rule. */
export function ruleFromText(text: string): Rule {
  return fromJsonString(RuleSchema, text, { ignoreUnknownFields: true })
}

/** By the name that a field mask uses. */
const CHANGEABLE = {
  name: (to: Rule, from: Rule) => void (to.name = from.name),
  description: (to: Rule, from: Rule) => void (to.description = from.description),
  enabled: (to: Rule, from: Rule) => void (to.enabled = from.enabled),
  severity: (to: Rule, from: Rule) => void (to.severity = from.severity),
  condition: (to: Rule, from: Rule) => void (to.condition = from.condition),
  sensors: (to: Rule, from: Rule) => void (to.sensors = from.sensors),
  gateways: (to: Rule, from: Rule) => void (to.gateways = from.gateways),
  windows: (to: Rule, from: Rule) => void (to.windows = from.windows),
  actions: (to: Rule, from: Rule) => void (to.actions = withSecrets(from.actions, to.actions)),
  cooldown: (to: Rule, from: Rule) => {
    if (from.cooldown === undefined) delete to.cooldown
    else to.cooldown = from.cooldown
  },
} as const

type Changeable = keyof typeof CHANGEABLE

/** Masks in JSON come in camelCase; all of ours are one word. */
export function isChangeable(path: string): path is Changeable {
  return Object.hasOwn(CHANGEABLE, path)
}

/** `known` with the fields of `given` that `paths` names; empty: all. */
export function mergedRule(known: Rule, given: Rule, paths: readonly string[]): Rule {
  const merged = clone(RuleSchema, known)
  const source = clone(RuleSchema, given)
  const wanted = paths.length === 0 ? (Object.keys(CHANGEABLE) as Changeable[]) : paths.filter(isChangeable)
  for (const path of wanted) CHANGEABLE[path](merged, source)
  return merged
}

/** Who reads a rule and writes it back does not have its secrets: a webhook without one keeps that of its address. */
function withSecrets(given: Action[], known: readonly Action[]): Action[] {
  for (const { kind } of given) {
    if (kind.case !== 'webhook' || kind.value.secret !== '') continue
    const { url } = kind.value
    const before = known.find((action) => action.kind.case === 'webhook' && action.kind.value.url === url)
    if (before?.kind.case === 'webhook') kind.value.secret = before.kind.value.secret
  }
  return given
}

/** What is kept of a rule that a caller wants to make. */
export function newRule(given: Rule): Rule {
  return create(RuleSchema, clone(RuleSchema, given))
}
