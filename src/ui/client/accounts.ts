// Users, tokens of programs, own sessions and the audit log, as the API gives them.

import { decodePage, type Page } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import type { Role } from './wire.ts'

export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const satisfies readonly Role[]

export interface User {
  readonly name: string
  readonly role: Role
  readonly createdAt: number
}

export interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly createdAt: number
  /** null: never. */
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  /** Devices that it may hand readings in for, and nothing else; null: all that its role may. */
  readonly ingest: readonly string[] | null
}

export interface NewToken {
  readonly name: string
  readonly role: Role
  /** `90d`; null: it never ends. */
  readonly expiresIn: string | null
  /** Devices that it may hand readings in for, and nothing else (role operator); null: all that its role may. */
  readonly ingest: readonly string[] | null
}

export interface OpenSession {
  readonly id: string
  readonly isThis: boolean
  readonly address: string
  readonly startedAt: number
  readonly usedAt: number
  readonly expiresAt: number
}

const OUTCOMES = ['done', 'refused', 'failed'] as const

export interface AuditEntry {
  readonly seq: number
  readonly time: number
  readonly action: string
  readonly target: string | null
  readonly who: string
  readonly via: string
  readonly from: string | null
  readonly outcome: (typeof OUTCOMES)[number]
  readonly before: unknown
  readonly after: unknown
  readonly suppressed: number
}

export async function readUsers(http: HttpClient): Promise<readonly User[]> {
  return decodePage(decodeUser)(await http.request('/users?limit=1000')).items
}

export async function addUser(http: HttpClient, name: string, password: string, role: Role): Promise<void> {
  await http.request('/users', { method: 'POST', body: { name, password, role } })
}

/** Its sessions end. */
export async function changeUser(
  http: HttpClient,
  name: string,
  change: { readonly role?: Role; readonly password?: string },
): Promise<void> {
  await http.request(`/users/${encodeURIComponent(name)}`, { method: 'PUT', body: change })
}

export async function removeUser(http: HttpClient, name: string): Promise<void> {
  await http.request(`/users/${encodeURIComponent(name)}`, { method: 'DELETE' })
}

export async function readTokens(http: HttpClient): Promise<readonly Token[]> {
  return decodePage(decodeToken)(await http.request('/tokens?limit=1000')).items
}

/** Resolves with the token's text, which is told this once. */
export async function makeToken(http: HttpClient, { name, role, expiresIn, ingest }: NewToken): Promise<string> {
  const body = { name, role, ...(expiresIn !== null && { expiresIn }), ...(ingest !== null && { ingest }) }
  return new Fields(await http.request('/tokens', { method: 'POST', body }), 'token').text('token')
}

export async function revokeToken(http: HttpClient, id: string): Promise<void> {
  await http.request(`/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

export async function changePassword(http: HttpClient, current: string, password: string): Promise<void> {
  await http.request('/session/password', { method: 'PUT', body: { current, password } })
}

export async function readSessions(http: HttpClient): Promise<readonly OpenSession[]> {
  return new Fields(await http.request('/sessions'), 'sessions').list('items', (source) => {
    const f = new Fields(source, 'session')
    return {
      id: f.text('id'),
      isThis: f.flag('isThis'),
      address: f.text('address'),
      startedAt: f.time('startedAt'),
      usedAt: f.time('usedAt'),
      expiresAt: f.time('expiresAt'),
    }
  })
}

export async function endSession(http: HttpClient, id: string): Promise<void> {
  await http.request(`/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

/** Newest first; empty filters are left out. */
export async function readAudit(
  http: HttpClient,
  filters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Page<AuditEntry>> {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''))
  return decodePage(decodeEntry)(await http.request(`/audit?${query.toString()}`, { signal }))
}

/** null: every entry is as it was written; else what is wrong. */
export async function readIntegrity(http: HttpClient): Promise<string | null> {
  const f = new Fields(await http.request('/audit/integrity', { timeoutMs: 60_000 }), 'integrity')
  const fault = f.objectOrNull('fault')
  return fault === null ? null : `entry ${fault.number('seq')}: ${fault.text('message')}`
}

function decodeUser(source: unknown): User {
  const f = new Fields(source, 'user')
  return { name: f.text('name'), role: f.oneOf('role', ROLES), createdAt: f.time('createdAt') }
}

function decodeToken(source: unknown): Token {
  const f = new Fields(source, 'token')
  return {
    id: f.text('id'),
    name: f.text('name'),
    role: f.oneOf('role', ROLES),
    createdAt: f.time('createdAt'),
    expiresAt: f.timeOrNull('expiresAt'),
    lastUsedAt: f.timeOrNull('lastUsedAt'),
    ingest: f.has('ingest') ? f.list('ingest', String) : null,
  }
}

function decodeEntry(source: unknown): AuditEntry {
  const f = new Fields(source, 'entry')
  return {
    seq: f.number('seq'),
    time: f.time('time'),
    action: f.text('action'),
    target: f.textOrNull('target'),
    who: f.text('who'),
    via: f.text('via'),
    from: f.textOrNull('from'),
    outcome: f.oneOf('outcome', OUTCOMES),
    before: f.child('before', (value) => value),
    after: f.child('after', (value) => value),
    suppressed: f.number('suppressed'),
  }
}
