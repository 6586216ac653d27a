// Users, tokens of programs and own sessions, as the API gives them.

import { decodePage } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import { ROLES, type Role } from './wire.ts'

export interface User {
  readonly name: string
  readonly role: Role
  readonly createdAt: number
  /** False: disabled. Only central disables. */
  readonly isActive: boolean
  /** Administrator of all tenants of a central. */
  readonly isPlatformAdmin: boolean
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

function decodeUser(source: unknown): User {
  const f = new Fields(source, 'user')
  return {
    name: f.text('name'),
    role: f.oneOf('role', ROLES),
    createdAt: f.time('createdAt'),
    isActive: !f.has('active') || f.flag('active'),
    isPlatformAdmin: f.has('platformAdmin') && f.flag('platformAdmin'),
  }
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
