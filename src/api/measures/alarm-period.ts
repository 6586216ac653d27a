// The alarm system over a period, from its transitions: what operators were shown, how much at a time, and what they did.
// Pure: in go transitions, oldest first; out come the figures of ISA-18.2 §16 and EEMUA 191.

import { isShown, type Alarm, type AlarmEntry } from '#domain/alarm.ts'
import { SEVERITIES, type Severity } from '#domain/check.ts'
import type { AlarmCount } from '#domain/views.ts'
import type { TimeRange } from '../time.ts'
import { chatteringChecks, floodsOf, type Flood } from './alarm-bursts.ts'

export const TEN_MINUTES_MS = 600_000
const DAY_MS = 86_400_000
const TOP = 10

/** ISA-18.2: the share of ten-minute intervals with more alarms than this is to stay below 1 %. */
const BUSY_ABOVE = 10

/** An alarm that was shown to the operators. */
export interface Raise {
  readonly time: number
  readonly sensor: string
  readonly check: string
  readonly severity: Severity
}

export interface TopCount extends AlarmCount {
  /** Of all alarms of the period, 0 … 1. */
  readonly share: number
}

export interface PeriodFigures {
  /** Alarms shown. */
  readonly alarms: number
  /** Alarms in ten minutes: the mean, the most in one interval, and the share of intervals with more than ten. */
  readonly tenMinutes: { readonly mean: number; readonly max: number; readonly shareAbove10: number }
  readonly floods: readonly Flood[]
  /** Share of the time that lay in floods, 0 … 1. */
  readonly floodShare: number
  /** Three times or more within a minute; the count is the most in one minute. */
  readonly chattering: readonly AlarmCount[]
  readonly top: readonly TopCount[]
  readonly severities: Readonly<Record<Severity, number>>
  /** Acknowledgements, and the median time from the raise to them; null without any. */
  readonly acknowledgements: { readonly count: number; readonly medianSeconds: number | null }
  /** Who did something with alarms, and how often; most first. */
  readonly acted: readonly { readonly by: string; readonly actions: number }[]
  /** Active and shown at the end of the period, longest first. */
  readonly standing: readonly Alarm[]
  /** Those of them that were active for more than 24 hours. */
  readonly stale: readonly Alarm[]
}

/** Gathers the transitions from the begin of a period until now; those after its end tell only what stood at it. */
export class AlarmPeriod {
  readonly #range: TimeRange
  readonly #raises: Raise[] = []
  readonly #ackSeconds: number[] = []
  readonly #acted = new Map<string, number>()
  readonly #standing = new Map<string, Alarm>()

  constructor(range: TimeRange) {
    this.#range = range
  }

  take({ change, time, by, alarm }: AlarmEntry): void {
    // Whatever is cleared after the end of the period stood at it.
    if (change === 'cleared') this.stands({ ...alarm, active: true, clearedAt: null }, time)
    if (time >= this.#range.to || time < this.#range.from) return
    if (by !== null) this.#acted.set(by, (this.#acted.get(by) ?? 0) + 1)
    if (change === 'raised' && isShown(alarm)) {
      this.#raises.push({ time, sensor: alarm.sensor, check: alarm.check, severity: alarm.severity })
    }
    if (change === 'acknowledged') this.#ackSeconds.push(Math.max(0, time - alarm.raisedAt) / 1000)
  }

  /** An alarm that was active until `until`, Unix milliseconds; Infinity: it still is. */
  stands(alarm: Alarm, until: number): void {
    const { to } = this.#range
    if (alarm.active && isShown(alarm) && alarm.raisedAt < to && until >= to) {
      this.#standing.set(`${alarm.sensor}/${alarm.check}`, alarm)
    }
  }

  figures(): PeriodFigures {
    const { from, to } = this.#range
    const raises = this.#raises
    const floods = floodsOf(raises, to)
    const inFlood = floods.reduce((sum, { from: begin, to: end }) => sum + (end ?? to) - begin, 0)
    const standing = [...this.#standing.values()].sort((a, b) => a.raisedAt - b.raisedAt)
    const severities = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>
    for (const { severity } of raises) severities[severity] += 1
    return {
      alarms: raises.length,
      tenMinutes: overIntervals(raises, this.#range),
      floods,
      floodShare: inFlood / (to - from),
      chattering: chatteringChecks(raises),
      top: topOf(raises),
      severities,
      acknowledgements: { count: this.#ackSeconds.length, medianSeconds: medianOf(this.#ackSeconds) },
      acted: [...this.#acted].map(([by, actions]) => ({ by, actions })).sort((a, b) => b.actions - a.actions),
      standing,
      stale: standing.filter(({ raisedAt }) => raisedAt < to - DAY_MS),
    }
  }
}

/** Over intervals of ten minutes from the begin of the period; a last one that is shorter counts where it is the only one. */
function overIntervals(raises: readonly Raise[], { from, to }: TimeRange): PeriodFigures['tenMinutes'] {
  const counts = new Map<number, number>()
  for (const { time } of raises) {
    const interval = Math.floor((time - from) / TEN_MINUTES_MS)
    counts.set(interval, (counts.get(interval) ?? 0) + 1)
  }
  const intervals = Math.max(1, Math.ceil((to - from) / TEN_MINUTES_MS))
  let max = 0
  let busy = 0
  for (const count of counts.values()) {
    max = Math.max(max, count)
    if (count > BUSY_ABOVE) busy += 1
  }
  const length = Math.max(1, (to - from) / TEN_MINUTES_MS)
  return { mean: raises.length / length, max, shareAbove10: busy / intervals }
}

function topOf(raises: readonly Raise[]): TopCount[] {
  const counts = new Map<string, { sensor: string; check: string; count: number }>()
  for (const { sensor, check } of raises) {
    const key = `${sensor}/${check}`
    const known = counts.get(key)
    if (known) known.count += 1
    else counts.set(key, { sensor, check, count: 1 })
  }
  return [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, TOP)
    .map((one) => ({ ...one, share: one.count / raises.length }))
}

function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
