// The calls about models: train, look, put into use, roll back, delete.

import { create } from '@bufbuild/protobuf'
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt'
import { isId } from '#domain/ids.ts'
import {
  ListModelsResponseSchema,
  ModelSchema,
  type ListModelsRequest,
  type ListModelsResponse,
  type Model,
  ModelState as WireState,
  type PromoteModelRequest,
  type RollBackModelRequest,
  type DeleteModelRequest,
  type GetModelRequest,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { wireDetector } from '../analytics/read-detector.ts'
import { FieldReader } from '../analytics/read-fields.ts'
import type { DriftMonitor } from './drift-monitor.ts'
import type { ModelRecord, ModelState } from './model-record.ts'
import type { ModelRegistry } from './registry.ts'

const MAX_NAME = 64
const PAGE = { least: 1, most: 1000, byDefault: 100 }
const STATES: Readonly<Record<ModelState, WireState>> = {
  candidate: WireState.CANDIDATE,
  active: WireState.ACTIVE,
  retired: WireState.RETIRED,
}

export function readName(reader: FieldReader, name: string): string {
  if (!isId(name) || name.length > MAX_NAME)
    reader.refuse('name', `must match [a-z0-9][a-z0-9_-]*, at most ${MAX_NAME} characters`)
  return name
}

export class ModelCalls {
  readonly #models: ModelRegistry
  readonly #drift: DriftMonitor

  constructor(models: ModelRegistry, drift: DriftMonitor) {
    this.#models = models
    this.#drift = drift
  }

  async get(tenant: string, { name, version }: GetModelRequest): Promise<Model> {
    checkName(name)
    return this.wire(await this.#models.get(tenant, name, version === 0 ? null : version))
  }

  async list(tenant: string, request: ListModelsRequest): Promise<ListModelsResponse> {
    const reader = new FieldReader()
    if (request.name !== '') readName(reader, request.name)
    const limit = reader.whole('page_size', request.pageSize, PAGE)
    const after = readPageToken(reader, request.pageToken)
    reader.done()
    const records = await this.#models.list(tenant, { name: request.name, after, limit: limit + 1 })
    const page = records.slice(0, limit)
    const last = page.at(-1)
    const hasMore = records.length > limit && last !== undefined
    return create(ListModelsResponseSchema, {
      models: page.map((record) => this.wire(record)),
      nextPageToken: hasMore ? `${last.name}.${last.version}` : '',
    })
  }

  async promote(tenant: string, { force, name, version }: PromoteModelRequest): Promise<Model> {
    const reader = new FieldReader()
    readName(reader, name)
    if (version === 0) reader.refuse('version', 'is missing')
    reader.done()
    return this.wire(await this.#models.promote(tenant, name, version, force))
  }

  async rollBack(tenant: string, { name }: RollBackModelRequest): Promise<Model> {
    checkName(name)
    return this.wire(await this.#models.rollBack(tenant, name))
  }

  async delete(tenant: string, { name, version }: DeleteModelRequest): Promise<number> {
    checkName(name)
    return this.#models.delete(tenant, name, version === 0 ? null : version)
  }

  wire(record: ModelRecord): Model {
    const { bytes, checksum, createdAt, description, name, promotedAt, state, version } = record
    const { activeScore, createdBy, evaluation, everyMs, gateway, kind, sensors, spec, trainedOn } = description
    const drift = this.#drift.of(record)
    return create(ModelSchema, {
      name,
      version,
      state: STATES[state],
      kind,
      sensors: [...sensors],
      gateway,
      createdAt: timestampFromMs(createdAt),
      createdBy,
      ...(promotedAt === null ? {} : { promotedAt: timestampFromMs(promotedAt) }),
      detector: wireDetector(spec),
      trainedOn: BigInt(trainedOn),
      evaluation: {
        points: BigInt(evaluation.points),
        score: evaluation.score,
        anomalyShare: evaluation.anomalyShare,
        ...(activeScore === null ? {} : { activeScore }),
      },
      ...(everyMs === null ? {} : { every: durationFromMs(everyMs) }),
      ...(drift === null
        ? {}
        : {
            drift: {
              index: drift.index,
              sensor: drift.sensor,
              drifted: drift.isDrifted,
              readings: BigInt(drift.readings),
              time: timestampFromMs(drift.time),
            },
          }),
      checksum,
      bytes,
    })
  }
}

function checkName(name: string): void {
  const reader = new FieldReader()
  readName(reader, name)
  reader.done()
}

function readPageToken(reader: FieldReader, token: string): { name: string; version: number } | null {
  if (token === '') return null
  const [, name, version] = /^([a-z0-9_-]+)\.(\d{1,9})$/.exec(token) ?? []
  if (name !== undefined) return { name, version: Number(version) }
  reader.refuse('page_token', 'is none that was given')
  return null
}
