// Every change over HTTP is in the audit log before it is answered, with who and from where, and no secret is.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { call, PASSWORD, seedAccounts, startApi, temporaryFolder, type Fixture } from '../fixture.ts'

type Entry = Record<string, unknown>

async function prepared() {
  const dataDir = await temporaryFolder()
  const tokens = await seedAccounts(dataDir)
  const fixture = await startApi({ auth: 'required', dataDir })
  const as = (token: string) => (method: string, path: string, body?: unknown) =>
    call(fixture.url, `/api/v1${path}`, { method, body, headers: { authorization: `Bearer ${token}` } })
  const admin = as(tokens.admin)
  const entries = async (query = ''): Promise<Entry[]> => (await admin('GET', `/audit${query}`)).json.items
  return { fixture, tokens, as, admin, entries, dataDir }
}

const logIn = ({ url }: Fixture, name: string, password: string) =>
  call(url, '/api/v1/session', { method: 'POST', body: { name, password } })

describe('the audit log over HTTP', () => {
  it('tells who added and removed a user, from where, before and after', async () => {
    const { admin, entries } = await prepared()
    await admin('POST', '/users', { name: 'night-shift', password: 'a long enough one', role: 'operator' })
    await admin('DELETE', '/users/night-shift')
    const [removed, added] = await entries()
    const common = { who: 'token:admin', via: 'token', from: '127.0.0.1', target: 'night-shift', outcome: 'done' }
    expect(added).toMatchObject({ ...common, action: 'user.add', before: null, after: { role: 'operator' } })
    expect(removed).toMatchObject({ ...common, action: 'user.remove', before: { role: 'operator' }, after: null })
  })

  it('has a failed log-in by name, and never what may be a password in the wrong field', async () => {
    const { fixture, entries, dataDir } = await prepared()
    await logIn(fixture, 'admin', 'wrong')
    await logIn(fixture, 'hunter2-in-the-name-field', 'admin')
    await logIn(fixture, 'admin', PASSWORD)
    expect(await entries('?action=session')).toMatchObject([
      { action: 'session.login', who: 'admin', outcome: 'done' },
      { action: 'session.login', who: 'unknown', outcome: 'refused' },
      { action: 'session.login', who: 'admin', outcome: 'refused' },
    ])
    const folder = join(dataDir, 'audit')
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('')
    expect(text).toContain('session.login')
    for (const secret of ['hunter2', PASSWORD, 'wrong']) expect(text).not.toContain(secret)
  })

  it('is not washed out by strangers who try a set-up that is over', async () => {
    const dataDir = await temporaryFolder()
    const { admin } = await seedAccounts(dataDir)
    const { url } = await startApi({ auth: 'required', dataDir, clock: new ManualClock() })
    const body = { token: 'guessed', name: 'mallory', password: 'a long enough one' }
    for (let n = 0; n < 50; n++)
      expect((await call(url, '/api/v1/setup', { method: 'POST', body })).json.code).toBe('CONFLICT')
    const headers = { authorization: `Bearer ${admin}` }
    await call(url, '/api/v1/users', { method: 'POST', body: { ...body, token: undefined, role: 'viewer' }, headers })
    const { items } = (await call(url, '/api/v1/audit?limit=100', { headers })).json
    expect(items).toHaveLength(31)
    expect(items[0]).toMatchObject({ action: 'user.add', outcome: 'done', suppressed: 20 })
    expect(items[1]).toMatchObject({ action: 'session.setup', who: 'set-up link', outcome: 'refused' })
  })

  it('has the address of a scan, which may therefore hold no credentials', async () => {
    const { admin } = await prepared()
    const scan = (endpoint: string) => admin('POST', '/scan/opcua', { endpoint })
    expect((await scan('opc.tcp://edge:hunter2@192.0.2.20:4840')).status).toBe(400)
    expect((await scan('opc.tcp://192.0.2.20:4840/a@b')).status).toBe(404) // none looks for devices here
  })

  it('has what a role was refused, and nothing of strangers, reads and requests that were not understood', async () => {
    const { as, tokens, admin, entries, fixture } = await prepared()
    await as(tokens.viewer)('DELETE', '/users/admin')
    await call(fixture.url, '/api/v1/users/admin', { method: 'DELETE' })
    await admin('GET', '/users')
    await admin('POST', '/users', { name: '' })
    expect(await entries()).toMatchObject([{ action: 'user.remove', who: 'token:viewer', outcome: 'refused' }])
  })

  it('has a write to a machine', async () => {
    const { as, tokens, entries } = await prepared()
    await as(tokens.operator)('PUT', '/sensors/press-1.setpoint/value', { value: 12 })
    expect(await entries()).toMatchObject([
      { action: 'sensor.write', who: 'token:operator', target: 'press-1.setpoint', outcome: 'done' },
    ])
  })

  it('has what operators do with alarms, a one-shot shelving as such, and a device that is started anew', async () => {
    const { as, tokens, entries, fixture } = await prepared()
    fixture.alarms.put(makeAlarm('3-1', 'press-1.oil-temperature', { raisedAt: Date.now() - 1000 }))
    const operator = as(tokens.operator)
    expect((await operator('POST', '/alarms/3-1/shelve', { mode: 'oneShot', comment: 'Filling' })).status).toBe(200)
    expect((await operator('POST', '/alarms/3-1/unshelve')).status).toBe(200)
    expect((await operator('POST', '/devices/press-1/restart')).status).toBe(403)
    expect((await as(tokens.engineer)('POST', '/devices/press-1/restart')).status).toBe(200)
    const target = expect.stringMatching(/^press-1\.oil-temperature \S+ 3-1$/)
    expect(await entries()).toMatchObject([
      { action: 'device.restart', who: 'token:engineer', target: 'press-1', outcome: 'done' },
      { action: 'device.restart', who: 'token:operator', target: 'press-1', outcome: 'refused' },
      { action: 'alarm.unshelve', who: 'token:operator', target, before: { shelving: 'oneShot' } },
      { action: 'alarm.shelve', who: 'token:operator', target, after: { shelving: 'oneShot', comment: 'Filling' } },
    ])
  })

  it('is searched by who, action and target, and paged', async () => {
    const { admin, entries, tokens, as } = await prepared()
    for (const name of ['a', 'b', 'c'])
      await admin('POST', '/users', { name, password: 'a long enough one', role: 'viewer' })
    await as(tokens.viewer)('DELETE', '/users/a')
    expect(await entries('?who=token:viewer')).toHaveLength(1)
    expect(await entries('?action=user.add')).toHaveLength(3)
    expect(await entries('?action=use')).toHaveLength(0)
    expect(await entries('?target=b')).toMatchObject([{ action: 'user.add', target: 'b' }])
    const page = await admin('GET', '/audit?limit=3')
    const rest = await admin('GET', `/audit?limit=3&cursor=${page.json.next}`)
    expect([...page.json.items, ...rest.json.items].map(({ seq }: Entry) => seq)).toEqual([4, 3, 2, 1])
    expect(rest.json.next).toBeNull()
  })

  it('says whether it is as it was written', async () => {
    const { admin } = await prepared()
    await admin('POST', '/users', { name: 'a', password: 'a long enough one', role: 'viewer' })
    expect((await admin('GET', '/audit/integrity')).json).toEqual({ intact: true, fault: null })
  })
})
