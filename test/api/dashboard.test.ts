import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { call, startApi, temporaryFolder, type Fixture } from './fixture.ts'

const PAGE = '<!doctype html><title>Dashboard</title><script type="module" src="/assets/index-B7PI925R.js"></script>'
const html = { headers: { accept: 'text/html,application/xhtml+xml' } }

async function withDashboard(auth: 'none' | 'required' = 'none'): Promise<Fixture> {
  const folder = await temporaryFolder()
  const built = join(folder, 'ui')
  await mkdir(join(built, 'assets'), { recursive: true })
  await writeFile(join(folder, 'secret.txt'), 'outside of the dashboard')
  await writeFile(join(built, 'index.html'), PAGE)
  await writeFile(join(built, '.hidden'), 'a hidden file')
  await writeFile(join(built, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(join(built, 'assets', 'index-B7PI925R.js'), 'export {}')
  return startApi({ dashboardDir: built, auth })
}

describe('the dashboard', () => {
  it('is served at / and asked for each time; its hashed assets are kept for ever', async () => {
    const api = await withDashboard()
    expect(await call(api.url, '/', html)).toMatchObject({
      status: 200,
      text: PAGE,
      headers: { 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' },
    })
    const script = await call(api.url, '/assets/index-B7PI925R.js')
    expect(script).toMatchObject({ status: 200, headers: { 'cache-control': 'public, max-age=31536000, immutable' } })
    expect(script.headers['content-type']).toMatch(/javascript/)
    expect((await call(api.url, '/favicon.svg')).headers['cache-control']).toBe('no-cache')
  })

  it('is the answer to addresses that only it knows, but not to missing assets or API routes', async () => {
    const api = await withDashboard('required')
    expect((await call(api.url, '/sensors/press-1.oil-temperature', html)).text).toBe(PAGE)
    expect((await call(api.url, '/setup', html)).text).toBe(PAGE)
    expect((await call(api.url, '/setup', html)).headers['cache-control']).toBe('no-cache')
    expect((await call(api.url, '/assets/old-00000000.js')).status).toBe(404)
    expect((await call(api.url, '/api/v1/nothing', html)).json).toMatchObject({ status: 404 })
    expect((await call(api.url, '/sensors', { method: 'POST', ...html })).status).toBe(404)
  })

  it('allows scripts, styles and connections of its own only, and no framing', async () => {
    const api = await withDashboard()
    const { headers } = await call(api.url, '/', html)
    expect(headers['content-security-policy']).toBe(
      "default-src 'self';img-src 'self' data:;object-src 'none';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    )
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    })
  })

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//secret.txt',
    '/.hidden',
    '/%00',
    '/assets/%2e%2e%2f%2e%2e%2fsecret.txt',
  ])('gives nothing for %s', async (path) => {
    const api = await withDashboard()
    const answer = await call(api.url, path)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.text).not.toContain('outside of the dashboard')
    expect(answer.text).not.toContain('a hidden file')
  })

  it('says how to build it when it is not built', async () => {
    const api = await startApi()
    expect(await call(api.url, '/', html)).toMatchObject({
      status: 200,
      text: expect.stringContaining('npm run build'),
    })
    expect((await call(api.url, '/')).status).toBe(404)
  })
})
