// Sets the demo's central up over its own API, as its owner would: the set-up link makes the administrator, who makes a key for the
// gateway. Both are kept in files of the data folder, for the next start.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'

export interface CentralAccess {
  /** File with name and password of the administrator. */
  readonly loginFile: string
  /** File with the gateway's key. */
  readonly keyFile: string
}

export interface CentralAccessOptions {
  readonly dataDir: string
  readonly url: string
  /** What central prints once it serves, as JSON: the set-up link stands in it. */
  readonly addresses: Promise<string>
}

/** Where login and key are kept. */
export function centralFiles(dataDir: string): CentralAccess {
  return { loginFile: join(dataDir, 'central-login.txt'), keyFile: join(dataDir, 'central-key') }
}

/** Resolves once central serves and the gateway has a key. Rejects with UNAVAILABLE when it ends before. */
export async function centralAccess({ addresses, dataDir, url }: CentralAccessOptions): Promise<CentralAccess> {
  const files = centralFiles(dataDir)
  const token = setupToken(await addresses)
  if (token === null && existsSync(files.keyFile)) return files
  if (token === null)
    throw new TelemetryError('NOT_FOUND', `${files.keyFile} is gone; remove ${join(dataDir, 'central')} to begin anew`)
  const login = { name: 'demo', password: randomBytes(15).toString('base64url') }
  const cookie = await setUp(url, { token, ...login })
  const { key } = await post<{ key: string }>(
    `${url}/api/v1/keys`,
    { name: 'Demo gateway', scopes: ['ingest'], gateway: 'demo' },
    { cookie },
  )
  await writeFile(files.loginFile, `name: ${login.name}\npassword: ${login.password}\n`, { mode: 0o600 })
  await writeFile(files.keyFile, key, { mode: 0o600 })
  return files
}

/** null: central has an administrator. */
function setupToken(addresses: string): string | null {
  const { setup } = JSON.parse(addresses) as { setup: string | null } // printed by `telemetryx central --json`
  return setup === null ? null : new URL(setup).hash.replace(/^#.*=/, '')
}

async function setUp(url: string, body: Readonly<Record<string, string>>): Promise<string> {
  const response = await ask(`${url}/api/v1/setup`, body, {})
  return (response.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
}

async function post<T>(url: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<T> {
  return (await (await ask(url, body, headers)).json()) as T // the shape stands in central's OpenAPI document
}

async function ask(url: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(url).origin, ...headers },
    body: JSON.stringify(body),
  })
  if (response.ok) return response
  throw new TelemetryError('UNAVAILABLE', `Central answered ${response.status}: ${await response.text()}`)
}
