// A rule as a caller gives it → checked and compiled, or everything that is wrong with it, by field.

import { isId } from '#domain/ids.ts'
import { SEVERITIES } from '#rpc/entries.ts'
import {
  Window_Function as WireFunction,
  type Rule as WireRule,
  type Window as WireWindow,
} from '#rpc/generated/telemetryx/v1/rules_pb.js'
import type { Duration } from '@bufbuild/protobuf/wkt'
import type { FieldViolation } from '../rpc/answers.ts'
import { actionProblems, type ActionRules } from './action-check.ts'
import { compileCondition, type Condition } from './condition.ts'
import type { Logic } from './operators.ts'
import { getterOf, stepsOf } from './record-path.ts'
import type { CompiledRule, RecordKind, RuleWindow } from './rule.ts'
import { MAX_SERIES_LENGTH, type Extent, type WindowFunction } from './window-series.ts'
import { KeyedWindow, type WindowMemory } from './windows.ts'

const MAX_NAME = 200
const MAX_DESCRIPTION = 4000
const MAX_PATTERNS = 1000
const MAX_PATTERN = 256
const MAX_WINDOWS = 16
const MAX_COOLDOWN_MS = 366 * 86_400_000
const MAX_WINDOW_MS = 366 * 86_400_000

const FUNCTIONS: ReadonlyMap<WireFunction, WindowFunction> = new Map([
  [WireFunction.COUNT, 'count'],
  [WireFunction.SUM, 'sum'],
  [WireFunction.AVG, 'avg'],
  [WireFunction.MIN, 'min'],
  [WireFunction.MAX, 'max'],
  [WireFunction.RATE, 'rate'],
])

/** First steps of paths that only one kind of record has. */
const KIND_OF_ROOT: Readonly<Record<string, RecordKind | null>> = {
  value: 'reading',
  quality: 'reading',
  status: 'reading',
  unit: 'reading',
  machine: 'reading',
  factory: 'reading',
  alarm: 'alarm',
  change: 'alarm',
  event: 'event',
  kind: null,
  sensor: null,
  gateway: null,
  time: null,
  receivedAt: null,
  windows: null,
}

export interface RuleCheckOptions {
  readonly logic: Logic
  readonly memory: WindowMemory
  readonly actions: ActionRules
  readonly onFailure: (tenant: string, rule: string) => void
}

export type RuleResult =
  | { readonly ok: true; readonly rule: CompiledRule }
  | { readonly ok: false; readonly violations: readonly FieldViolation[] }

/**
 * `wire` is kept: give it a copy of what a caller has sent. `before`: the rule as it was; what has not changed keeps its state.
 * Paths of violations begin with `at`, for example `rule`.
 */
export function compileRule(
  wire: WireRule,
  before: CompiledRule | null,
  at: string,
  options: RuleCheckOptions,
): RuleResult {
  const violations: FieldViolation[] = []
  const report = (field: string, description: string): void =>
    void violations.push({ field: `${at}.${field}`, description })
  checkTexts(wire, report)
  const severity = SEVERITIES.word(wire.severity)
  if (severity === undefined) report('severity', 'is missing or unknown')
  const cooldownMs = durationMs(wire.cooldown) ?? 0
  if (!(cooldownMs >= 0 && cooldownMs <= MAX_COOLDOWN_MS)) report('cooldown', 'must be from 0 to 366 days')
  const windows = checkWindows(wire, report)
  for (const { description, field } of actionProblems(wire.actions, options.actions)) report(field, description)
  const onFailure = (): void => options.onFailure(wire.tenant, wire.id)
  const compiled = compileCondition(wire.condition, { logic: options.logic, onFailure })
  if (!compiled.ok) report('condition', compiled.problem)
  else checkWindowNames(compiled.condition, windows, report)
  if (!compiled.ok || severity === undefined || violations.length > 0) return { ok: false, violations }
  const { condition } = compiled
  const rule: CompiledRule = {
    tenant: wire.tenant,
    id: wire.id,
    wire,
    severity,
    condition,
    kinds: kindsOf(condition, wire.windows),
    seesBad: condition.reads === null || condition.reads.has('quality') || condition.reads.has('status'),
    sensors: wire.sensors,
    gateways: wire.gateways.length === 0 ? null : new Set(wire.gateways),
    windows: windows.map((window) => openWindow(window, before, options.memory)),
    cooldownMs,
    spoken: before?.spoken ?? new Map<string, number>(),
    hasSpoken: false,
  }
  return { ok: true, rule }
}

/** Gives up windows of `before` that `after` has not taken over. */
export function releaseWindows(before: CompiledRule, after: CompiledRule | null): void {
  const kept = new Set(after?.windows.map(({ keyed }) => keyed))
  for (const { keyed } of before.windows) if (!kept.has(keyed)) keyed.clear()
}

type Report = (field: string, description: string) => void

function checkTexts({ description, gateways, id, name, sensors }: WireRule, report: Report): void {
  if (!isId(id) || id.length > 64) report('id', 'must be lower-case letters, digits, "_" and "-", at most 64')
  if (name.length > MAX_NAME) report('name', `must not be longer than ${MAX_NAME} characters`)
  if (description.length > MAX_DESCRIPTION)
    report('description', `must not be longer than ${MAX_DESCRIPTION} characters`)
  if (sensors.length > MAX_PATTERNS) report('sensors', `must not be more than ${MAX_PATTERNS}`)
  const tooLong = sensors.findIndex((pattern) => pattern === '' || pattern.length > MAX_PATTERN)
  if (tooLong >= 0) report(`sensors[${tooLong}]`, `must have 1 to ${MAX_PATTERN} characters`)
  if (gateways.length > MAX_PATTERNS) report('gateways', `must not be more than ${MAX_PATTERNS}`)
  const noId = gateways.findIndex((gateway) => !isId(gateway))
  if (noId >= 0) report(`gateways[${noId}]`, 'is no id of a gateway')
}

interface CheckedWindow {
  readonly wire: WireWindow
  readonly what: WindowFunction
  readonly extent: Extent
}

function checkWindows({ windows }: WireRule, report: Report): CheckedWindow[] {
  if (windows.length > MAX_WINDOWS) report('windows', `must not be more than ${MAX_WINDOWS}`)
  const checked: CheckedWindow[] = []
  for (const [index, wire] of windows.slice(0, MAX_WINDOWS).entries()) {
    const at = `windows[${index}]`
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(wire.name))
      report(`${at}.name`, 'must be letters, digits and "_", at most 64')
    if (windows.findIndex(({ name }) => name === wire.name) < index)
      report(`${at}.name`, 'is the name of another window')
    for (const part of ['field', 'key'] as const)
      if (stepsOf(wire[part]) === null || wire[part].length > MAX_PATTERN) report(`${at}.${part}`, 'is too long')
    const what = FUNCTIONS.get(wire.function)
    if (what === undefined) report(`${at}.function`, 'is missing or unknown')
    const extent = extentOf(wire)
    if (extent === null)
      report(`${at}.extent`, `must be a time from 1 ms to 366 days, or a count from 1 to ${MAX_SERIES_LENGTH}`)
    if (what !== undefined && extent !== null) checked.push({ wire, what, extent })
  }
  return checked
}

function extentOf({ extent }: WireWindow): Extent | null {
  if (extent.case === 'time') {
    const ms = durationMs(extent.value) ?? 0
    return ms >= 1 && ms <= MAX_WINDOW_MS ? { kind: 'time', ms } : null
  }
  if (extent.case === 'count') {
    const count = extent.value
    return count >= 1 && count <= MAX_SERIES_LENGTH ? { kind: 'count', count } : null
  }
  return null
}

function checkWindowNames({ reads }: Condition, windows: readonly CheckedWindow[], report: Report): void {
  const names = new Set(windows.map(({ wire }) => wire.name))
  for (const path of reads ?? []) {
    const [root, name] = path.split('.')
    if (root === 'windows' && name !== undefined && !names.has(name))
      report('condition', `reads windows.${name}, which the rule does not define`)
  }
}

function openWindow(
  { extent, what, wire }: CheckedWindow,
  before: CompiledRule | null,
  memory: WindowMemory,
): RuleWindow {
  const definition = JSON.stringify([wire.name, what, wire.field, wire.key, extent])
  const known = before?.windows.find((window) => window.definition === definition)
  if (known) return known
  return {
    name: wire.name,
    field: getterOf(stepsOf(wire.field === '' ? 'value' : wire.field) ?? []),
    key: wire.key === '' || wire.key === 'sensor' ? null : getterOf(stepsOf(wire.key) ?? []),
    keyed: new KeyedWindow(memory, extent, what),
    definition,
  }
}

/** A condition that reads only what alarms have is not evaluated for readings, and so on. */
function kindsOf({ reads }: Condition, windows: readonly WireWindow[]): ReadonlySet<RecordKind> {
  const all: ReadonlySet<RecordKind> = new Set<RecordKind>(['reading', 'alarm', 'event', 'custom'])
  if (reads === null) return all
  const kinds = new Set<RecordKind>()
  for (const path of [...reads, ...windows.map(({ field }) => (field === '' ? 'value' : field))]) {
    const root = path.split('.')[0]!
    const kind = Object.hasOwn(KIND_OF_ROOT, root) ? KIND_OF_ROOT[root] : 'custom'
    if (kind) kinds.add(kind)
  }
  if (kinds.size === 0) return all
  kinds.add('custom')
  return kinds
}

export function durationMs(duration: Duration | undefined): number | null {
  return duration === undefined ? null : Number(duration.seconds) * 1000 + duration.nanos / 1e6
}
