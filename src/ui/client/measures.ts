// How well the alarm system serves its operators, as the API gives it.

import { decodeAlarm } from './decode.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import { SEVERITIES, type Alarm, type Severity } from './wire.ts'

export interface CheckCount {
  readonly sensor: string
  readonly check: string
  readonly count: number
}

const RATINGS = ['acceptable', 'manageable', 'overDemanding', 'unacceptable'] as const
export type Rating = (typeof RATINGS)[number]

export interface Measures {
  readonly from: number
  readonly to: number
  readonly isTruncated: boolean
  readonly alarms: number
  readonly operators: {
    readonly count: number
    readonly isConfigured: boolean
    readonly acted: readonly { readonly by: string; readonly actions: number }[]
  }
  readonly inTenMinutes: {
    readonly now: number
    readonly mean: number
    readonly max: number
    readonly shareAbove10: number
  }
  readonly perOperator: {
    readonly per10Minutes: number
    readonly perHour: number
    readonly perDay: number
    readonly max: number
    readonly rating: Rating
  }
  readonly flood: {
    readonly isActive: boolean
    readonly since: number | null
    readonly floods: number
    readonly share: number
  }
  readonly chattering: readonly CheckCount[]
  readonly top: readonly (CheckCount & { readonly share: number })[]
  readonly severities: Readonly<Record<Severity, number>>
  readonly acknowledgements: { readonly count: number; readonly medianSeconds: number | null }
  readonly stale: readonly Alarm[]
  readonly standing: readonly Alarm[]
}

/** Times are Unix milliseconds. */
export async function readMeasures(http: HttpClient, from: number, to: number, signal: AbortSignal): Promise<Measures> {
  const query = `from=${Math.round(from)}&to=${Math.round(to)}`
  return decodeMeasures(await http.request(`/alarms/measures?${query}`, { signal }))
}

function decodeMeasures(source: unknown): Measures {
  const f = new Fields(source, 'measures')
  const operators = f.object('operators')
  const ten = f.object('per10Minutes')
  const each = f.object('perOperator')
  const flood = f.object('flood')
  const severities = f.object('severities')
  const acknowledgements = f.object('acknowledgements')
  return {
    from: f.time('from'),
    to: f.time('to'),
    isTruncated: f.flag('truncated'),
    alarms: f.number('alarms'),
    operators: {
      count: operators.number('count'),
      isConfigured: operators.flag('configured'),
      acted: operators.list('acted', (item) => {
        const acted = new Fields(item, 'acted')
        return { by: acted.text('by'), actions: acted.number('actions') }
      }),
    },
    inTenMinutes: {
      now: ten.number('now'),
      mean: ten.number('mean'),
      max: ten.number('max'),
      shareAbove10: ten.number('shareAbove10'),
    },
    perOperator: {
      per10Minutes: each.number('per10Minutes'),
      perHour: each.number('perHour'),
      perDay: each.number('perDay'),
      max: each.number('max'),
      rating: each.oneOf('rating', RATINGS),
    },
    flood: {
      isActive: flood.flag('active'),
      since: flood.timeOrNull('since'),
      floods: flood.number('floods'),
      share: flood.number('share'),
    },
    chattering: f.list('chattering', decodeCount),
    top: f.list('top', (item) => ({ ...decodeCount(item), share: new Fields(item, 'top').number('share') })),
    severities: {
      urgent: severities.number('urgent'),
      high: severities.number('high'),
      medium: severities.number('medium'),
      low: severities.number('low'),
    },
    acknowledgements: {
      count: acknowledgements.number('count'),
      medianSeconds: acknowledgements.numberOrNull('medianSeconds'),
    },
    stale: f.list('stale', decodeAlarm),
    standing: f.list('standing', decodeAlarm),
  }
}

function decodeCount(source: unknown): CheckCount {
  const f = new Fields(source, 'count')
  return { sensor: f.text('sensor'), check: f.text('check'), count: f.number('count') }
}

/** Alarms of the period in the order of priority, with their share; all 0 when there are none. */
export function priorityShares(
  severities: Measures['severities'],
): readonly { readonly severity: Severity; readonly count: number; readonly share: number }[] {
  const total = SEVERITIES.reduce((sum, severity) => sum + severities[severity], 0)
  return SEVERITIES.map((severity) => ({
    severity,
    count: severities[severity],
    share: total === 0 ? 0 : severities[severity] / total,
  }))
}
