// The series that were read last, decoded: the pages of one query come from the same few chunks. Segments never change, so
// what is here is always right.

import type { SensorNumber } from '#domain/sensor.ts'
import type { Series } from './series.ts'

const MAX_READINGS = 262_144 // 24 bytes each

export class SeriesCache {
  readonly #series = new Map<string, Series>()
  #readings = 0

  get(segment: number, sensor: SensorNumber): Series | undefined {
    const key = `${segment}/${sensor}`
    const series = this.#series.get(key)
    if (series) {
      this.#series.delete(key)
      this.#series.set(key, series)
    }
    return series
  }

  put(segment: number, sensor: SensorNumber, series: Series): void {
    this.#series.set(`${segment}/${sensor}`, series)
    this.#readings += series.length
    for (const [key, oldest] of this.#series) {
      if (this.#readings <= MAX_READINGS) return
      this.#series.delete(key)
      this.#readings -= oldest.length
    }
  }
}
