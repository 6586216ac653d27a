// Compares what arrives with what the models in use were trained on, and reports a sensor that has become another: in the log, as a
// metric, with the model, and as an alert to the gateway that owns the sensor.

import { createHash } from 'node:crypto'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { collectedGauge, type Registry } from '#kit/metrics.ts'
import { SensorStates, type SensorKey } from '../analytics/accepted-numbers.ts'
import type { AcceptedRecords, TellFinding } from '../service.ts'
import { DRIFT_LIMIT, DRIFT_OVER, DriftWatch } from './drift.ts'
import type { Drift, DriftStore, ModelVersion } from './drift-store.ts'
import type { ModelRecord, StoredModel } from './model-record.ts'

/** Versions of which drift is remembered, also while they are not in use. */
const MAX_VERSIONS = 10_000

export interface DriftMonitorOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly store: DriftStore
  readonly tell: TellFinding
  /** Models in use, of all tenants. */
  inUse(): Iterable<StoredModel>
}

/** Of one version: how far each of its sensors has drifted. */
type Found = Map<string, Drift>

interface SensorWatch {
  readonly model: ModelRecord
  readonly key: SensorKey
  readonly watch: DriftWatch
}

export class DriftMonitor {
  readonly #options: DriftMonitorOptions
  readonly #states: SensorStates<SensorWatch[]>
  /** By version; the one that was looked at least recently first. */
  readonly #found = new Map<string, Found>()
  #inUse = new Map<string, ModelRecord>()
  #telling: Promise<void> = Promise.resolve()

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

  /** Learns what was known before the last stop. Throws what the database says. */
  async restore(): Promise<void> {
    for (const [model, drift] of await this.#options.store.load()) {
      const found = this.#foundOf(model)
      const key = sensorKey(drift)
      if (!found.has(key)) found.set(key, drift)
    }
  }

  /** Looks at what is in use now. */
  refresh(): void {
    this.#inUse = new Map()
    for (const { record } of this.#options.inUse()) {
      this.#inUse.set(keyOf(record), record)
      // Of another model that had this name and version, and was deleted.
      const found = this.#found.get(keyOf(record))
      for (const [key, { time }] of found ?? []) if (time < record.createdAt) found?.delete(key)
    }
    this.#states.clear()
  }

  /** The sensor of a version that has drifted most; null: none is known, or it is not in use. */
  of(model: ModelVersion): Drift | null {
    const key = keyOf(model)
    const found = this.#inUse.has(key) ? this.#found.get(key) : undefined
    return found === undefined ? null : worst(found)
  }

  take(records: AcceptedRecords): void {
    if (this.#inUse.size === 0) return
    this.#states.each(records, (watches, value, time) => {
      for (const { key, model, watch } of watches) {
        const { gateway, sensor } = key
        const result = watch.take(value, time)
        if (result !== null) this.#take(model, { ...result, gateway, sensor })
      }
    })
  }

  /** Waits for what is being told. */
  async stop(): Promise<void> {
    await this.#telling
  }

  #watchesOf(key: SensorKey): SensorWatch[] | null {
    const watches: SensorWatch[] = []
    for (const { model, record } of this.#options.inUse()) {
      const { gateway } = record.description
      if (record.tenant !== key.tenant || (gateway !== '' && gateway !== key.gateway)) continue
      const at = model.sensors.indexOf(key.sensor)
      if (at < 0 || !this.#inUse.has(keyOf(record))) continue
      watches.push({ model: record, key, watch: new DriftWatch(model.profiles[at]!, model.spanMs) })
    }
    return watches.length === 0 ? null : watches
  }

  #take(model: ModelRecord, now: Pick<Drift, 'index' | 'readings' | 'gateway' | 'sensor'>): void {
    const found = this.#foundOf(model)
    const before = found.get(sensorKey(now))
    const wasDrifted = before?.isDrifted ?? false
    // Between the two limits it stays what it was, so that a sensor at the limit is not told again and again.
    const isDrifted = now.index > DRIFT_LIMIT || (wasDrifted && now.index >= DRIFT_OVER)
    const episode = (before?.episode ?? 0) + Number(isDrifted && !wasDrifted)
    const drift: Drift = { ...now, time: this.#options.clock.now(), isDrifted, episode }
    found.set(sensorKey(now), drift)
    if (isDrifted === wasDrifted) return
    this.#log(model, drift)
    this.#telling = this.#telling.then(() => this.#keep(model, drift))
  }

  #log({ name, tenant, version }: ModelVersion, { gateway, index, isDrifted, readings, sensor }: Drift): void {
    const fields = { tenant, model: name, version, gateway, sensor, index: rounded(index), readings }
    if (isDrifted) this.#options.log.warn(fields, 'A sensor is not as it was when a model was trained on it')
    else this.#options.log.info(fields, 'A sensor is again as it was when a model was trained on it')
  }

  /** The alert first: when the brain dies in between it is told again, by the same id. */
  async #keep(model: ModelRecord, drift: Drift): Promise<void> {
    const { log, store, tell } = this.#options
    try {
      if (drift.isDrifted) await tell(findingOf(model, drift))
      await store.save(model, drift)
    } catch (cause) {
      const fields = { tenant: model.tenant, model: model.name, reason: toTelemetryError(cause).message }
      log.warn(fields, 'The drift of a model could not be kept for the next start')
    }
  }

  #foundOf(model: ModelVersion): Found {
    const key = keyOf(model)
    const found = this.#found.get(key) ?? new Map<string, Drift>()
    this.#found.delete(key)
    this.#found.set(key, found)
    if (this.#found.size > MAX_VERSIONS) this.#found.delete(this.#found.keys().next().value!)
    return found
  }

  *#samples(): Generator<{ labels: Record<string, string>; value: number }> {
    for (const { name, tenant, version } of this.#inUse.values()) {
      const drift = this.of({ name, tenant, version })
      if (drift !== null) yield { labels: { tenant, model: name, sensor: drift.sensor }, value: drift.index }
    }
  }
}

function findingOf({ createdAt, name, tenant, version }: ModelRecord, drift: Drift): Parameters<TellFinding>[0] {
  const { episode, gateway, index, readings, sensor, time } = drift
  const parts = ['drift', tenant, name, version, Math.round(createdAt), gateway, sensor, episode]
  const shown = rounded(index)
  return {
    tenant,
    gateway,
    sensor,
    time,
    id: createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32),
    type: 'model-drift',
    speaker: { id: `drift:${name}`, name: `Drift of the model ${name}` },
    severity: 'medium',
    message: `${sensor} is not as it was when version ${version} of the model ${name} was trained: index ${shown}, limit ${DRIFT_LIMIT}`,
    data: { model: name, version, sensor, index: shown, limit: DRIFT_LIMIT, readings },
  }
}

function worst(found: Found): Drift | null {
  let most: Drift | null = null
  for (const drift of found.values()) if (most === null || drift.index > most.index) most = drift
  return most
}

function rounded(index: number): number {
  return Number(index.toFixed(3))
}

function sensorKey({ gateway, sensor }: Pick<Drift, 'gateway' | 'sensor'>): string {
  return `${gateway}\0${sensor}`
}

function keyOf({ name, tenant, version }: ModelVersion): string {
  return `${tenant}\0${name}\0${version}`
}
