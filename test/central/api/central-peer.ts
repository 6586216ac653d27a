// A whole central on a PostgreSQL of its own, as a test's peer: started in this process, asked over HTTP.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { startCentral, type Central } from '#central/central.ts'
import { parseCentralConfig } from '#config/central-load.ts'
import { silentLogger } from '#kit/logger.ts'
import { systemClock } from '#kit/clock.ts'
import { startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'

export interface Answer<T = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export interface Ask {
  readonly method?: string
  /** Key, token or nothing. */
  readonly key?: string | undefined
  readonly cookie?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export class CentralPeer {
  readonly postgres: PostgresPeer
  readonly folder: string
  central: Central
  readonly #yaml: string

  private constructor(postgres: PostgresPeer, folder: string, central: Central, yaml: string) {
    this.postgres = postgres
    this.folder = folder
    this.central = central
    this.#yaml = yaml
  }

  /** @param yaml more of central.yaml; its http section is `http`. */
  static async start({ http = 'port: 0', yaml = '' } = {}): Promise<CentralPeer> {
    const postgres = await startPostgres()
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-central-'))
    const text = `version: 1\ndata: ${folder}\ndatabaseUrl: ${postgres.url}\nhttp: { ${http} }\n${yaml}\n`
    return new CentralPeer(postgres, folder, await run(text), text)
  }

  get url(): string {
    return this.central.url
  }

  async restart(): Promise<void> {
    await this.central.stop({ deadlineMs: 5000 })
    this.central = await run(this.#yaml)
  }

  async stop(): Promise<void> {
    await this.central.stop({ deadlineMs: 5000 })
    await this.postgres.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  ask<T = Record<string, unknown>>(path: string, ask: Ask = {}): Promise<Answer<T>> {
    return askCentral<T>(this.url, path, ask)
  }

  /** Makes the first administrator; answers its cookie. */
  async setUp(tenant = { id: 'north', name: 'North' }): Promise<string> {
    const token = new URL(this.central.setupUrl!).hash.replace('#token=', '')
    const body = { token, name: 'shift-lead', password: 'a long password', tenant }
    const answer = await this.ask('setup', { body })
    expect(answer).toMatchObject({ status: 201 })
    return cookieOf(answer)
  }

  /** A key of a tenant, made by an administrator of the platform who makes the tenant first. */
  async keyFor(cookie: string, tenant: string, scopes: readonly string[], more: object = {}): Promise<string> {
    await this.ask('tenants', { cookie, body: { id: tenant, name: tenant } })
    const answer = await this.ask<{ key: string }>(`tenants/${tenant}/keys`, {
      cookie,
      body: { name: `${tenant}-${scopes.join('-')}`, scopes, ...more },
    })
    expect(answer).toMatchObject({ status: 201 })
    return answer.body.key
  }
}

/** `path` below /api/v1, or from the root when it begins with `/`. */
export async function askCentral<T>(url: string, path: string, ask: Ask = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { ...ask.headers }
  if (ask.key !== undefined) headers['authorization'] = `Bearer ${ask.key}`
  if (ask.cookie !== undefined) headers['cookie'] = ask.cookie
  const isRaw = typeof ask.body === 'string' || ask.body instanceof Uint8Array
  if (ask.body !== undefined && !isRaw) headers['content-type'] ??= 'application/json'
  const response = await fetch(path.startsWith('/') ? url + path : `${url}/api/v1/${path}`, {
    method: ask.method ?? (ask.body === undefined ? 'GET' : 'POST'),
    headers,
    ...(ask.body === undefined ? {} : { body: isRaw ? (ask.body as string) : JSON.stringify(ask.body) }),
  })
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T }
}

export function cookieOf({ headers }: Answer<unknown>): string {
  return (headers.get('set-cookie') ?? '').split(';')[0]!
}

async function run(yaml: string): Promise<Central> {
  const loaded = parseCentralConfig(yaml, 'central.yaml', {})
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return startCentral({
    config: loaded.config,
    clock: systemClock,
    log: silentLogger,
    version: '0.0.0',
    random: Math.random,
    signal: new AbortController().signal,
  })
}
