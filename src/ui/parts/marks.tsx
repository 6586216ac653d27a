// Marks of what is not normal: always shape and word; colour comes third. What is normal has no mark.

import type { JSX } from 'preact'
import type { Quality, Severity } from '../client/wire.ts'
import { QUALITY_WORDS, SEVERITY_WORDS, statusWords } from '../format/words.ts'
import type { Condition } from '../state/condition.ts'
import { Icon, type IconName } from './icon.tsx'

const SHAPES: Readonly<Record<Severity, { readonly d: string; readonly digit: string; readonly y: number }>> = {
  urgent: { d: 'M1.500 1.500h17v17h-17z', digit: '1', y: 14.3 },
  high: { d: 'M10 1l9.300 17.500H.7z', digit: '2', y: 16 },
  medium: { d: 'M10 .8l9.200 9.200l-9.200 9.200l-9.200-9.200z', digit: '3', y: 14.3 },
  low: { d: 'M10 1a9 9 0 1 0 0 18a9 9 0 0 0 0-18z', digit: '4', y: 14.3 },
}

/** The priority's shape with its digit. `isHollow`: the alarm is over, or there is none. */
export function SeverityShape({
  severity,
  isHollow = false,
}: {
  readonly severity: Severity
  readonly isHollow?: boolean
}): JSX.Element {
  const { d, digit, y } = SHAPES[severity]
  return (
    <svg
      class={`shape shape-${severity}${isHollow ? ' is-hollow' : ''}`}
      viewBox="0 0 20 20"
      aria-hidden="true"
      focusable="false"
    >
      <path d={d} />
      <text x="10" y={y}>
        {digit}
      </text>
    </svg>
  )
}

export function SeverityMark({
  severity,
  isHollow = false,
}: {
  readonly severity: Severity
  readonly isHollow?: boolean
}): JSX.Element {
  return (
    <span class="mark">
      <SeverityShape severity={severity} isHollow={isHollow} />
      {SEVERITY_WORDS[severity]}
    </span>
  )
}

/** Quality of a reading with the reason in words. Good says so quietly. */
export function QualityMark({ quality, status }: { readonly quality: Quality; readonly status: string }): JSX.Element {
  const reason = statusWords(status)
  return (
    <span class={`mark mark-${quality}`} title={status}>
      {quality !== 'good' && <Icon name={quality === 'bad' ? 'bad' : 'question'} />}
      {QUALITY_WORDS[quality]}
      {reason !== '' && `: ${reason}`}
    </span>
  )
}

const CONDITION_WORDS: Readonly<Record<Condition, string>> = {
  'alarm-urgent': 'Urgent alarm',
  'alarm-high': 'High-priority alarm',
  'alarm-medium': 'Medium-priority alarm',
  'alarm-low': 'Low-priority alarm',
  bad: 'No valid value',
  stale: 'Stale',
  uncertain: 'Uncertain',
  waiting: 'Waiting',
  normal: 'Normal',
}

const CONDITION_ICONS: Readonly<Partial<Record<Condition, IconName>>> = {
  bad: 'bad',
  stale: 'clock',
  uncertain: 'question',
  waiting: 'waiting',
}

export function conditionWords(condition: Condition): string {
  return CONDITION_WORDS[condition]
}

/** The priority of an alarm condition, else null. */
export function severityOf(condition: Condition): Severity | null {
  switch (condition) {
    case 'alarm-urgent':
      return 'urgent'
    case 'alarm-high':
      return 'high'
    case 'alarm-medium':
      return 'medium'
    case 'alarm-low':
      return 'low'
    case 'bad':
    case 'stale':
    case 'uncertain':
    case 'waiting':
    case 'normal':
      return null
  }
}

interface ConditionMarkProps {
  readonly condition: Condition
  /** `shape`: the word is for screen readers only, where there is room for no more. */
  readonly form?: 'full' | 'shape'
  /** Instead of the condition's own word. */
  readonly word?: string
}

export function ConditionMark({ condition, form = 'full', word }: ConditionMarkProps): JSX.Element {
  const severity = severityOf(condition)
  const icon = CONDITION_ICONS[condition]
  return (
    <span
      class={`mark mark-${severity === null ? condition : 'alarm'}`}
      title={form === 'shape' ? conditionWords(condition) : undefined}
    >
      {severity !== null && <SeverityShape severity={severity} />}
      {icon !== undefined && <Icon name={icon} />}
      <span class={form === 'shape' ? 'sr-only' : undefined}>{word ?? conditionWords(condition)}</span>
    </span>
  )
}

interface BadgeProps {
  readonly tone: 'normal' | 'data' | 'quiet'
  readonly icon?: IconName
  readonly children: string
}

/** State of a device, an uplink, a session: a word with a pictogram when it is not normal. */
export function Badge({ tone, icon, children }: BadgeProps): JSX.Element {
  return (
    <span class={`badge badge-${tone}`}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </span>
  )
}
