import { describe, expect, it } from 'vitest'
import { isForeign, isLoopback, isOwnHost } from '#api/origin.ts'
import { call, openLive, startApi } from './fixture.ts'

describe('the guard against foreign pages', () => {
  it.each([
    ['127.0.0.1:8080', true],
    ['localhost:8080', true],
    ['LOCALHOST', true],
    ['press.localhost', true],
    ['[::1]:8080', true],
    ['192.0.2.7', true],
    ['edge-01', true],
    ['edge-01:8080', true],
    ['evil.example', false],
    ['edge-01.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost@evil.example', false],
    ['', false],
    [undefined, false],
  ])('takes the Host header %s as own: %s', (host, expected) => {
    expect(isOwnHost(host, ['edge-01'])).toBe(expected)
  })

  it.each([
    [{ host: 'a:1' }, false],
    [{ host: 'a:1', origin: 'http://a:1' }, false],
    [{ host: 'a', origin: 'https://A' }, false],
    [{ host: 'a:1', origin: 'http://a:2' }, true],
    [{ host: 'a:1', origin: 'http://a' }, true],
    [{ host: 'a:1', origin: 'null' }, true],
    [{ host: 'a:1', origin: 'http://a:1.evil' }, true],
    [{ host: 'a:1', 'sec-fetch-site': 'cross-site' }, true],
    [{ host: 'a:1', 'sec-fetch-site': 'same-site' }, true],
    [{ host: 'a:1', 'sec-fetch-site': 'same-origin' }, false],
    [{ host: 'a:1', 'sec-fetch-site': 'none' }, false],
  ])('takes %j as foreign: %s', (headers, expected) => {
    expect(isForeign(headers)).toBe(expected)
  })

  it('knows what only this machine reaches', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '::', '192.0.2.7', 'edge-01', '127.evil.example'].some(isLoopback)).toBe(false)
  })

  it('answers nothing under a foreign name while authentication is off: a rebinding page reads nothing', async () => {
    const api = await startApi()
    const headers = { host: 'evil.example' }
    for (const path of ['/api/v1/latest', '/api/v1/openapi.json', '/metrics', '/', '/api/v1/nothing']) {
      expect((await call(api.url, path, { headers })).status).toBe(403)
    }
    expect((await call(api.url, '/healthz', { headers })).status).toBe(200)
  })

  it('lets a page of another origin change nothing, and a program without an origin work', async () => {
    const api = await startApi()
    const write = (headers: Record<string, string>): ReturnType<typeof call> =>
      call(api.url, '/api/v1/sensors/press-1.setpoint/value', { method: 'PUT', body: { value: 5 }, headers })
    expect((await write({ origin: 'http://evil.example' })).json).toMatchObject({
      status: 403,
      code: 'FORBIDDEN_ORIGIN',
    })
    expect((await write({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect(api.devices.written).toEqual([])
    expect((await write({ origin: api.url })).status).toBe(200)
    expect((await write({})).status).toBe(200)
  })

  it('lets a page of another origin not open the live feed', async () => {
    const api = await startApi()
    await expect(openLive(api, '', { origin: 'http://evil.example' })).rejects.toThrow('refused with 403')
    await expect(openLive(api, '', { headers: { host: 'evil.example' } })).rejects.toThrow('refused with 403')
    await expect(openLive(api, '', { origin: api.url })).resolves.toBeDefined()
  })
})
