// Limits of addresses, tenants and routes; a tenant that floods central slows no other; versions beside each other.

import { Type } from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { V1 } from '#central/api/app.ts'
import { CentralApi } from '#central/api/server.ts'
import type { CentralApiOptions, CentralServer } from '#central/api/context.ts'
import { callerOf } from '#central/api/guard.ts'
import type { ApiVersion } from '#central/api/versions.ts'
import { localValues } from '#central/people/shared-values.ts'
import { CentralStorage } from '#central/storage/open-storage.ts'
import { LocalFeed } from '#central/stream/live-feed.ts'
import { parseCentralConfig } from '#config/central-load.ts'
import { openDatabase } from '#backing/database.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from './central-peer.ts'

describe.skipIf(!hasPostgres)('limits (needs postgresql)', () => {
  it(
    'stop a tenant at one route, then everywhere, then its address, and no other tenant',
    { timeout: 60_000 },
    async () => {
      const peer = await CentralPeer.start({
        http: 'port: 0, trustProxy: true, limits: { routePerMinute: 5, tenantPerMinute: 12, addressPerMinute: 60 }',
      })
      onTestFinished(() => peer.stop())
      const admin = await peer.setUp()
      const north = await peer.keyFor(admin, 'north', ['read'])
      const south = await peer.keyFor(admin, 'south', ['read'])
      // Behind a proxy, so that the test has more than one address.
      const get = (path: string, key: string, address = '192.0.2.7') =>
        peer.ask(path, { key, headers: { 'x-forwarded-for': address } })
      const statuses = async (path: string, times: number, address?: string) => {
        const all: number[] = []
        for (let n = 0; n < times; n++) all.push((await get(path, south, address)).status)
        return all
      }
      expect(await statuses('sensors', 7)).toEqual([200, 200, 200, 200, 200, 429, 429])
      expect(await statuses('machines', 6)).toEqual([200, 200, 200, 200, 200, 429])
      const refused = await get('factories', south)
      expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await get('sensors', north)).status).toBe(200)
      await Promise.all(Array.from({ length: 60 }, () => get('sensors', 'txc_wrong', '203.0.113.9')))
      expect((await get('sensors', north, '203.0.113.9')).status).toBe(429)
      expect((await get('sensors', north, '198.51.100.4')).status).toBe(200)
      // Whoever comes through the proxy is not on this machine.
      expect((await peer.ask('/metrics')).status).toBe(401)
      const metrics = await peer.keyFor(admin, 'north', ['metrics'])
      expect((await peer.ask('/metrics', { key: metrics })).status).toBe(200)
    },
  )

  it('let a second version stand beside the first, under the same guard', { timeout: 60_000 }, async () => {
    const v2: ApiVersion = {
      name: 'v2',
      register: (app: CentralServer) => {
        app.get(
          '/points',
          {
            config: { permission: 'read' },
            schema: { tags: ['model'], summary: 'Points', response: { 200: Type.Object({ tenant: Type.String() }) } },
          },
          async (request) => ({ tenant: callerOf(request).tenant }),
        )
      },
    }
    const { api, options } = await bareApi([V1, v2])
    const tenant = await options.storage.tenancy.create({ id: 'north', name: 'North' })
    const { createKey } = await import('#central/people/keys.ts')
    const wish = { name: 'x', scopes: ['read' as const], gateway: null, expiresAt: null }
    const { key } = await createKey(options.storage.tenancy, tenant.number, wish, 'test')
    const get = async (path: string, token?: string) => {
      const response = await fetch(api.url + path, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      return { status: response.status, body: (await response.json()) as { paths?: object } }
    }
    expect(await get('/api/v2/points', key)).toEqual({ status: 200, body: { tenant: 'north' } })
    expect((await get('/api/v2/points')).status).toBe(401)
    expect((await get('/api/v1/sensors', key)).status).toBe(200)
    expect((await get('/api/v2/sensors', key)).status).toBe(404)
    const [first, second] = [await get('/api/v1/openapi.json', key), await get('/api/v2/openapi.json', key)]
    expect(Object.keys(second.body.paths!)).toEqual([
      '/api/v2/points',
      '/api/v2/openapi.json',
      '/api/v2/docs',
      '/api/v2/docs.css',
    ])
    expect(Object.keys(first.body.paths!)).not.toContain('/api/v2/points')
    expect(Object.keys(first.body.paths!)).toContain('/api/v1/sensors/{id}/readings')
  })

  it('do not let a route be added that does not say who may call it', { timeout: 60_000 }, async () => {
    const open: ApiVersion = { name: 'v2', register: (app) => void app.get('/open', async () => 1) }
    await expect(bareApi([open])).rejects.toThrow('GET /api/v2/open does not say who may call it')
  })
})

async function bareApi(versions: readonly ApiVersion[]): Promise<{ api: CentralApi; options: CentralApiOptions }> {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const loaded = parseCentralConfig('version: 1\nhttp: { port: 0 }\n', '/tmp/central.yaml', {})
  if (!loaded.ok) throw new Error('the configuration is wrong')
  const shared = { clock: systemClock, log: silentLogger }
  const database = await openDatabase({ url: postgres.url, folder: '', ...shared })
  onTestFinished(() => database.close())
  const storage = await CentralStorage.open({ database, ...shared, retention: loaded.config.retention })
  onTestFinished(() => storage.close())
  const options: CentralApiOptions = {
    ...shared,
    http: loaded.config.http,
    dataDir: '/tmp',
    pagesDir: null,
    version: '0.0.0',
    storage,
    ingest: storage.ingest,
    feed: new LocalFeed(storage.ingest),
    oidc: null,
    shared: localValues(systemClock),
    brain: null,
    tracing: null,
    health: () => [],
    registry: new Registry(),
  }
  const api = new CentralApi(options, versions)
  await api.start(new AbortController().signal)
  onTestFinished(() => api.stop(AbortSignal.abort()))
  return { api, options }
}
