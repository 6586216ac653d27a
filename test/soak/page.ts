// What a soak run reads on a page of metrics.

import type { Lags, Sample } from './verdict.ts'

/** Sum of all series whose name (with labels, as far as given) begins so. */
export function sumOf(page: string, name: string, label = ''): number {
  let sum = 0
  for (const line of page.split('\n')) {
    if (!line.startsWith(name) || !line.includes(label) || /^[\w:]/.test(line.slice(name.length))) continue
    sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

export function sampleOf(page: string, at: number): Sample {
  return {
    at,
    rssBytes: sumOf(page, 'process_resident_memory_bytes'),
    heapBytes: sumOf(page, 'nodejs_heap_used_bytes'),
  }
}

export function lagsOf(page: string): Omit<Lags, 'settledAfter'> {
  const share = (name: string, le: string): number =>
    sumOf(page, `${name}_bucket`, `le="${le}"`) / sumOf(page, `${name}_count`)
  return {
    pollsInTime: share('telemetryx_poll_lag_seconds', '1'),
    durableInTime: share('telemetryx_pipeline_latency_seconds', '10'),
  }
}

/** Good readings that a device has given. */
export function goodOf(page: string, device: string): number {
  return sumOf(page, `telemetryx_readings_total{device="${device}",quality="good"}`)
}

/** What the faults of a device have left behind: errors and bad readings. Grows. */
export function hurtsOf(page: string, device: string): number {
  return (
    sumOf(page, 'telemetryx_device_errors_total', `device="${device}"`) +
    sumOf(page, `telemetryx_readings_total{device="${device}",quality="bad"}`)
  )
}
