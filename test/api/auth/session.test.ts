import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import {
  call,
  PASSWORD,
  prepareApi,
  recordingLog,
  seedAccounts,
  startApi,
  temporaryFolder,
  type Answer,
  type Fixture,
  type FixtureOptions,
} from '../fixture.ts'

const COOKIE = 'telemetryx_session_edge-01'
const HOUR = 3_600_000

async function startWithAdmin(options: FixtureOptions = {}): Promise<Fixture & { clock: ManualClock }> {
  const dataDir = await temporaryFolder()
  await seedAccounts(dataDir)
  const clock = new ManualClock()
  return { ...(await startApi({ auth: 'required', dataDir, clock, ...options })), clock }
}

const logIn = (
  api: Fixture,
  password = PASSWORD,
  name = 'admin',
  headers: Record<string, string> = {},
): Promise<Answer> => call(api.url, '/api/v1/session', { method: 'POST', body: { name, password }, headers })

/** `name=value` of the session cookie that an answer sets. */
function cookieOf(answer: Answer): string {
  return answer.headers['set-cookie']![0]!.split(';', 1)[0]!
}

const withCookie = (api: Fixture, cookie: string, path = '/api/v1/gateway', method = 'GET'): Promise<Answer> =>
  call(api.url, path, { method, headers: { cookie } })

describe('the first set-up', () => {
  it('makes the administrator once, with the token of the link, and logs in', async () => {
    const { log, lines } = recordingLog()
    const api = await startApi({ auth: 'required', log })
    expect(api.api.setupUrl).toMatch(new RegExp(`^${api.url}/setup#token=[A-Za-z0-9_-]{43}$`))
    const token = api.api.setupUrl!.split('=')[1]!
    expect((await call(api.url, '/api/v1/session')).json).toEqual({
      auth: 'required',
      setup: true,
      user: null,
      expiresAt: null,
    })

    const setUp = (body: object): Promise<Answer> => call(api.url, '/api/v1/setup', { method: 'POST', body })
    expect((await setUp({ token: `${token}x`, name: 'shift-lead', password: PASSWORD })).status).toBe(401)
    const done = await setUp({ token, name: 'shift-lead', password: PASSWORD })
    expect(done).toMatchObject({ status: 201, json: { setup: false, user: { name: 'shift-lead', role: 'admin' } } })
    expect((await withCookie(api, cookieOf(done), '/api/v1/users')).json.items).toMatchObject([
      { name: 'shift-lead', role: 'admin' },
    ])
    expect(api.api.setupUrl).toBeNull()
    expect((await setUp({ token, name: 'night-shift', password: PASSWORD })).json).toMatchObject({
      status: 409,
      code: 'CONFLICT',
    })

    const kept = await readFile(join(api.dataDir, 'auth.json'), 'utf8')
    for (const secret of [token, PASSWORD, cookieOf(done).split('=')[1]!]) {
      expect(kept).not.toContain(secret)
      expect(lines.join('')).not.toContain(secret)
    }
    expect((await stat(join(api.dataDir, 'auth.json'))).mode & 0o777).toBe(0o600)
  })

  it('gives a new link at each start, and only the newest works', async () => {
    const first = await startApi({ auth: 'required' })
    const oldToken = first.api.setupUrl!.split('=')[1]!
    await first.api.stop(AbortSignal.timeout(1000))
    const second = await startApi({ auth: 'required', dataDir: first.dataDir })
    const body = { token: oldToken, name: 'shift-lead', password: PASSWORD }
    expect((await call(second.url, '/api/v1/setup', { method: 'POST', body })).status).toBe(401)
    expect(
      (
        await call(second.url, '/api/v1/setup', {
          method: 'POST',
          body: { ...body, token: second.api.setupUrl!.split('=')[1]! },
        })
      ).status,
    ).toBe(201)
  })

  it('has only one winner when two try at the same moment', async () => {
    const api = await startApi({ auth: 'required' })
    const token = api.api.setupUrl!.split('=')[1]!
    const setUp = (name: string): Promise<Answer> =>
      call(api.url, '/api/v1/setup', { method: 'POST', body: { token, name, password: PASSWORD } })
    const answers = await Promise.all([setUp('shift-lead'), setUp('night-shift')])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
  })

  it('does not offer a set-up again because the file is damaged: it refuses to start', async () => {
    const dataDir = await temporaryFolder()
    await writeFile(join(dataDir, 'auth.json'), '{"version":1,"users":')
    const api = await prepareApi({ auth: 'required', dataDir })
    await expect(api.api.start(new AbortController().signal)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('does not exist without authentication', async () => {
    const api = await startApi({ auth: 'none' })
    expect(api.api.setupUrl).toBeNull()
    expect((await call(api.url, '/api/v1/session')).json).toEqual({
      auth: 'none',
      setup: false,
      user: { name: 'local', role: 'admin' },
      expiresAt: null,
    })
    expect((await logIn(api)).status).toBe(409)
  })
})

describe('sessions', () => {
  it('begin with a cookie that scripts and other sites cannot use', async () => {
    const api = await startWithAdmin()
    const answer = await logIn(api)
    expect(answer.json).toMatchObject({ user: { name: 'admin', role: 'admin' }, expiresAt: '2026-01-01T12:00:00.000Z' })
    expect(answer.headers['set-cookie']![0]).toMatch(
      /^telemetryx_session_edge-01=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect((await withCookie(api, cookieOf(answer))).status).toBe(200)
  })

  it('end by logging out', async () => {
    const api = await startWithAdmin()
    const cookie = cookieOf(await logIn(api))
    const out = await withCookie(api, cookie, '/api/v1/session', 'DELETE')
    expect(out.status).toBe(204)
    expect(out.headers['set-cookie']![0]).toMatch(/^telemetryx_session_edge-01=; .*Expires=Thu, 01 Jan 1970/)
    expect((await withCookie(api, cookie)).status).toBe(401)
  })

  it('end after 12 hours without use, but not while they are used', async () => {
    const api = await startWithAdmin()
    const cookie = cookieOf(await logIn(api))
    for (let use = 0; use < 3; use++) {
      await api.clock.advance(11 * HOUR)
      expect((await withCookie(api, cookie)).status).toBe(200)
    }
    await api.clock.advance(12 * HOUR)
    expect((await withCookie(api, cookie)).status).toBe(401)
  })

  it('end after 7 days, however much they are used', async () => {
    const api = await startWithAdmin()
    const cookie = cookieOf(await logIn(api))
    for (let hours = 6; hours < 7 * 24; hours += 6) {
      await api.clock.advance(6 * HOUR)
      expect((await withCookie(api, cookie)).status, `after ${hours} h`).toBe(200)
    }
    await api.clock.advance(6 * HOUR)
    expect((await withCookie(api, cookie)).status).toBe(401)
  })

  it('get a new id at each log-in, and the one before ends', async () => {
    const api = await startWithAdmin()
    const first = cookieOf(await logIn(api))
    const planted = await logIn(api, PASSWORD, 'admin', { cookie: first })
    expect(cookieOf(planted)).not.toBe(first)
    expect((await withCookie(api, first)).status).toBe(401)
    const chosen = await logIn(api, PASSWORD, 'admin', { cookie: `${COOKIE}=chosen-by-an-attacker` })
    expect(cookieOf(chosen)).not.toContain('chosen')
  })

  it('end with their user, and do not come back with a new user of that name', async () => {
    const api = await startWithAdmin()
    const admin = cookieOf(await logIn(api))
    const addOperator = (): Promise<Answer> =>
      call(api.url, '/api/v1/users', {
        method: 'POST',
        headers: { cookie: admin },
        body: { name: 'shift-lead', password: PASSWORD, role: 'operator' },
      })
    await addOperator()
    const leadCookie = cookieOf(await logIn(api, PASSWORD, 'shift-lead'))
    expect((await withCookie(api, leadCookie)).status).toBe(200)
    await withCookie(api, admin, '/api/v1/users/shift-lead', 'DELETE')
    expect((await withCookie(api, leadCookie)).status).toBe(401)
    expect((await addOperator()).status).toBe(201)
    expect((await withCookie(api, leadCookie)).status).toBe(401)
  })

  it('cannot be ridden by a page of another origin', async () => {
    const api = await startWithAdmin()
    const cookie = cookieOf(await logIn(api))
    const write = (headers: Record<string, string>): Promise<Answer> =>
      call(api.url, '/api/v1/sensors/press-1.setpoint/value', {
        method: 'PUT',
        body: { value: 1 },
        headers: { cookie, ...headers },
      })
    expect((await write({ origin: 'http://evil.example' })).status).toBe(403)
    expect((await write({ origin: api.url })).status).toBe(200)
    expect((await logIn(api, PASSWORD, 'admin', { origin: 'http://evil.example' })).status).toBe(403)
  })
})

describe('log-in', () => {
  it('says the same of a wrong name and a wrong password', async () => {
    const api = await startWithAdmin()
    const wrongPassword = await logIn(api, 'wrong')
    const wrongName = await logIn(api, PASSWORD, 'nobody')
    expect(wrongPassword.status).toBe(401)
    expect(wrongPassword.text).toBe(wrongName.text)
  })

  it('makes those who guess wait longer and longer, even with the right password, and forgets at success', async () => {
    const api = await startWithAdmin()
    for (let guess = 0; guess < 5; guess++) expect((await logIn(api, 'wrong')).status).toBe(401)
    const blocked = await logIn(api)
    expect(blocked).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, json: { code: 'TOO_MANY_REQUESTS' } })
    await api.clock.advance(1000)
    expect((await logIn(api, 'wrong')).status).toBe(401)
    expect((await logIn(api)).headers['retry-after']).toBe('2')
    await api.clock.advance(2000)
    expect((await logIn(api)).status).toBe(200)
    expect((await logIn(api, 'wrong')).status).toBe(401)
    expect((await logIn(api)).status).toBe(200)
  })

  it('makes an address wait that tries many names', async () => {
    const api = await startWithAdmin()
    const statuses: number[] = []
    for (let guess = 0; guess < 12; guess++) statuses.push((await logIn(api, 'wrong', `name${guess}`)).status)
    expect(statuses).toEqual([...Array(11).fill(401), 429])
  })

  it('hashes few passwords at once', async () => {
    const api = await startWithAdmin()
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => logIn(api, PASSWORD, `name${index}`)))
    const statuses = new Set(answers.map(({ status }) => status))
    expect(statuses).toEqual(new Set([401, 429]))
  })
})
