import { describe, expect, it } from 'vitest'
import { call, get, seedAccounts, startApi, temporaryFolder } from '../fixture.ts'

describe('health', () => {
  it('tells the disk, the clock and what runs the gateway', async () => {
    const api = await startApi()
    const { disk, clock, runtime } = (await get(api, '/gateway')).json
    expect(disk.freeBytes).toBeGreaterThan(0)
    expect(disk.totalBytes).toBeGreaterThanOrEqual(disk.freeBytes)
    expect(runtime).toMatchObject({ node: process.version, license: 'MIT' })
    expect(clock.isTrusted).toBe(true)
    api.info.reasons = [{ code: 'clock-untrusted', message: 'Not set', blocking: false }]
    expect((await get(api, '/gateway')).json.clock.isTrusted).toBe(false)
  })

  it('is alive, and ready unless a reason is blocking', async () => {
    const api = await startApi()
    expect((await call(api.url, '/healthz')).json).toEqual({ status: 'ok' })
    const down = { code: 'device-down', message: 'mixer does not answer', blocking: false }
    api.info.reasons = [down]
    expect(await call(api.url, '/readyz')).toMatchObject({ status: 200, json: { status: 'ready', reasons: [down] } })
    expect((await get(api, '/gateway')).json.health).toEqual({ status: 'degraded', reasons: [down] })
    const failing = { code: 'store-failing', message: 'The disk is full', blocking: true }
    api.info.reasons = [failing]
    expect(await call(api.url, '/readyz')).toMatchObject({
      status: 503,
      json: { status: 'not-ready', reasons: [failing] },
    })
    expect((await get(api, '/gateway')).json.health.status).toBe('failing')
  })

  it('describes the gateway', async () => {
    const api = await startApi()
    expect((await get(api, '/gateway')).json).toMatchObject({
      id: 'edge-01',
      version: '0.1.0',
      epoch: 3,
      startedAt: '2026-01-01T00:00:00.000Z',
      store: { state: 'ok', bytes: 4096 },
    })
  })

  it('serves the registry in the Prometheus text format, with the build', async () => {
    const api = await startApi()
    const answer = await call(api.url, '/metrics')
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.text).toMatch(/^telemetryx_build_info\{version="0\.1\.0",node="24\.[^}]*gateway="edge-01"\} 1$/m)
    expect(answer.text).toContain('telemetryx_live_clients 0')
  })

  it('asks for a token for metrics only where other machines can reach them', async () => {
    const dataDir = await temporaryFolder()
    const tokens = await seedAccounts(dataDir)
    const near = await startApi({ auth: 'required', dataDir })
    expect((await call(near.url, '/metrics')).status).toBe(200)
    await near.api.stop(AbortSignal.timeout(1000))
    const far = await startApi({ auth: 'required', dataDir, host: '0.0.0.0' })
    const url = `http://127.0.0.1:${new URL(far.url).port}`
    expect((await call(url, '/metrics')).status).toBe(401)
    expect((await call(url, '/metrics', { headers: { authorization: `Bearer ${tokens.viewer}` } })).status).toBe(200)
    expect((await call(url, '/readyz')).status).toBe(200)
  })
})
