import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { call, PASSWORD, seedAccounts, startApi, temporaryFolder, type Answer, type Fixture } from '../fixture.ts'

const HOUR = 3_600_000

interface Bed {
  readonly api: Fixture
  readonly clock: ManualClock
  readonly as: (token: string, path: string, method?: string, body?: unknown) => Promise<Answer>
  readonly admin: string
}

async function start(dataDir?: string): Promise<Bed> {
  const folder = dataDir ?? (await temporaryFolder())
  const tokens = dataDir === undefined ? await seedAccounts(folder) : { admin: '' }
  const clock = new ManualClock()
  const api = await startApi({ auth: 'required', dataDir: folder, clock })
  const as: Bed['as'] = (token, path, method = 'GET', body) =>
    call(api.url, `/api/v1${path}`, { method, body, headers: { authorization: `Bearer ${token}` } })
  return { api, clock, as, admin: tokens.admin }
}

const create = async ({ as, admin }: Bed, body: object): Promise<{ id: string; token: string }> =>
  (await as(admin, '/tokens', 'POST', body)).json

const listed = async ({ as, admin }: Bed, id: string): Promise<Record<string, unknown>> =>
  (await as(admin, '/tokens')).json.items.find((token: { id: string }) => token.id === id)

describe('tokens of programs', () => {
  it('end when their time is over', async () => {
    const bed = await start()
    const { token } = await create(bed, { name: 'scraper', role: 'viewer', expiresIn: '1h' })
    await bed.clock.advance(HOUR - 1)
    expect((await bed.as(token, '/gateway')).status).toBe(200)
    await bed.clock.advance(1)
    expect((await bed.as(token, '/gateway')).status).toBe(401)
  })

  it('hand in readings of their devices and open no other door', async () => {
    const bed = await start()
    const { token } = await create(bed, { name: 'apps', role: 'operator', ingest: ['apps'] })
    const body = { readings: [] }
    // The fixture has nowhere to put readings: what matters is who comes that far.
    expect((await bed.as(token, '/ingest/apps', 'POST', body)).status).not.toBe(403)
    expect((await bed.as(token, '/ingest/other', 'POST', body)).json.code).toBe('PERMISSION_DENIED')
    expect((await bed.as(token, '/gateway')).status).toBe(403)
    expect((await bed.as(token, '/sensors/press-1.setpoint/value', 'PUT', { value: 1 })).status).toBe(403)
    expect(bed.api.devices.written).toEqual([])
    const viewer = await bed.as(bed.admin, '/tokens', 'POST', { name: 'x', role: 'viewer', ingest: ['apps'] })
    expect(viewer.json.errors).toMatchObject([{ path: 'body.role' }])
  })

  it('show when they were used last, also after a restart', async () => {
    const bed = await start()
    const { id, token } = await create(bed, { name: 'scraper', role: 'viewer' })
    expect(await listed(bed, id)).toMatchObject({ lastUsedAt: null, expiresAt: null, ingest: null })
    await bed.clock.advance(HOUR)
    const usedAt = new Date(bed.clock.now()).toISOString()
    await bed.as(token, '/gateway')
    expect(await listed(bed, id)).toMatchObject({ lastUsedAt: usedAt })
    await bed.api.api.stop(AbortSignal.timeout(2000))
    const again = { ...(await start(bed.api.dataDir)), admin: bed.admin }
    expect(await listed(again, id)).toMatchObject({ lastUsedAt: usedAt })
  })
})

describe('users', () => {
  const logIn = (api: Fixture, name: string, password: string): Promise<Answer> =>
    call(api.url, '/api/v1/session', { method: 'POST', body: { name, password } })
  const cookieOf = (answer: Answer): string => answer.headers['set-cookie']![0]!.split(';', 1)[0]!

  it('change their password, which ends their other sessions and renews this one', async () => {
    const { api } = await start()
    const [here, there] = [cookieOf(await logIn(api, 'admin', PASSWORD)), cookieOf(await logIn(api, 'admin', PASSWORD))]
    const change = (cookie: string, current: string): Promise<Answer> =>
      call(api.url, '/api/v1/session/password', {
        method: 'PUT',
        body: { current, password: 'another long password' },
        headers: { cookie },
      })
    expect((await change(here, 'not my password')).status).toBe(401)
    const changed = await change(here, PASSWORD)
    expect(changed.status).toBe(200)
    const status = async (cookie: string): Promise<number> =>
      (await call(api.url, '/api/v1/gateway', { headers: { cookie } })).status
    expect(await status(there)).toBe(401)
    expect(await status(here)).toBe(401)
    expect(await status(cookieOf(changed))).toBe(200)
    expect((await logIn(api, 'admin', PASSWORD)).status).toBe(401)
    expect((await logIn(api, 'admin', 'another long password')).status).toBe(200)
  })

  it('see their open sessions and end one, but never those of others', async () => {
    const { api, as, admin } = await start()
    await as(admin, '/users', 'POST', { name: 'jo', password: PASSWORD, role: 'viewer' })
    const [here, there] = [cookieOf(await logIn(api, 'admin', PASSWORD)), cookieOf(await logIn(api, 'admin', PASSWORD))]
    const jo = cookieOf(await logIn(api, 'jo', PASSWORD))
    const list = async (cookie: string) => (await call(api.url, '/api/v1/sessions', { headers: { cookie } })).json.items
    const end = (cookie: string, id: string): Promise<Answer> =>
      call(api.url, `/api/v1/sessions/${id}`, { method: 'DELETE', headers: { cookie } })
    const sessions = await list(here)
    expect(sessions).toHaveLength(2)
    expect(sessions.filter(({ isThis }: { isThis: boolean }) => isThis)).toHaveLength(1)
    expect(JSON.stringify(sessions)).not.toContain(here.split('=')[1])
    const other = sessions.find(({ isThis }: { isThis: boolean }) => !isThis)
    expect((await end(jo, other.id)).status).toBe(404)
    expect((await end(here, other.id)).status).toBe(204)
    expect((await call(api.url, '/api/v1/gateway', { headers: { cookie: there } })).status).toBe(401)
    expect(await list(here)).toHaveLength(1)
  })

  it('get another role or password from an administrator, and one administrator always stays', async () => {
    const { api, as, admin } = await start()
    await as(admin, '/users', 'POST', { name: 'jo', password: PASSWORD, role: 'viewer' })
    const jo = cookieOf(await logIn(api, 'jo', PASSWORD))
    const change = (name: string, body: object): Promise<Answer> => as(admin, `/users/${name}`, 'PUT', body)
    expect((await change('jo', { role: 'engineer', password: 'another long password' })).json).toMatchObject({
      name: 'jo',
      role: 'engineer',
    })
    expect((await call(api.url, '/api/v1/gateway', { headers: { cookie: jo } })).status).toBe(401)
    expect((await logIn(api, 'jo', 'another long password')).json.user.role).toBe('engineer')
    expect((await change('admin', { role: 'viewer' })).status).toBe(409)
    expect((await change('jo', {})).status).toBe(400)
    expect((await change('nobody', { role: 'viewer' })).status).toBe(404)
    const { items } = (await as(admin, '/audit?action=user.change&target=jo')).json
    expect(items).toMatchObject([
      { before: { role: 'viewer' }, after: { role: 'engineer', password: 'changed' }, outcome: 'done' },
    ])
    expect(JSON.stringify(items)).not.toContain('another long')
  })
})
