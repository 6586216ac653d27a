// People and programs of central: the first set-up, log-in, users, keys, tenants, tokens of an issuer, and what the audit log tells.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres } from '#test/sim/postgres.ts'
import { Issuer } from '../people/issuer.ts'
import { CentralPeer, cookieOf } from './central-peer.ts'

describe.skipIf(!hasPostgres)('people and programs (needs postgresql)', () => {
  let issuer: Issuer
  let peer: CentralPeer
  let admin: string

  beforeAll(async () => {
    issuer = await Issuer.start()
    peer = await CentralPeer.start({ yaml: `oidc: { issuer: "${issuer.url}", audience: telemetryx }` })
    admin = await peer.setUp()
  }, 60_000)

  afterAll(async () => {
    await peer?.stop()
    await issuer?.stop()
  })

  const now = (): number => Math.floor(Date.now() / 1000)

  it('come in by the link that was printed, once', async () => {
    const token = new URL(peer.central.setupUrl!).hash.replace('#token=', '')
    const again = await peer.ask('setup', { body: { token, name: 'stranger', password: 'a long password' } })
    expect(again).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
    expect((await peer.ask('session', { cookie: admin })).body).toMatchObject({
      setup: false,
      tenant: { id: 'north', name: 'North' },
      user: { name: 'shift-lead', role: 'admin', platformAdmin: true },
    })
    expect((await peer.ask('session')).body).toMatchObject({ user: null, setup: false })
  })

  it('see their own open sessions, and end one of them', async () => {
    const account = { name: 'night-shift', password: 'correct horse' }
    await peer.ask('users', { cookie: admin, body: { ...account, role: 'viewer' } })
    const login = async (): Promise<string> => cookieOf(await peer.ask('session', { body: account }))
    const [panel, phone] = [await login(), await login()]
    type Sessions = { items: { id: string; isThis: boolean; address: string; expiresAt: string }[] }
    const listed = async (cookie: string) => (await peer.ask<Sessions>('sessions', { cookie })).body.items
    const items = await listed(panel)
    expect(items.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(items.filter(({ isThis }) => isThis)).toHaveLength(1)
    for (const { id } of items) expect(panel + phone).not.toContain(id)
    const end = (id: string, who: { cookie?: string; key?: string }) =>
      peer.ask(`sessions/${id}`, { method: 'DELETE', ...who })
    const other = items.find(({ isThis }) => !isThis)!
    expect((await end(other.id, { cookie: admin })).status).toBe(404) // it is not hers
    expect((await end('none', { cookie: panel })).status).toBe(404)
    expect((await end(other.id, { cookie: panel })).status).toBe(204)
    expect((await peer.ask('sensors', { cookie: phone })).status).toBe(401)
    expect(await listed(panel)).toMatchObject([{ isThis: true }])
    const audit = await peer.ask<{ items: object[] }>('audit?action=session.end', { cookie: admin })
    expect(audit.body.items).toMatchObject([{ who: 'night-shift', target: other.id, outcome: 'done' }])

    const key = await peer.keyFor(admin, 'north', ['read'])
    expect((await peer.ask('sessions', { key })).body).toEqual({ items: [], next: null })
    expect((await end(items[0]!.id, { key })).status).toBe(409)
    expect((await peer.ask('sessions')).status).toBe(401)
    await peer.ask('session/password', {
      method: 'PUT',
      cookie: panel,
      body: { current: account.password, password: 'battery staple' },
    })
    account.password = 'battery staple'
    expect(await listed(await login())).toHaveLength(1) // those of the former password are over
  })

  it('log in, out, and with another password only by that one', async () => {
    const made = await peer.ask('users', {
      cookie: admin,
      body: { name: 'maintenance', password: 'correct horse', role: 'engineer' },
    })
    expect(made.status).toBe(201)
    const wrong = await peer.ask('session', { body: { tenant: 'north', name: 'maintenance', password: 'wrong' } })
    const nobody = await peer.ask('session', {
      body: { tenant: 'nowhere', name: 'maintenance', password: 'correct horse' },
    })
    expect([wrong.status, nobody.status, wrong.body['detail']]).toEqual([401, 401, nobody.body['detail']])
    const maintenance = cookieOf(
      await peer.ask('session', { body: { name: 'maintenance', password: 'correct horse' } }),
    )
    expect((await peer.ask('sensors', { cookie: maintenance })).status).toBe(200)
    expect((await peer.ask('users', { cookie: maintenance })).status).toBe(403)
    expect((await peer.ask('tenants', { cookie: maintenance })).status).toBe(403)
    const changed = await peer.ask('session/password', {
      method: 'PUT',
      cookie: maintenance,
      body: { current: 'correct horse', password: 'battery staple' },
    })
    expect(changed.status).toBe(204)
    expect((await peer.ask('sensors', { cookie: maintenance })).status).toBe(401)
    const other = cookieOf(await peer.ask('session', { body: { name: 'maintenance', password: 'battery staple' } }))
    expect((await peer.ask('session', { method: 'DELETE', cookie: other })).status).toBe(204)
    expect((await peer.ask('sensors', { cookie: other })).status).toBe(401)
  })

  it('lose what their role gave when it changes, and everything when they are removed', async () => {
    await peer.ask('users', { cookie: admin, body: { name: 'deputy', password: 'correct horse', role: 'admin' } })
    const deputy = cookieOf(await peer.ask('session', { body: { name: 'deputy', password: 'correct horse' } }))
    expect((await peer.ask('keys', { cookie: deputy })).status).toBe(200)
    const takeover = { method: 'PATCH', cookie: deputy, body: { password: 'now it is mine' } }
    expect((await peer.ask('users/shift-lead', takeover)).status).toBe(403)
    await peer.ask('users/deputy', { method: 'PATCH', cookie: admin, body: { role: 'viewer' } })
    expect((await peer.ask('keys', { cookie: deputy })).status).toBe(403)
    expect((await peer.ask('users/deputy', { method: 'DELETE', cookie: admin })).status).toBe(204)
    expect((await peer.ask('sensors', { cookie: deputy })).status).toBe(401)
    const last = await peer.ask('users/shift-lead', { method: 'DELETE', cookie: admin })
    expect(last).toMatchObject({
      status: 409,
      body: { detail: 'shift-lead is the last administrator of the platform' },
    })
  })

  it('that are disabled are out at once and cannot come in; enabled again, they begin anew', async () => {
    const person = { name: 'dock', password: 'correct horse', role: 'viewer' }
    await peer.ask('users', { cookie: admin, body: person })
    const dock = cookieOf(await peer.ask('session', { body: { name: 'dock', password: 'correct horse' } }))
    const set = (active: boolean) => peer.ask('users/dock', { method: 'PATCH', cookie: admin, body: { active } })
    expect(await set(false)).toMatchObject({ status: 200, body: { name: 'dock', role: 'viewer', active: false } })
    expect((await peer.ask('sensors', { cookie: dock })).status).toBe(401)
    const refused = await peer.ask('session', { body: { name: 'dock', password: 'correct horse' } })
    expect(refused).toMatchObject({ status: 401, body: { detail: 'Tenant, name or password is wrong' } })
    expect(await set(true)).toMatchObject({ status: 200, body: { active: true } })
    // The session of before stays over.
    expect((await peer.ask('sensors', { cookie: dock })).status).toBe(401)
    expect((await peer.ask('session', { body: { name: 'dock', password: 'correct horse' } })).status).toBe(200)
    const last = await peer.ask('users/shift-lead', { method: 'PATCH', cookie: admin, body: { active: false } })
    expect(last).toMatchObject({
      status: 409,
      body: { detail: 'shift-lead is the last administrator of the platform' },
    })
  })

  it('are signed out everywhere by an administrator, and come back with the same password', async () => {
    const login = () => peer.ask('session', { body: { name: 'dock', password: 'correct horse' } })
    const sessions = [cookieOf(await login()), cookieOf(await login())]
    const end = (name: string, cookie: string) => peer.ask(`users/${name}/sessions`, { method: 'DELETE', cookie })
    expect((await end('dock', sessions[0]!)).status).toBe(403)
    expect((await end('nobody', admin)).status).toBe(404)
    expect((await end('dock', admin)).status).toBe(204)
    for (const cookie of sessions) expect((await peer.ask('sensors', { cookie })).status).toBe(401)
    expect((await peer.ask('sensors', { cookie: cookieOf(await login()) })).status).toBe(200)
    expect((await peer.ask('session', { cookie: admin })).body).toMatchObject({ user: { name: 'shift-lead' } })
  })

  it('are not changed on the word of a page of another origin', async () => {
    const body = { name: 'stranger', password: 'a long password', role: 'admin' }
    const foreign = await peer.ask('users', { cookie: admin, body, headers: { origin: 'https://evil.example' } })
    expect(foreign).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_ORIGIN' } })
  })

  it('that are programs have keys that are shown once, end, and can be revoked', async () => {
    const made = await peer.ask<{ id: string; key: string }>('keys', {
      cookie: admin,
      body: { name: 'report', scopes: ['read'], expiresIn: '1h' },
    })
    const { id, key } = made.body
    expect(made.body).toMatchObject({ name: 'report', scopes: ['read'], createdBy: 'shift-lead', revokedAt: null })
    expect((await peer.ask('sensors', { key })).status).toBe(200)
    expect(JSON.stringify((await peer.ask('keys', { cookie: admin })).body)).not.toContain(key)
    expect(peer.postgres.psql('SELECT * FROM central.api_key')).not.toContain(key)
    expect((await peer.ask(`keys/${id}`, { method: 'DELETE', cookie: admin })).status).toBe(200)
    expect((await peer.ask('sensors', { key })).status).toBe(401)
    const over = await peer.ask<{ id: string; key: string }>('keys', {
      cookie: admin,
      body: { name: 'short', scopes: ['read'], expiresIn: '1m' },
    })
    peer.postgres.psql(`UPDATE central.api_key SET expires_at = now() - interval '1 s' WHERE id = '${over.body.id}'`)
    expect((await peer.ask('sensors', { key: over.body.key })).status).toBe(401)
  })

  it('that are programs cannot make a key of a gateway that does more, nor one for metrics', async () => {
    const key = await peer.keyFor(admin, 'north', ['admin'])
    const wide = { name: 'x', scopes: ['ingest', 'read'], gateway: 'edge-01' }
    expect((await peer.ask('keys', { key, body: wide })).status).toBe(422)
    expect((await peer.ask('keys', { key, body: { name: 'x', scopes: ['metrics'] } })).status).toBe(403)
    expect((await peer.ask('keys', { key, body: { name: 'x', scopes: [] } })).status).toBe(400)
    expect((await peer.ask('tenants', { key })).status).toBe(403)
  })

  it('come with a token of their company, into their own tenant only', async () => {
    const viewer = await issuer.token({ tenant: 'north', role: 'viewer' }, now())
    expect((await peer.ask('session', { key: viewer })).body).toMatchObject({
      tenant: { id: 'north' },
      user: { name: 'oidc:subject-1', role: 'viewer', platformAdmin: false },
    })
    expect((await peer.ask('factories', { key: viewer, body: { name: 'Plant' } })).status).toBe(403)
    const engineer = await issuer.token({ tenant: 'north', role: ['engineer'] }, now())
    expect((await peer.ask('factories', { key: engineer, body: { name: 'Plant' } })).status).toBe(201)
    const platform = await issuer.token({ tenant: 'north', role: 'platform-admin' }, now())
    expect((await peer.ask('tenants', { key: platform })).status).toBe(200)
    const lost = await issuer.token({ tenant: 'no-such', role: 'admin' }, now())
    expect((await peer.ask('sensors', { key: lost })).status).toBe(403)
    const old = await issuer.token({ tenant: 'north', role: 'viewer', exp: now() - 3600 }, now() - 7200)
    expect(await peer.ask('sensors', { key: old })).toMatchObject({
      status: 401,
      body: { detail: 'The token has expired' },
    })
  })

  it('of a suspended tenant are refused until it is active again', async () => {
    const key = await peer.keyFor(admin, 'south', ['read'])
    const viewer = await issuer.token({ tenant: 'south', role: 'viewer' }, now())
    const statuses = async () => [
      (await peer.ask('sensors', { key })).status,
      (await peer.ask('sensors', { key: viewer })).status,
    ]
    expect(await statuses()).toEqual([200, 200])
    const read = await peer.ask('tenants/south', { cookie: admin })
    const etag = read.headers.get('etag')!
    const suspend = { method: 'PATCH', cookie: admin, body: { active: false }, headers: { 'if-match': etag } }
    expect((await peer.ask('tenants/south', suspend)).body).toMatchObject({ active: false })
    expect((await peer.ask('tenants/south', suspend)).status).toBe(412)
    expect(await statuses()).toEqual([401, 403])
    await peer.ask('tenants/south', { method: 'PATCH', cookie: admin, body: { active: true } })
    expect(await statuses()).toEqual([200, 200])
  })

  it('leave each change in the audit log of its tenant, and nothing in that of another', async () => {
    const key = await peer.keyFor(admin, 'east', ['admin'])
    await peer.ask('factories', { key, body: { name: 'Eastern plant' } })
    await peer.ask('tenants', { key, body: { id: 'mine', name: 'Mine' } })
    type Entries = { items: { action: string; who: string; outcome: string; after: unknown }[] }
    const east = await peer.ask<Entries>('audit', { key })
    expect(east.body.items).toMatchObject([
      { action: 'factory.create', who: 'key:east-admin', outcome: 'done', after: { name: 'Eastern plant' } },
    ])
    const north = await peer.ask<Entries>('audit', { cookie: admin })
    expect(JSON.stringify(north.body)).not.toContain('Eastern')
    expect(north.body.items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['session.setup', 'session.login', 'user.add', 'key.create', 'key.revoke', 'user.remove']),
    )
    expect(JSON.stringify(north.body)).not.toContain('correct horse')
    const platform = await peer.ask<Entries>('audit?of=platform', { cookie: admin })
    expect(platform.body.items.map(({ action, outcome, who }) => `${who} ${action} ${outcome}`)).toEqual(
      expect.arrayContaining([
        'shift-lead tenant.create done',
        'shift-lead key.create done',
        'key:east-admin tenant.create refused',
      ]),
    )
    expect((await peer.ask('audit?of=platform', { key })).status).toBe(403)
  })

  it('are found in the audit log by who, what and when', async () => {
    type Entries = { items: { action: string; who: string; target: string | null }[]; next: string | null }
    const found = async (query: string): Promise<Entries> =>
      (await peer.ask<Entries>(`audit?${query}`, { cookie: admin })).body
    const changes = await found('action=user&target=dock')
    expect(changes.items.map(({ action, who }) => `${who} ${action}`)).toEqual([
      'shift-lead user.sign-out',
      'dock user.sign-out',
      'shift-lead user.change',
      'shift-lead user.change',
      'shift-lead user.add',
    ])
    expect((await found('action=user.add&target=dock')).items.length).toBe(1)
    // A first word is a whole one, and no pattern.
    for (const none of ['action=use', 'action=user%25', 'action=user_add', 'who=dock&action=key', 'who=DOCK'])
      expect((await found(none)).items).toEqual([])
    const first = await found('action=user&target=dock&limit=3')
    const second = await found(`action=user&target=dock&limit=3&cursor=${first.next}`)
    expect([...first.items, ...second.items]).toEqual(changes.items)
    expect(second.next).toBeNull()
  })

  it('slow down who guesses passwords', async () => {
    const guess = () => peer.ask('session', { body: { name: 'shift-lead', password: 'guess' } })
    const statuses: number[] = []
    // Each wait is twice the one before: sooner or later it is longer than a machine is slow.
    while (statuses.at(-1) !== 429 && statuses.length < 12) {
      const { headers, status } = await guess()
      statuses.push(status)
      if (status === 429) expect(headers.get('retry-after')).toMatch(/^\d+$/)
    }
    expect(statuses.slice(0, 4)).toEqual([401, 401, 401, 401])
    expect(statuses.at(-1)).toBe(429)
  })

  it('are still there after a restart; sessions without Redis are not', async () => {
    const key = await peer.keyFor(admin, 'north', ['read'])
    await peer.restart()
    expect(peer.central.setupUrl).toBeNull()
    expect((await peer.ask('sensors', { key })).status).toBe(200)
    expect((await peer.ask('sensors', { cookie: admin })).status).toBe(401)
    admin = cookieOf(await peer.ask('session', { body: { name: 'shift-lead', password: 'a long password' } }))
    expect((await peer.ask('tenants', { cookie: admin })).status).toBe(200)
  })
})
