// The store of secrets as the API tells of it: names and what reads them. A value goes in and never comes out.

import { decodePage } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'

export interface Secret {
  readonly name: string
  /** credential: handed over by the service manager; it cannot be changed here. */
  readonly from: (typeof SOURCES)[number]
  readonly changedAt: number
  /** Keys of the configuration in force. */
  readonly usedBy: readonly string[]
}

const SOURCES = ['store', 'credential'] as const

export async function readSecrets(http: HttpClient): Promise<readonly Secret[]> {
  return decodePage(decodeSecret)(await http.request('/secrets?limit=1000')).items
}

export async function putSecret(http: HttpClient, name: string, value: string): Promise<void> {
  await http.request(`/secrets/${encodeURIComponent(name)}`, { method: 'PUT', body: { value } })
}

/** Throws ApiError CONFLICT while the configuration needs it, or without `force` an older revision. */
export async function deleteSecret(http: HttpClient, name: string, force: boolean): Promise<void> {
  await http.request(`/secrets/${encodeURIComponent(name)}${force ? '?force=true' : ''}`, { method: 'DELETE' })
}

function decodeSecret(source: unknown): Secret {
  const f = new Fields(source, 'secret')
  return {
    name: f.text('name'),
    from: f.oneOf('from', SOURCES),
    changedAt: f.time('changedAt'),
    usedBy: f.list('usedBy', String),
  }
}
