// Every route of the API with every kind of caller: what each may do, and that nobody sees, changes or can guess what is another
// tenant's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { V1 } from '#central/api/app.ts'
import { SCOPES } from '#central/people/caller.ts'
import { routesMissingIn } from '#test/docs/routes-missing.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer, type Answer } from './central-peer.ts'

interface Operation {
  readonly description: string
  readonly security: readonly object[]
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** By the words of the document: who gets past the guard. */
const PASSES: readonly (readonly [string, readonly string[]])[] = [
  ['For everyone who is known.', ['ingest', 'read', 'write', 'admin', 'metrics', 'platform']],
  ['Needs the role viewer', ['read', 'write', 'admin', 'platform']],
  ['Needs the role engineer', ['write', 'admin', 'platform']],
  ['Needs the role admin', ['admin', 'platform']],
  ['Needs a key with the scope ingest.', ['ingest']],
  ['For administrators of the platform.', ['platform']],
]

describe.skipIf(!hasPostgres)('every route (needs postgresql)', () => {
  let peer: CentralPeer
  let admin: string
  let document: Document
  const keys: Record<string, string> = {}
  const secret = 'belongs-to-north'
  let north: string
  let south: string

  beforeAll(async () => {
    peer = await CentralPeer.start({ http: 'port: 0, limits: { addressPerMinute: 1000000, routePerMinute: 1000000 }' })
    admin = await peer.setUp()
    for (const scope of SCOPES) keys[scope] = await peer.keyFor(admin, 'south', [scope])
    north = await peer.keyFor(admin, 'north', ['admin'])
    south = keys['admin']!
    const ingest = await peer.keyFor(admin, 'north', ['ingest'])
    await peer.ask('factories', { key: north, body: { id: secret, name: secret } })
    await peer.ask('machines', { key: north, body: { id: secret, name: secret, factory: secret } })
    await peer.ask('users', { key: north, body: { name: secret, password: 'a long password', role: 'viewer' } })
    await peer.ask(`ingest/${secret}`, {
      key: ingest,
      body: { readings: [{ sensor: 'level', value: 4711 }], events: [{ message: secret }] },
    })
    document = (await peer.ask<Document>('openapi.json', { key: north })).body
  }, 60_000)

  afterAll(() => peer?.stop())

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    )

  /** A request for things that are not there, or that north has. */
  function ask(method: string, path: string, who: { key?: string | undefined; cookie?: string }, id = 'no-such') {
    const filled = path.replace('/api/v1/', '').replaceAll(/\{[a-z]+\}/g, id)
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    return peer.ask(filled, { method, ...who, body })
  }

  it('is in the document, with who may call it', () => {
    const all = operations()
    expect(document.openapi).toBe('3.1.0')
    expect(all.length).toBeGreaterThan(45)
    for (const { operation, path, method } of all) {
      const isPublic = operation.description.includes('For everyone.')
      const words = PASSES.filter(([start]) => operation.description.includes(start))
      expect([method, path, isPublic ? 1 : words.length]).toEqual([method, path, 1])
      expect(operation.security.length).toBe(isPublic ? 0 : 2)
    }
    expect(V1.name).toBe('v1')
  })

  it('stands in the manual', () => {
    expect(routesMissingIn(['docs/central.md', 'docs/contract.md'], Object.keys(document.paths))).toEqual([])
  })

  it('is closed to strangers, and to keys that are made up', async () => {
    const made = `txc_${'A'.repeat(43)}`
    for (const { operation, path, method } of operations()) {
      if (operation.security.length === 0) continue
      for (const key of [undefined, made, 'a.b.c']) {
        const answer = await ask(method, path, { key })
        expect([method, path, answer.status, answer.body['code']]).toEqual([method, path, 401, 'UNAUTHENTICATED'])
      }
    }
  })

  it('opens for its own scopes only', async () => {
    for (const { operation, path, method } of operations()) {
      const [, passes] = PASSES.find(([start]) => operation.description.includes(start)) ?? []
      if (passes === undefined || (method === 'DELETE' && path.endsWith('/session'))) continue
      for (const who of [...SCOPES, 'platform']) {
        const credentials = who === 'platform' ? { cookie: admin } : { key: keys[who] }
        const { status, body } = await ask(method, path, credentials)
        const isRefused = status === 403 && body['code'] === 'PERMISSION_DENIED'
        expect([method, path, who, isRefused ? 'refused' : 'passed', status < 500]).toEqual([
          method,
          path,
          who,
          passes.includes(who) ? 'passed' : 'refused',
          true,
        ])
      }
    }
  })

  it('tells another tenant the same of what is there as of what is not, and shows nothing', async () => {
    const same = ({ status, headers, body }: Answer, id: string): unknown => ({
      status,
      etag: headers.has('etag'),
      body: JSON.parse(JSON.stringify(body).replaceAll(id, 'ID')) as unknown,
    })
    for (const { operation, path, method } of operations()) {
      if (!path.includes('{') || operation.security.length === 0) continue
      for (const key of [south, keys['ingest']!]) {
        const there = await ask(method, path, { key }, secret)
        const nowhere = await ask(method, path, { key }, 'no-such-thing-here')
        expect([method, path, same(there, secret)]).toEqual([method, path, same(nowhere, 'no-such-thing-here')])
      }
    }
    const shown = ['factories', 'machines', 'sensors', 'latest', 'users', 'journal?kind=event']
    for (const path of [...shown, 'gateways', 'alarms', 'alerts', 'keys', 'fleet'])
      expect(JSON.stringify((await peer.ask(path, { key: south })).body)).not.toContain(secret)
    for (const path of shown)
      expect([path, JSON.stringify((await peer.ask(path, { key: north })).body)]).toEqual([
        path,
        expect.stringContaining(secret),
      ])
    expect((await peer.ask(`sensors/${secret}.level/latest`, { key: north })).body).toMatchObject({ value: 4711 })
    expect((await peer.ask(`sensors/${secret}.level/latest`, { key: south })).status).toBe(404)
  })

  it('takes what is the same in two tenants for two things', async () => {
    expect((await peer.ask('factories', { key: south, body: { id: secret, name: 'Ours' } })).status).toBe(201)
    expect((await peer.ask(`factories/${secret}`, { key: north })).body).toMatchObject({ name: secret })
    expect((await peer.ask(`factories/${secret}`, { method: 'DELETE', key: south })).status).toBe(204)
    expect((await peer.ask(`factories/${secret}`, { key: north })).status).toBe(200)
  })

  it('says 405 and 404 with a problem document', async () => {
    expect(await peer.ask('sensors', { key: north, body: {} })).toMatchObject({
      status: 405,
      body: { code: 'METHOD_NOT_ALLOWED' },
    })
    expect(await peer.ask('nothing', { key: north })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await peer.ask('/api/v2/sensors', { key: north })).toMatchObject({ status: 404 })
  })

  it('keeps a key for one gateway to that gateway', async () => {
    const key = await peer.keyFor(admin, 'south', ['ingest'], { gateway: 'edge-01' })
    const hello = (gateway: string) => ({ method: 'PUT', key, body: { gateway, factory: 'Plant', epoch: 1 } })
    expect((await peer.ask('gateways/edge-01', hello('edge-01'))).status).toBe(204)
    expect((await peer.ask('gateways/edge-02', hello('edge-02'))).status).toBe(403)
    expect((await peer.ask('gateways/edge-01', hello('edge-02'))).status).toBe(400)
    expect((await peer.ask('gateways/edge-02/configuration', { key })).status).toBe(403)
    expect((await peer.ask('ingest', { key, body: { gateway: 'edge-02' } })).status).toBe(403)
    expect((await peer.ask('ingest/apps', { key, body: { readings: [] } })).status).toBe(403)
  })
})
