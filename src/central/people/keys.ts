// Keys of programs: 256 random bits, shown once; only a hash is kept. A key belongs to one tenant, has scopes, may be for one gateway,
// may end by itself, and can be revoked.

import { newSecret } from '#api/auth/secret.ts'
import { createHash } from 'node:crypto'
import { TelemetryError } from '#domain/errors.ts'
import type { ApiKeyRecord, Tenancy, TenantNumber } from '../ports.ts'
import { SCOPES, type Program, type Scope } from './caller.ts'

export const KEY_PREFIX = 'txc_'
const KEY = /^txc_[A-Za-z0-9_-]{43}$/
const ID_CHARACTERS = 12

export interface KeyWish {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly gateway: string | null
  /** Unix milliseconds; null: never. */
  readonly expiresAt: number | null
}

/** What is told once, and never again. */
export interface NewKey {
  readonly record: ApiKeyRecord
  readonly key: string
}

/** Throws OUT_OF_RANGE for a gateway's key that could do more than send for it. */
export async function createKey(tenancy: Tenancy, tenant: TenantNumber, wish: KeyWish, by: string): Promise<NewKey> {
  if (wish.gateway !== null && wish.scopes.some((scope) => scope !== 'ingest'))
    throw new TelemetryError('OUT_OF_RANGE', 'A key for one gateway has the scope ingest only')
  const key = newSecret(KEY_PREFIX)
  const id = newSecret().slice(0, ID_CHARACTERS)
  const record = await tenancy.addKey(tenant, { ...wish, id, createdBy: by, hash: hashOf(key) })
  return { record, key }
}

/** True for what could be a key of ours: nothing else is looked up. */
export function isKey(token: string): boolean {
  return KEY.test(token)
}

export function hashOf(key: string): Uint8Array {
  return createHash('sha256').update(key, 'utf8').digest()
}

/** Whose key it is; null for one that is unknown, revoked or over. */
export async function programOf(
  tenancy: Tenancy,
  key: string,
): Promise<(Program & { readonly expiresAt: number | null }) | null> {
  const found = await tenancy.findKey(hashOf(key))
  if (found === null) return null
  const { tenant, key: record } = found
  return {
    name: `key:${record.name}`,
    tenant: tenant.id,
    tenantNumber: tenant.number,
    via: 'key',
    keyId: record.id,
    scopes: SCOPES.filter((scope) => record.scopes.includes(scope)),
    gateway: record.gateway,
    expiresAt: record.expiresAt,
  }
}
