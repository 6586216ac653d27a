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
  it('is paged, lines of one millisecond and a clock that steps back included', async () => {
    const times = ['10:00:00.000Z', '10:00:00.000Z', '09:00:00.000Z', '10:00:01.000Z']
    const recentLog = () => times.map((time, at) => JSON.stringify({ time: `2026-01-01T${time}`, msg: String(at) }))
    const api = await startApi({ recentLog })
    const seen: string[] = []
    for (let cursor = ''; cursor !== 'end';) {
      const { items, next } = (await call(api.url, `/api/v1/log?limit=1${cursor}`)).json
      seen.push(...items.map(({ msg }: { msg: string }) => msg))
      cursor = next === null ? 'end' : `&cursor=${next}`
    }
    expect(seen).toEqual(['0', '1', '2', '3'])
  })
})
