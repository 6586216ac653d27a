// What was stored of one sensor: readings, buckets, statistics, alarms. The same routes at a gateway and at central.

import { decodePage, type Page } from './decode-page.ts'
import { decodeAlarm, decodeBucket, decodeReading, decodeStats } from './decode.ts'
import type { HttpClient } from './http.ts'
import type { Alarm, Bucket, Reading, Stats } from './wire.ts'

export interface Range {
  /** Unix milliseconds; [from, to). */
  readonly from: number
  readonly to: number
}

const READINGS_LIMIT = 10_000
const ALARM_LIMIT = 100

/** Every call may throw ApiError or ShapeError. */
export class SensorHistory {
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
  }

  /** The first 10,000 readings of the range, oldest first; `next` tells whether there are more. */
  async readings(sensor: string, range: Range, signal: AbortSignal): Promise<Page<Reading>> {
    return decodePage(decodeReading)(await this.#history(sensor, 'readings', range, `&limit=${READINGS_LIMIT}`, signal))
  }

  /** The newest readings, newest first. */
  async newestReadings(sensor: string, range: Range, limit: number, signal: AbortSignal): Promise<readonly Reading[]> {
    const query = `&order=newestFirst&limit=${limit}`
    return decodePage(decodeReading)(await this.#history(sensor, 'readings', range, query, signal)).items
  }

  /** `everySeconds` ≥ 1; the range must not hold more than 10,000 buckets. */
  async buckets(sensor: string, range: Range, everySeconds: number, signal: AbortSignal): Promise<readonly Bucket[]> {
    const query = `&every=${everySeconds}s&limit=${READINGS_LIMIT}`
    return decodePage(decodeBucket)(await this.#history(sensor, 'readings', range, query, signal)).items
  }

  async stats(sensor: string, range: Range, signal: AbortSignal): Promise<Stats> {
    return decodeStats(await this.#history(sensor, 'stats', range, '', signal))
  }

  /** Limits' and detectors' alarms that were active at some moment of the range, newest first. */
  async occurrences(sensor: string, range: Range, signal: AbortSignal): Promise<readonly Alarm[]> {
    const limit = `&limit=${ALARM_LIMIT}`
    const [alerts, anomalies] = await Promise.all([
      this.#history(sensor, 'alerts', range, limit, signal),
      this.#history(sensor, 'anomalies', range, limit, signal),
    ])
    const decode = decodePage(decodeAlarm)
    return [...decode(alerts).items, ...decode(anomalies).items].sort((a, b) => b.raisedAt - a.raisedAt)
  }

  #history(sensor: string, what: string, range: Range, query: string, signal: AbortSignal): Promise<unknown> {
    const span = `from=${Math.round(range.from)}&to=${Math.round(range.to)}`
    return this.#http.request(`/sensors/${encodeURIComponent(sensor)}/${what}?${span}${query}`, { signal })
  }
}
