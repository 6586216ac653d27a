import { describe, expect, it } from 'vitest'
import { call, seedAccounts, startApi, temporaryFolder } from '../fixture.ts'

describe('the log', () => {
  it('tells its last lines to engineers only, and nothing where none are kept', async () => {
    const dataDir = await temporaryFolder()
    const tokens = await seedAccounts(dataDir)
    const recentLog = () => ['{"level":"info","msg":"one"}', 'no JSON', '{"level":"warn","msg":"two"}']
    const api = await startApi({ auth: 'required', dataDir, recentLog })
    const asked = async (role: 'operator' | 'engineer') =>
      call(api.url, '/api/v1/log', { headers: { authorization: `Bearer ${tokens[role]}` } })
    expect((await asked('operator')).status).toBe(403)
    expect((await asked('engineer')).json).toEqual({
      items: [
        { level: 'info', msg: 'one' },
        { level: 'warn', msg: 'two' },
      ],
      next: null,
    })
    const quiet = await startApi()
    expect((await call(quiet.url, '/api/v1/log')).json).toEqual({ items: [], next: null })
  })
})
