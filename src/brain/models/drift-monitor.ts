// Compares what arrives with what the models in use were trained on, and reports a sensor that has become another: in the log, as a
// metric, and with the model.

import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { collectedGauge, type Registry } from '#kit/metrics.ts'
import { SensorStates, type SensorKey } from '../analytics/accepted-numbers.ts'
import type { AcceptedRecords } from '../service.ts'
import { DRIFT_LIMIT, DriftWatch } from './drift.ts'
import type { ModelRecord, StoredModel } from './registry.ts'

export interface Drift {
  readonly index: number
  readonly sensor: string
  readonly gateway: string
  readonly readings: number
  /** Unix milliseconds. */
  readonly time: number
}

export function hasDrifted({ index }: Drift): boolean {
  return index > DRIFT_LIMIT
}

export interface DriftMonitorOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Models in use, of all tenants. */
  inUse(): Iterable<StoredModel>
}

/** A model, and how far each of its sensors has drifted. */
interface Watched {
  readonly record: ModelRecord
  readonly found: Map<string, Drift>
}

interface SensorWatch {
  readonly watched: Watched
  readonly key: SensorKey
  readonly watch: DriftWatch
}

export class DriftMonitor {
  readonly #options: DriftMonitorOptions
  readonly #states: SensorStates<SensorWatch[]>
  #watched = new Map<string, Watched>()

  constructor(options: DriftMonitorOptions) {
    this.#options = options
    this.#states = new SensorStates((key) => this.#watchesOf(key))
    collectedGauge({
      registry: options.registry,
      name: 'telemetryx_brain_model_drift',
      help: 'Population stability index of the sensor that has drifted most, by model in use; above 0.25 is much',
      labelNames: ['tenant', 'model', 'sensor'],
      collect: () => this.#samples(),
    })
  }

  /** Looks at what is in use now. What was found of versions that stay is kept. */
  refresh(): void {
    const before = this.#watched
    this.#watched = new Map()
    for (const { record } of this.#options.inUse()) {
      const key = keyOf(record)
      this.#watched.set(key, before.get(key) ?? { record, found: new Map() })
    }
    this.#states.clear()
  }

  /** The sensor of a version that has drifted most; null: none is known, or it is not in use. */
  of(record: ModelRecord): Drift | null {
    const watched = this.#watched.get(keyOf(record))
    return watched === undefined ? null : worst(watched)
  }

  take(records: AcceptedRecords): void {
    if (this.#watched.size === 0) return
    this.#states.each(records, (watches, value, time) => {
      for (const { key, watch, watched } of watches) {
        const found = watch.take(value, time)
        if (found !== null) this.#report(watched, { ...found, ...key, time: this.#options.clock.now() })
      }
    })
  }

  #watchesOf(key: SensorKey): SensorWatch[] | null {
    const watches: SensorWatch[] = []
    for (const { model, record } of this.#options.inUse()) {
      const { gateway } = record.description
      if (record.tenant !== key.tenant || (gateway !== '' && gateway !== key.gateway)) continue
      const at = model.sensors.indexOf(key.sensor)
      const watched = this.#watched.get(keyOf(record))
      if (at < 0 || watched === undefined) continue
      watches.push({ watched, key, watch: new DriftWatch(model.profiles[at]!, model.spanMs) })
    }
    return watches.length === 0 ? null : watches
  }

  #report(watched: Watched, drift: Drift): void {
    const { found, record } = watched
    const key = `${drift.gateway}\0${drift.sensor}`
    const before = found.get(key)
    found.set(key, drift)
    const isNews = hasDrifted(drift) !== (before !== undefined && hasDrifted(before))
    if (!isNews) return
    const fields = {
      tenant: record.tenant,
      model: record.name,
      version: record.version,
      gateway: drift.gateway,
      sensor: drift.sensor,
      index: Number(drift.index.toFixed(3)),
      readings: drift.readings,
    }
    if (hasDrifted(drift)) this.#options.log.warn(fields, 'A sensor is not as it was when a model was trained on it')
    else this.#options.log.info(fields, 'A sensor is again as it was when a model was trained on it')
  }

  *#samples(): Generator<{ labels: Record<string, string>; value: number }> {
    for (const watched of this.#watched.values()) {
      const drift = worst(watched)
      if (drift === null) continue
      const { name, tenant } = watched.record
      yield { labels: { tenant, model: name, sensor: drift.sensor }, value: drift.index }
    }
  }
}

function worst({ found }: Watched): Drift | null {
  let most: Drift | null = null
  for (const drift of found.values()) if (most === null || drift.index > most.index) most = drift
  return most
}

function keyOf({ name, tenant, version }: ModelRecord): string {
  return `${tenant}\0${name}\0${version}`
}
