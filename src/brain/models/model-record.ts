// What is known of a version of a model, and its row in the database.

import type { DetectorSpec } from '../analytics/detector-spec.ts'
import type { Evaluation } from './evaluate.ts'
import type { TrainedModel } from './model.ts'

export type ModelState = 'candidate' | 'active' | 'retired'

/** What is known of a version beside what it scores with. */
export interface ModelDescription {
  readonly kind: TrainedModel['kind']
  readonly sensors: readonly string[]
  /** '': readings of all gateways, or handed in. */
  readonly gateway: string
  readonly spec: DetectorSpec
  /** null: readings as they came. */
  readonly everyMs: number | null
  readonly trainedOn: number
  readonly evaluation: Evaluation
  readonly activeScore: number | null
  readonly createdBy: string
}

export interface ModelRecord {
  readonly tenant: string
  readonly name: string
  readonly version: number
  readonly state: ModelState
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly promotedAt: number | null
  readonly description: ModelDescription
  readonly checksum: string
  readonly bytes: number
}

export interface StoredModel {
  readonly record: ModelRecord
  readonly body: Uint8Array
  readonly model: TrainedModel
}

export interface ModelRow extends Record<string, unknown> {
  readonly tenant: string
  readonly name: string
  readonly version: number
  readonly state: ModelState
  readonly created_at: number
  readonly promoted_at: number | null
  readonly description: string
  readonly checksum: string
  readonly bytes: number
}

/** Of a row. */
export const COLUMNS = `tenant, name, version, state, created_at, promoted_at, description, checksum, length(body) AS bytes`

export function recordOf(row: ModelRow): ModelRecord {
  const { bytes, checksum, created_at, description, name, promoted_at, state, tenant, version } = row
  return {
    tenant,
    name,
    version,
    state,
    createdAt: created_at,
    promotedAt: promoted_at,
    description: JSON.parse(description) as ModelDescription, // written by `add`
    checksum,
    bytes,
  }
}
