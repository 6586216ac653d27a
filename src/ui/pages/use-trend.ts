// Loads what a trend shows and keeps it moving: history by REST, live readings behind it, anew when the range leaves what is loaded.

import { useEffect, useRef, useState } from 'preact/hooks'
import {
  appended,
  EMPTY_TREND,
  fromBuckets,
  fromReadings,
  usualDistanceMs,
  type TrendData,
} from '../charts/trend-data.ts'
import { bucketSeconds, coarseSeconds, viewRange, type View } from '../charts/trend-range.ts'
import { errorMessage, isAborted } from '../client/http.ts'
import type { Range, SensorHistory } from '../client/sensor-history.ts'
import type { Alarm, Stats } from '../client/wire.ts'
import { plottable } from '../format/number.ts'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'

export interface Trend {
  readonly data: TrendData
  readonly range: Range
  readonly stats: Stats | null
  readonly occurrences: readonly Alarm[]
  readonly isLoading: boolean
  readonly error: string | null
}

/** A following trend is loaded anew this often, at most: statistics and buckets do not come by themselves. */
const LEAST_RELOAD_MS = 10_000
const RELOADS_PER_SPAN = 60

export function useTrend(live: LiveSensor, view: View): Trend {
  const { comebacks, now: clock, stored } = useFrame()
  const now = clock.value
  const range = viewRange(view, now)
  const [data, setData] = useState<TrendData>(EMPTY_TREND)
  const [details, setDetails] = useState<{ stats: Stats | null; occurrences: readonly Alarm[] }>({
    stats: null,
    occurrences: [],
  })
  const [isLoading, setLoading] = useState(true)
  const [error, setError] = useState<string | null>(null)
  const key = view.kind === 'following' ? `f${view.spanMs}` : `${view.from}-${view.to}`
  const turn = view.kind === 'following' ? Math.floor(now / reloadMs(view.spanMs)) : 0
  const shownKey = useRef('')

  useEffect(() => {
    const abort = new AbortController()
    const asked = viewRange(view, clock.peek())
    const isNewView = shownKey.current !== key
    setLoading(isNewView)
    const load = async (): Promise<void> => {
      const rest = Promise.all([
        stored.stats(live.sensor.id, asked, abort.signal),
        stored.occurrences(live.sensor.id, asked, abort.signal),
      ])
      rest.catch(() => undefined) // awaited below; the line may fail before
      // The line first: statistics of a long range may take their time.
      const loaded = await loadTrend(stored, live, asked, abort.signal)
      if (abort.signal.aborted) return
      shownKey.current = key
      // What came in while the request was under way is newer than its answer.
      setData((before) => (isNewView && view.kind === 'fixed' ? loaded : withTail(loaded, before)))
      setLoading(false)
      const [stats, occurrences] = await rest
      if (abort.signal.aborted) return
      setDetails({ stats, occurrences })
      setError(null)
    }
    load().catch((cause: unknown) => {
      if (abort.signal.aborted || isAborted(cause)) return
      setError(errorMessage(cause))
      setLoading(false)
    })
    return () => abort.abort()
  }, [live, key, turn, comebacks.value])

  useEffect(() => {
    if (view.kind !== 'following') return
    return live.latest.subscribe((latest) => {
      if (latest.time === null) return
      const { time } = latest
      setData((before) => appended(before, time, plottable(latest.value, live.sensor.type)))
    })
  }, [live, key])

  return { data, range, ...details, isLoading, error }
}

function reloadMs(spanMs: number): number {
  return Math.max(LEAST_RELOAD_MS, spanMs / RELOADS_PER_SPAN)
}

/** The line of a range: single readings while there are few, else buckets, which the server takes from its rollups. */
export async function loadTrend(
  stored: SensorHistory,
  live: LiveSensor,
  range: Range,
  signal: AbortSignal,
): Promise<TrendData> {
  const { id, type } = live.sensor
  const seconds = bucketSeconds(range, type)
  if (seconds === null) {
    const page = await stored.readings(id, range, signal)
    if (page.next === null) return fromReadings(page.items, type)
  }
  const every = seconds ?? coarseSeconds(range)
  const buckets = await stored.buckets(id, range, every, signal)
  return fromBuckets(buckets, every, Math.max(every * 2500, live.longestPauseMs * 2, usualDistanceMs(buckets) * 2.5))
}

/** Live readings behind the end of what was loaded. */
function withTail(loaded: TrendData, before: TrendData): TrendData {
  const end = loaded.times.at(-1) ?? 0
  const start = before.times.findIndex((time) => time > end)
  if (start === -1) return loaded
  return {
    times: [...loaded.times, ...before.times.slice(start)],
    low: [...loaded.low, ...before.low.slice(start)],
    high: [...loaded.high, ...before.high.slice(start)],
    line: [...loaded.line, ...before.line.slice(start)],
  }
}
