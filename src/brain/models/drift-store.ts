// Which sensors have drifted from which versions, in the database: a restart neither forgets a drift nor tells it again.

import type { Database } from '#backing/database.ts'
import { SCHEMA } from '../analytics/history-schema.ts'
import type { ModelRecord } from './model-record.ts'

/** How far a sensor is from what a model was trained on. */
export interface Drift {
  readonly index: number
  readonly sensor: string
  readonly gateway: string
  readonly readings: number
  /** Unix milliseconds. */
  readonly time: number
  /** Above the limit, and not below the lower one since. */
  readonly isDrifted: boolean
  /** How often it has drifted from this version. */
  readonly episode: number
}

export type ModelVersion = Pick<ModelRecord, 'tenant' | 'name' | 'version'>

interface DriftRow extends Record<string, unknown> {
  readonly tenant: string
  readonly name: string
  readonly version: number
  readonly gateway: string
  readonly sensor: string
  readonly index: number
  readonly readings: number
  readonly time: number
  readonly drifted: boolean
  readonly episode: number
}

const MAX_ROWS = 10_000

export class DriftStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The latest ones. Throws what the database says. */
  async load(): Promise<readonly (readonly [model: ModelVersion, drift: Drift])[]> {
    const rows = await this.#database.query<DriftRow>(
      `SELECT tenant, name, version, gateway, sensor, index, readings, time, drifted, episode
       FROM ${SCHEMA}.drift ORDER BY time DESC LIMIT ${MAX_ROWS}`,
    )
    return rows.map(({ drifted, episode, gateway, index, name, readings, sensor, tenant, time, version }) => [
      { tenant, name, version },
      { index, sensor, gateway, readings, time, isDrifted: drifted, episode },
    ])
  }

  /** Of a version that is gone by then, nothing is kept. Throws what the database says. */
  async save({ name, tenant, version }: ModelVersion, drift: Drift): Promise<void> {
    const { episode, gateway, index, isDrifted, readings, sensor, time } = drift
    await this.#database.query(
      `INSERT INTO ${SCHEMA}.drift (tenant, name, version, gateway, sensor, index, readings, time, drifted, episode)
       SELECT tenant, name, version, $4::text, $5::text, $6::float8, $7::bigint, $8::bigint, $9::boolean, $10::int
       FROM ${SCHEMA}.model WHERE tenant = $1 AND name = $2 AND version = $3
       ON CONFLICT (tenant, name, version, gateway, sensor) DO UPDATE SET index = excluded.index,
         readings = excluded.readings, time = excluded.time, drifted = excluded.drifted, episode = excluded.episode`,
      [tenant, name, version, gateway, sensor, index, readings, Math.floor(time), isDrifted, episode],
    )
  }
}
