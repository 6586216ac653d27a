// Models that were read lately, and which version of each is in use: in memory, and in Redis when there is one, for what memory has
// no room for and for the next start. One brain serves a database: what it remembers is what the database has.

import type { Cache } from '../service.ts'
import { decodeModel } from './model.ts'
import type { ModelRecord, StoredModel } from './model-record.ts'

const MAX_MODELS = 200
const SHARED_TTL_MS = 86_400_000
/** Of one model in Redis, as text. */
const MAX_SHARED_LENGTH = 4 * 1024 * 1024
/** Of all together: what is shared stays in this process as well, for the time when Redis is away. */
const MAX_SHARED_TOTAL = 64 * 1024 * 1024

type Version = Pick<ModelRecord, 'tenant' | 'name' | 'version'>

interface SharedModel {
  readonly record: ModelRecord
  /** Base64. */
  readonly body: string
}

export class ModelCache {
  readonly #shared: Cache | null
  /** By tenant, name and version; the least recently used first. */
  readonly #models = new Map<string, StoredModel>()
  /** By tenant and name: the version in use. */
  readonly #active = new Map<string, number>()
  /** Length of what is in Redis, by key; the least recently used first. */
  readonly #lengths = new Map<string, number>()
  #total = 0

  /** @param shared null: memory alone. */
  constructor(shared: Cache | null) {
    this.#shared = shared
  }

  /** Models in use that are in memory. */
  *inUse(): Generator<StoredModel> {
    for (const [key, version] of this.#active) {
      const stored = this.#models.get(`${key}:${version}`)
      if (stored !== undefined) yield stored
    }
  }

  /** From memory. `version` null: the one in use. */
  known(tenant: string, name: string, version: number | null): StoredModel | null {
    const wanted = version ?? this.#active.get(nameKey({ tenant, name }))
    if (wanted === undefined) return null
    const key = versionKey({ tenant, name, version: wanted })
    const stored = this.#models.get(key)
    if (stored === undefined) return null
    this.#models.delete(key)
    this.#models.set(key, stored)
    return stored
  }

  /** From Redis, as it was last known there. `version` null: the one in use. Never throws. */
  async shared(tenant: string, name: string, version: number | null): Promise<StoredModel | null> {
    if (this.#shared === null) return null
    const wanted = version ?? Number((await this.#shared.get(activeKey({ tenant, name }))) ?? Number.NaN)
    if (!Number.isInteger(wanted)) return null
    const key = sharedKey({ tenant, name, version: wanted })
    const text = await this.#shared.get(key)
    if (text === null) return null
    await this.#note(key, text.length)
    return parsed(text)
  }

  /** Into memory, with whether it is in use. */
  keep(stored: StoredModel): StoredModel {
    const { name, state, tenant, version } = stored.record
    const inUse = nameKey({ tenant, name })
    if (state === 'active') this.#active.set(inUse, version)
    else if (this.#active.get(inUse) === version) this.#active.delete(inUse)
    return this.put(stored)
  }

  /** Into memory. */
  put(stored: StoredModel): StoredModel {
    const key = versionKey(stored.record)
    this.#models.delete(key)
    this.#models.set(key, stored)
    if (this.#models.size > MAX_MODELS) this.#models.delete(this.#models.keys().next().value!)
    return stored
  }

  /** Into Redis; nothing when there is none, or when it is too large. */
  async share({ body, record }: StoredModel): Promise<void> {
    if (this.#shared === null) return
    const model: SharedModel = { record, body: Buffer.from(body).toString('base64') }
    const text = JSON.stringify(model)
    if (text.length > MAX_SHARED_LENGTH) return
    const key = sharedKey(record)
    await this.#shared.set(key, text, SHARED_TTL_MS)
    if (record.state === 'active') await this.#shared.set(activeKey(record), String(record.version), SHARED_TTL_MS)
    await this.#note(key, text.length)
  }

  /** A version that is gone. */
  async forget(tenant: string, name: string, version: number): Promise<void> {
    this.#models.delete(versionKey({ tenant, name, version }))
    await this.#drop(sharedKey({ tenant, name, version }))
    const inUse = nameKey({ tenant, name })
    if (this.#active.get(inUse) !== version) return
    this.#active.delete(inUse)
    await this.#shared?.delete(activeKey({ tenant, name }))
  }

  async #note(key: string, length: number): Promise<void> {
    this.#total += length - (this.#lengths.get(key) ?? 0)
    this.#lengths.delete(key)
    this.#lengths.set(key, length)
    while (this.#total > MAX_SHARED_TOTAL) await this.#drop(this.#lengths.keys().next().value!)
  }

  async #drop(key: string): Promise<void> {
    this.#total -= this.#lengths.get(key) ?? 0
    this.#lengths.delete(key)
    await this.#shared?.delete(key)
  }
}

const SHARED = 'brain:model:'

function nameKey({ name, tenant }: Pick<Version, 'tenant' | 'name'>): string {
  return `${tenant}:${name}` // ids have no colon
}

function versionKey(version: Version): string {
  return `${nameKey(version)}:${version.version}`
}

function sharedKey(version: Version): string {
  return `${SHARED}${versionKey(version)}`
}

function activeKey(model: Pick<Version, 'tenant' | 'name'>): string {
  return `brain:model-in-use:${nameKey(model)}`
}

/** null: it is damaged, or of another version of this program. */
function parsed(text: string): StoredModel | null {
  try {
    const { body: encoded, record } = JSON.parse(text) as SharedModel // written by `share`
    const body = new Uint8Array(Buffer.from(encoded, 'base64'))
    return { record, body, model: decodeModel(body, record.checksum) }
  } catch {
    return null
  }
}
