// Loads the lines and statistics of compared sensors, anew while they follow the present.

import { useEffect, useState } from 'preact/hooks'
import type { TrendData } from '../charts/trend-data.ts'
import { viewRange, type View } from '../charts/trend-range.ts'
import type { Range } from '../client/sensor-history.ts'
import { errorMessage, isAborted } from '../client/http.ts'
import type { Alarm, Stats } from '../client/wire.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { useServices } from '../state/services.ts'
import { loadTrend } from './use-trend.ts'

export interface Compared {
  readonly range: Range
  readonly data: ReadonlyMap<string, TrendData>
  readonly stats: ReadonlyMap<string, Stats>
  /** What limits and detectors found in the range, by sensor, newest first. */
  readonly occurrences: ReadonlyMap<string, readonly Alarm[]>
  readonly isLoading: boolean
  readonly error: string | null
}

const LEAST_RELOAD_MS = 5000
const RELOADS_PER_SPAN = 60

export function useCompared(sensors: readonly LiveSensor[], view: View): Compared {
  const { api, plant } = useServices()
  const now = plant.now.value
  const [data, setData] = useState<ReadonlyMap<string, TrendData>>(new Map())
  const [stats, setStats] = useState<ReadonlyMap<string, Stats>>(new Map())
  const [occurrences, setOccurrences] = useState<ReadonlyMap<string, readonly Alarm[]>>(new Map())
  const [isLoading, setLoading] = useState(true)
  const [error, setError] = useState<string | null>(null)
  const key = view.kind === 'following' ? `f${view.spanMs}` : `${view.from}-${view.to}`
  const turn =
    view.kind === 'following' ? Math.floor(now / Math.max(LEAST_RELOAD_MS, view.spanMs / RELOADS_PER_SPAN)) : 0
  useEffect(() => {
    const abort = new AbortController()
    const range = viewRange(view, plant.now.peek())
    setLoading(true)
    const load = async (): Promise<void> => {
      const lines = await Promise.all(sensors.map((live) => loadTrend(api, live, range, abort.signal)))
      if (abort.signal.aborted) return
      setData(new Map(sensors.map(({ sensor }, index) => [sensor.id, lines[index]!])))
      setLoading(false)
      const [figures, found] = await Promise.all([
        Promise.all(sensors.map(({ sensor }) => api.stats(sensor.id, range, abort.signal))),
        Promise.all(sensors.map(({ sensor }) => api.occurrences(sensor.id, range, abort.signal))),
      ])
      if (abort.signal.aborted) return
      setStats(new Map(sensors.map(({ sensor }, index) => [sensor.id, figures[index]!])))
      setOccurrences(new Map(sensors.map(({ sensor }, index) => [sensor.id, found[index]!])))
      setError(null)
    }
    load().catch((cause: unknown) => {
      if (abort.signal.aborted || isAborted(cause)) return
      setError(errorMessage(cause))
      setLoading(false)
    })
    return () => abort.abort()
  }, [sensors, key, turn])
  return { range: viewRange(view, now), data, stats, occurrences, isLoading, error }
}
