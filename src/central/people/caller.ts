// Who calls central, and what which route asks of a caller. Pure.
//
//   permission   people (role in their tenant)   programs (scope of their key)
//   read         viewer                          read
//   change       engineer                        write
//   administer   admin                           admin
//   ingest       nobody                          ingest
//   metrics      platform administrators         metrics
//   platform     platform administrators         no key

import { includesRole, type Role } from '#api/auth/roles.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { TenantNumber } from '../ports.ts'

export const SCOPES = ['ingest', 'read', 'write', 'admin', 'metrics'] as const
export type Scope = (typeof SCOPES)[number]

/** What a route asks for; `public`: nothing, `known`: to be anyone. */
export const PERMISSIONS = ['public', 'known', 'read', 'change', 'administer', 'ingest', 'metrics', 'platform'] as const
export type Permission = (typeof PERMISSIONS)[number]

interface AnyCaller {
  /** For the audit log: user name, `key:NAME`, `oidc:SUBJECT`. */
  readonly name: string
  /** Id of its tenant; `tenantNumber` is what storage knows it by. */
  readonly tenant: string
  readonly tenantNumber: TenantNumber
}

export interface Person extends AnyCaller {
  readonly via: 'session' | 'oidc'
  readonly role: Role
  /** Makes tenants and their first keys; sees the data of its own tenant only. */
  readonly isPlatformAdmin: boolean
}

export interface Program extends AnyCaller {
  readonly via: 'key'
  readonly keyId: string
  readonly scopes: readonly Scope[]
  /** The one gateway that it may send for; null: every gateway of the tenant. */
  readonly gateway: string | null
}

export type Caller = Person | Program

const ROLE_FOR = { read: 'viewer', change: 'engineer', administer: 'admin' } as const
const SCOPE_FOR = { read: 'read', change: 'write', administer: 'admin', ingest: 'ingest', metrics: 'metrics' } as const
/** A scope includes those listed with it; `ingest` stands by itself: a gateway's key opens nothing else. */
const INCLUDED: Readonly<Record<Scope, readonly Scope[]>> = {
  ingest: ['ingest'],
  read: ['read'],
  write: ['write', 'read'],
  admin: ['admin', 'write', 'read'],
  metrics: ['metrics'],
}

/** True when the caller may do what `permission` covers. */
export function allows(caller: Caller, permission: Exclude<Permission, 'public'>): boolean {
  if (permission === 'known') return true
  if (caller.via === 'key') {
    if (permission === 'platform') return false
    return caller.scopes.some((scope) => INCLUDED[scope].includes(SCOPE_FOR[permission]))
  }
  if (permission === 'platform' || permission === 'metrics') return caller.isPlatformAdmin
  return permission !== 'ingest' && includesRole(caller.role, ROLE_FOR[permission])
}

/** Throws UNAUTHENTICATED, PERMISSION_DENIED. */
export function authorise(caller: Caller | null, permission: Exclude<Permission, 'public'>): Caller {
  if (caller === null)
    throw new TelemetryError('UNAUTHENTICATED', 'Log in, or send a valid key as Authorization: Bearer')
  if (allows(caller, permission)) return caller
  throw new TelemetryError('PERMISSION_DENIED', refusalWords(caller, permission))
}

function refusalWords(caller: Caller, permission: Exclude<Permission, 'public'>): string {
  if (permission === 'platform') return 'This is for administrators of the platform'
  if (permission === 'known') return 'This is not for you'
  if (caller.via === 'key') return `This needs a key with the scope ${SCOPE_FOR[permission]}`
  if (permission === 'metrics') return 'This is for administrators of the platform'
  if (permission === 'ingest') return 'Readings are handed in with a key of the scope ingest'
  return `This needs the role ${ROLE_FOR[permission]}; ${caller.name} is ${caller.role}`
}
