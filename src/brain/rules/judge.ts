// Evaluates rules: windows first, then the condition, then the cooldown. Pure but for the rules' own state.

import { wordOf } from './record-path.ts'
import { NO_WINDOWS, type RecordView, type WindowView } from './record-view.ts'
import type { CompiledRule, RuleWindow } from './rule.ts'

/** `keep`: windows and cooldowns are brought forward; `look`: nothing changes. */
export type JudgeMode = 'keep' | 'look'

/** `silent`: the condition holds, within the cooldown. */
export type Verdict = 'no' | 'silent' | 'speaks'

export interface JudgeOptions {
  /** Keys of which a rule remembers when it spoke. */
  readonly maxKeys: number
}

export class Judge {
  readonly #options: JudgeOptions
  /** Pairs of record and rule that were judged. */
  evaluated = 0
  /** Those that spoke. */
  spoken = 0
  /** Those that held within a cooldown. */
  silenced = 0

  constructor(options: JudgeOptions) {
    this.#options = options
  }

  judge(rule: CompiledRule, record: RecordView, mode: JudgeMode): Verdict {
    this.evaluated += 1
    // Always set: the view is used again, for other rules, other sensors and other tenants.
    record.windows = rule.windows.length > 0 ? windowView(rule.windows, record, mode) : NO_WINDOWS
    if (!rule.condition.holds(record)) return 'no'
    return this.#isSilent(rule, record, mode) ? 'silent' : 'speaks'
  }

  #isSilent(rule: CompiledRule, record: RecordView, mode: JudgeMode): boolean {
    const { cooldownMs, spoken } = rule
    if (cooldownMs > 0) {
      const key = cooldownKey(rule, record)
      const last = spoken.get(key)
      // Either way: a record of a clock that went wrong must not silence a rule for years.
      if (last !== undefined && Math.abs(record.time - last) < cooldownMs) {
        if (mode === 'keep') this.silenced += 1
        return true
      }
      if (mode === 'keep') {
        spoken.delete(key)
        spoken.set(key, record.time)
        rule.hasSpoken = true
        if (spoken.size > this.#options.maxKeys) spoken.delete(spoken.keys().next().value!)
      }
    }
    if (mode === 'keep') this.spoken += 1
    return false
  }
}

/** Of what a rule is silent for the cooldown: the key of its first window, or the sensor of the gateway. */
export function cooldownKey({ windows }: CompiledRule, record: RecordView): string {
  return windows[0] ? keyOf(windows[0], record) : sensorKey(record)
}

function windowView(windows: readonly RuleWindow[], record: RecordView, mode: JudgeMode): WindowView {
  const view: WindowView = {}
  for (const window of windows) view[window.name] = aggregate(window, record, mode)
  return view
}

function aggregate(window: RuleWindow, record: RecordView, mode: JudgeMode): number | null {
  const key = keyOf(window, record)
  const value = measured(window.field(record))
  if (mode === 'look') return window.keyed.peek(key, record.time, value)
  return value === null ? window.keyed.read(key, record.time) : window.keyed.push(key, record.time, value)
}

/** Booleans count 0 and 1; of a text only `count` makes sense. */
function measured(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'string' ? 0 : null
}

function keyOf({ key }: RuleWindow, record: RecordView): string {
  if (key === null) return sensorKey(record)
  const value = key(record)
  return wordOf(value).slice(0, 256)
}

function sensorKey({ gateway, sensor }: RecordView): string {
  return `${gateway} ${sensor}` // ids have no spaces
}
