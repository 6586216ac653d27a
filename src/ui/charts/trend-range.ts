// Which part of the time a trend shows, and in which fineness it is asked for. Pure.

import type { Range } from '../client/sensor-history.ts'
import type { ValueType } from '../client/wire.ts'

/** What the trend shows: the newest `spanMs`, moving on, or a fixed part of the past. */
export type View = { readonly kind: 'following'; readonly spanMs: number } | ({ readonly kind: 'fixed' } & Range)

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000

/** The buttons above a trend. */
export const SPANS = [
  { label: '15m', words: '15 minutes', spanMs: 15 * MINUTE },
  { label: '1h', words: '1 hour', spanMs: HOUR },
  { label: '8h', words: '8 hours', spanMs: 8 * HOUR },
  { label: '24h', words: '24 hours', spanMs: DAY },
  { label: '7d', words: '7 days', spanMs: 7 * DAY },
  { label: '30d', words: '30 days', spanMs: 30 * DAY },
  { label: '1y', words: '1 year', spanMs: 365 * DAY },
] as const

const RAW_UP_TO_MS = 20 * MINUTE
const BUCKETS = 700 // about one for each pixel of a trend
const LEAST_SPAN_MS = 2000
const MOST_SPAN_MS = 10 * 365 * DAY // as long as hours are kept by default
const NICE_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400]

/** The view that a query of the address bar tells; without one, the newest quarter of an hour. */
export function viewOfQuery(query: string): View {
  const params = new URLSearchParams(query)
  const from = Date.parse(params.get('from') ?? '')
  const to = Date.parse(params.get('to') ?? '')
  if (from < to) return { kind: 'fixed', from, to }
  const span = SPANS.find(({ label }) => label === params.get('span')) ?? SPANS[0]
  return { kind: 'following', spanMs: span.spanMs }
}

/** The same backwards: what is to be changed in the query. */
export function queryOfView(view: View): Readonly<Record<'from' | 'to' | 'span', string | null>> {
  if (view.kind === 'fixed')
    return { from: new Date(view.from).toISOString(), to: new Date(view.to).toISOString(), span: null }
  const label = SPANS.find(({ spanMs }) => spanMs === view.spanMs)?.label ?? null
  return { from: null, to: null, span: label === SPANS[0].label ? null : label }
}

export function viewRange(view: View, now: number): Range {
  return view.kind === 'following' ? { from: now - view.spanMs, to: now } : { from: view.from, to: view.to }
}

/** Seconds of a bucket for a range; null when single readings are asked for, as always for text. */
export function bucketSeconds(range: Range, type: ValueType): number | null {
  const span = range.to - range.from
  if (type === 'string' || span <= RAW_UP_TO_MS) return null
  return coarseSeconds(range)
}

/** Seconds of a bucket even for a short range: for when there are more readings than one answer holds. */
export function coarseSeconds(range: Range): number {
  const least = (range.to - range.from) / 1000 / BUCKETS
  return NICE_SECONDS.find((seconds) => seconds >= least) ?? Math.ceil(least / 86_400) * 86_400
}

/** Moved by `share` of its width; never beyond `now`. */
export function moved(range: Range, share: number, now: number): View {
  const span = range.to - range.from
  const to = Math.min(now, range.to + span * share)
  return { kind: 'fixed', from: to - span, to }
}

/** Zoomed about `at` (0 its left edge, 1 its right): `factor` 0.5 shows half as much. Never beyond `now`. */
export function zoomed(range: Range, factor: number, now: number, at = 0.5): View {
  const before = range.to - range.from
  const span = Math.min(MOST_SPAN_MS, Math.max(LEAST_SPAN_MS, before * factor))
  const to = Math.min(now, range.from + before * at + span * (1 - at))
  return { kind: 'fixed', from: to - span, to }
}
