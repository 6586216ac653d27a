// Factories, machines and sensors through the API: made, renamed, moved, labelled, removed; two who edit at once; bad input.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from './central-peer.ts'

describe.skipIf(!hasPostgres)('the model (needs postgresql)', () => {
  let peer: CentralPeer
  let key: string

  beforeAll(async () => {
    peer = await CentralPeer.start({ yaml: 'grpc: { port: 0 }\nline: { port: 0 }\ntenants: [ { id: given } ]' })
    const admin = await peer.setUp()
    key = await peer.keyFor(admin, 'north', ['write'])
    const ingest = await peer.keyFor(admin, 'north', ['ingest'])
    const readings = Array.from({ length: 120 }, (_, n) => ({ sensor: 'jobs', value: n, time: Date.now() - n * 1000 }))
    await peer.ask('ingest/apps', { key: ingest, body: { readings } })
  }, 60_000)

  afterAll(() => peer?.stop())

  it('opens the doors that its configuration names', () => {
    expect(peer.central.ports.grpc).toBeGreaterThan(0)
    expect(peer.central.ports.line).toBeGreaterThan(0)
  })

  it('has factories and machines that people make, change and remove', async () => {
    const factory = await peer.ask('factories', { key, body: { name: 'Werk Süd', tags: ['south'] } })
    expect(factory).toMatchObject({
      status: 201,
      body: { id: 'werk-sud', name: 'Werk Süd', tags: ['south'], metadata: {} },
    })
    expect((await peer.ask('factories', { key, body: { id: 'werk-sud', name: 'Again' } })).status).toBe(409)
    const machine = {
      id: 'press-9',
      name: 'Press 9',
      factory: 'werk-sud',
      metadata: { built: 1987, drawing: { sheet: 4 } },
    }
    expect((await peer.ask('machines', { key, body: machine })).body).toMatchObject({ ...machine, sensors: 0 })
    expect((await peer.ask('machines', { key, body: { name: 'x', factory: 'nowhere' } })).status).toBe(409)
    const renamed = await peer.ask('machines/press-9', {
      method: 'PATCH',
      key,
      body: { name: 'Old press', tags: ['spare'] },
    })
    expect(renamed.body).toMatchObject({
      id: 'press-9',
      name: 'Old press',
      tags: ['spare'],
      metadata: machine.metadata,
    })
    expect((await peer.ask('factories/werk-sud', { method: 'DELETE', key })).status).toBe(409)
    expect((await peer.ask('machines/press-9', { method: 'DELETE', key })).status).toBe(204)
    expect((await peer.ask('machines/press-9', { key })).status).toBe(404)
    expect((await peer.ask('factories/werk-sud', { method: 'DELETE', key })).status).toBe(204)
  })

  it('does not let one editor undo what another has just done', async () => {
    await peer.ask('factories', { key, body: { id: 'plant', name: 'Plant' } })
    const etag = (await peer.ask('factories/plant', { key })).headers.get('etag')!
    const edit = (name: string) =>
      peer.ask('factories/plant', { method: 'PATCH', key, body: { name }, headers: { 'if-match': etag } })
    const answers = await Promise.all([edit('One'), edit('Two')])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
    expect(await edit('Three')).toMatchObject({ status: 412, body: { code: 'STALE' } })
    const bad = { method: 'PATCH', key, body: { name: 'x' }, headers: { 'if-match': 'W/"1"' } }
    expect((await peer.ask('factories/plant', bad)).status).toBe(400)
  })

  it('has sensors with what people keep beside them', async () => {
    const body = { description: 'Finished jobs', tags: ['quality'], metadata: { owner: 'shift B' }, unit: 'pcs' }
    const changed = await peer.ask('sensors/apps.jobs', { method: 'PATCH', key, body })
    expect(changed.body).toMatchObject({ id: 'apps.jobs', gateway: 'apps', ...body, derivation: null, checks: [] })
    const tagged = await peer.ask<{ items: object[] }>('sensors?tag=quality&q=finished', { key })
    expect(tagged.body.items).toMatchObject([{ id: 'apps.jobs' }])
    expect((await peer.ask<{ items: object[] }>('sensors?tag=none', { key })).body.items).toEqual([])
  })

  it('answers readings in pages, buckets and figures', async () => {
    const seen: number[] = []
    let cursor = ''
    do {
      const { body } = await peer.ask<{ items: { value: number }[]; next: string | null }>(
        `sensors/apps.jobs/readings?limit=50${cursor}`,
        { key },
      )
      seen.push(...body.items.map(({ value }) => value))
      cursor = body.next === null ? '' : `&cursor=${encodeURIComponent(body.next)}`
    } while (cursor !== '')
    expect(seen).toEqual(Array.from({ length: 120 }, (_, n) => 119 - n))
    const buckets = await peer.ask<{ items: { count: number }[] }>('sensors/apps.jobs/readings?every=1m', { key })
    expect(buckets.body.items.reduce((sum, { count }) => sum + count, 0)).toBe(120)
    expect((await peer.ask('sensors/apps.jobs/stats', { key })).body).toMatchObject({
      count: 120,
      min: 0,
      max: 119,
      mean: 59.5,
    })
  })

  it.each([
    ['sensors?limit=0', undefined, 'query.limit'],
    ['sensors?limit=many', undefined, 'query.limit'],
    ['sensors?curser=x', undefined, 'query.curser'],
    ['sensors/apps.jobs/readings?from=yesterday', undefined, 'query.from'],
    ['sensors/apps.jobs/readings?every=1ms', undefined, 'query.every'],
    ['sensors/apps.jobs/readings?cursor=made-up', undefined, null],
    ['live?gateways=A%20B', undefined, 'query.gateways'],
    ['factories', { name: '' }, 'body.name'],
    ['factories', { name: 'x', color: 'red' }, 'body.color'],
    ['factories', { name: 'a\u0000b' }, 'body.name'],
    ['factories', { id: '../etc', name: 'x' }, 'body.id'],
    ['factories', { name: 'x', tags: ['a', 'a'] }, 'body.tags'],
    ['factories', { name: 'x', metadata: [] }, 'body.metadata'],
    ['factories', '{"__proto__": {"a": 1}, "name": "x"}', null],
    ['factories', '{', null],
  ])('refuses %s %j', async (path, body, place) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await peer.ask<{ errors?: { path: string }[] }>(
      path,
      body === undefined ? { key } : { key, body, headers },
    )
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    if (place !== null) expect(answer.body.errors!.map((error) => error.path)).toContain(place)
  })

  it('takes any JSON beside a sensor, or none, and never fails', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    const texts = ['{}', '{"a":null}', '{"":1}', '{"a":{"b":[1,"x","\\u0000"]}}', '{"a":1e400}', '{"a":"\\ud800"}']
    const long = JSON.stringify({ big: 'x'.repeat(17_000) })
    for (const text of [...texts, long, ...[100, 5000, 200_000].map((depth) => `{"deep":${nested(depth)}}`)]) {
      const headers = { 'content-type': 'application/json' }
      const answer = await peer.ask('sensors/apps.jobs', {
        method: 'PATCH',
        key,
        headers,
        body: `{"metadata":${text}}`,
      })
      expect([text.slice(0, 40), answer.status, answer.status < 500]).toEqual([text.slice(0, 40), answer.status, true])
      expect((await peer.ask('sensors/apps.jobs', { key })).status).toBe(200)
    }
  })

  it('answers 503 while the database is away, and as before when it is back', async () => {
    await peer.postgres.kill()
    expect(await peer.ask('sensors', { key })).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    const ready = await peer.ask<{ reasons: object[] }>('/readyz')
    expect(ready).toMatchObject({ status: 503 })
    expect(ready.body.reasons).toContainEqual(expect.objectContaining({ code: 'database-away', blocking: true }))
    expect((await peer.ask('/healthz')).status).toBe(200)
    await peer.postgres.restart()
    await expect.poll(async () => (await peer.ask('sensors', { key })).status, { timeout: 30_000 }).toBe(200)
    await expect.poll(async () => (await peer.ask('/readyz')).status, { timeout: 30_000 }).toBe(200)
  })
})
