import { describe, expect, it } from 'vitest'
import type { HttpLimits } from '#config/http-limits.ts'
import { call, seedAccounts, startApi, temporaryFolder, type Answer } from './fixture.ts'

async function start(limits: Partial<HttpLimits>) {
  const dataDir = await temporaryFolder()
  const tokens = await seedAccounts(dataDir)
  const api = await startApi({ auth: 'required', dataDir, limits })
  const as = (token: string): Promise<Answer> =>
    call(api.url, '/api/v1/gateway', { headers: token === '' ? {} : { authorization: `Bearer ${token}` } })
  return { as, api, tokens }
}

describe('rate limits', () => {
  it('turn an address away that asks too often, credentials or not, and say when to come back', async () => {
    const { as, api, tokens } = await start({ addressPerMinute: 3 })
    for (let count = 0; count < 3; count++) expect((await as('')).status).toBe(401)
    const refused = await as(tokens.admin)
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'content-type': 'application/problem+json' },
      json: { code: 'TOO_MANY_REQUESTS' },
    })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await call(api.url, '/nowhere')).status).toBe(429)
  })

  it('turn an account away without touching others', async () => {
    const { as, tokens } = await start({ accountPerMinute: 2 })
    expect([(await as(tokens.viewer)).status, (await as(tokens.viewer)).status]).toEqual([200, 200])
    expect((await as(tokens.viewer)).json.code).toBe('TOO_MANY_REQUESTS')
    expect((await as(tokens.operator)).status).toBe(200)
  })
})
