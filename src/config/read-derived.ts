// The entries of `derived` → DerivedConfig. An entry may use the sensors of devices and the entries above it, so that there
// is never a circle.

import type { StaticDecode } from 'typebox'
import type { Derivation } from '#domain/derivation.ts'
import type { ValueType } from '#domain/value.ts'
import { elementsOf, nodeAt, textAt, type ConfigNode } from './config-node.ts'
import type { ReadContext } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import { DerivedSchema } from './derived-schema.ts'
import { checkCheckExpressions, checkExpression, operandsOf, type ExpressionRules } from './expression-rules.ts'
import type { DerivedConfig } from './gateway-config.ts'
import type { ReadDevices } from './read-devices.ts'
import { checkSensorRules } from './sensor-rules.ts'
import { complain, refuse, type Subject } from './subject.ts'
import { suggestion } from './suggest.ts'
import { durationAt } from './value-at.ts'

const SECOND_MS = 1000
const WEEK_MS = 7 * 86_400_000
const HOUR_MS = 3_600_000
/** Panes of a window, each of which keeps its own sums. */
const MAX_PANES = 1000
const MAX_LATE_PANES = 100

export interface ReadDerived {
  readonly derived: readonly DerivedConfig[]
  readonly sensorIds: readonly string[]
}

/** Reads the list, and checks the expressions of all sensors; problems go to the context. */
export function readDerived(
  list: ConfigNode | undefined,
  devices: ReadDevices,
  lines: readonly string[],
  context: ReadContext,
): ReadDerived {
  const types = new Map<string, ValueType>()
  const machines = new Map<string, string>()
  for (const device of devices.devices) {
    for (const { id, valueType } of device.sensors) {
      types.set(`${device.id}.${id}`, valueType)
      machines.set(`${device.id}.${id}`, device.machine)
    }
  }
  const untyped = new Set(devices.sensorIds.filter((id) => !types.has(id)))
  const rules: ExpressionRules = { types, isComplete: devices.isComplete, untyped, lines }
  const derived: DerivedConfig[] = []
  const sensorIds: string[] = []
  const entries = elementsOf(list).map((node, index) => ({
    node,
    path: ['derived', index],
    problems: context.problems,
  }))
  for (const subject of entries) {
    const id = textAt(subject.node, ['id'])
    if (id !== undefined) {
      if (sensorIds.includes(id) || devices.sensorIds.includes(id))
        refuse(subject, ['id'], 'must not be the id of another sensor')
      sensorIds.push(id)
    }
    const config = readEntry(subject, rules, machines)
    if (config) {
      derived.push(config)
      types.set(config.id, config.valueType)
      machines.set(config.id, config.machine)
    } else if (id !== undefined) untyped.add(id)
  }
  const all: ExpressionRules = { ...rules, isComplete: devices.isComplete && sensorIds.length === entries.length }
  for (const { id, source } of devices.sources)
    checkCheckExpressions(id, { ...source, problems: context.problems }, all)
  for (const subject of entries) checkCheckExpressions(textAt(subject.node, ['id']) ?? '', subject, all)
  return { derived, sensorIds }
}

function readEntry(
  subject: Subject,
  rules: ExpressionRules,
  machines: ReadonlyMap<string, string>,
): DerivedConfig | undefined {
  checkSensorRules(subject)
  const has = (key: string): boolean => nodeAt(subject.node, [key]) !== undefined
  if (subject.node.kind === 'map' && has('expression') === has('window')) {
    complain(subject, [], 'a derived sensor needs either an expression or a window')
    return undefined
  }
  const type = has('window')
    ? checkWindow(subject, rules)
    : checkExpression({ subject, at: ['expression'], own: null }, rules)
  const values = plainMap(subject, DerivedSchema)
  const keys = values && decodeKeys(values, DerivedSchema, subject)
  if (!keys || type === undefined) return undefined
  const derivation = derivationOf(keys)
  const first = derivation.kind === 'window' ? derivation.window.of : operandsOf(derivation.text, rules.types)[0]
  const { id, description, unit, checks, deadband } = keys
  if (type === 'string' && checks.length > 0) complain(subject, ['checks'], 'a text cannot be checked')
  return {
    id,
    description,
    unit,
    machine: keys.machine ?? machines.get(first ?? '') ?? id.slice(0, id.indexOf('.')),
    deadband: deadband ? { absolute: deadband.absolute, maxIntervalMs: deadband.maxInterval ?? null } : null,
    checks,
    valueType: type,
    derivation,
  }
}

function derivationOf(keys: StaticDecode<typeof DerivedSchema>): Derivation {
  const { window, expression = '' } = keys
  if (!window) return { kind: 'expression', text: expression }
  const { of, figure, size, every = size, lateness, percentile = 95 } = window
  return {
    kind: 'window',
    window: { of, figure, sizeMs: size, everyMs: every, latenessMs: lateness, percentile },
  }
}

/** undefined when the sensor that the window is of cannot be used. */
function checkWindow(subject: Subject, { types, isComplete, untyped }: ExpressionRules): 'number' | undefined {
  const { node } = subject
  const sizeMs = durationAt(node, ['window', 'size'])
  const everyMs = durationAt(node, ['window', 'every']) ?? sizeMs
  const latenessMs = durationAt(node, ['window', 'lateness']) ?? 0
  if (sizeMs !== undefined && (sizeMs < SECOND_MS || sizeMs > WEEK_MS))
    refuse(subject, ['window', 'size'], 'must be from 1s to 7d')
  else if (sizeMs !== undefined && everyMs !== undefined) {
    if (everyMs < SECOND_MS || sizeMs % everyMs !== 0 || sizeMs / everyMs > MAX_PANES) {
      refuse(
        subject,
        ['window', 'every'],
        `must be at least 1s, and go into size a whole number of times, at most ${MAX_PANES}`,
      )
    }
    if (latenessMs > Math.min(HOUR_MS, MAX_LATE_PANES * everyMs)) {
      refuse(subject, ['window', 'lateness'], 'must be at most 1h, and at most 100 times as long as every')
    }
  }
  if (nodeAt(node, ['window', 'percentile']) !== undefined && textAt(node, ['window', 'figure']) !== 'percentile') {
    complain(subject, ['window', 'percentile'], 'goes with figure: percentile')
  }
  const of = textAt(node, ['window', 'of'])
  const type = of === undefined ? undefined : types.get(of)
  if (of !== undefined && type === undefined && isComplete && !untyped.has(of)) {
    complain(subject, ['window', 'of'], `there is no sensor "${of}"${suggestion(of, [...types.keys()])}`)
  }
  if (type === 'string') complain(subject, ['window', 'of'], 'a text has no figures')
  return type === undefined || type === 'string' ? undefined : 'number'
}
