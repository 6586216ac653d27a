import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#domain/errors.ts'
import { HTTP_STATUS } from '#api/problem.ts'
import { call, send, startApi } from './fixture.ts'

describe('problem documents', () => {
  it('has an HTTP status for each error code, and 500 only for faults of the gateway', () => {
    expect(Object.keys(HTTP_STATUS).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted())
    const faults = Object.entries(HTTP_STATUS).filter(([, status]) => status === 500)
    expect(faults.map(([code]) => code)).toEqual([
      'CONFIG_UNREADABLE',
      'STORE_CORRUPT',
      'PORT_IN_USE',
      'RUNTIME_MISSING',
      'INTERNAL',
    ])
  })

  it('answers 404 for an unknown route, with type, title and the path without its query', async () => {
    const api = await startApi()
    const answer = await call(api.url, '/api/v1/nothing?token=abc')
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json).toEqual({
      type: 'urn:telemetryx:problem:not-found',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at /api/v1/nothing',
      instance: '/api/v1/nothing',
      code: 'NOT_FOUND',
    })
  })

  it('answers 405 with the methods that the path knows', async () => {
    const api = await startApi()
    const answer = await call(api.url, '/api/v1/sensors/press-1.setpoint', { method: 'DELETE' })
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' }, json: { code: 'METHOD_NOT_ALLOWED' } })
    expect((await call(api.url, '/healthz', { method: 'POST' })).status).toBe(405)
  })

  it('answers 413 for a body beyond 1 MiB and 415 for one that is not JSON', async () => {
    const api = await startApi()
    const path = '/api/v1/sensors/press-1.setpoint/value'
    const tooLarge = await call(api.url, path, { method: 'PUT', body: { value: 'x'.repeat(1024 * 1024) } })
    expect(tooLarge.json).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
    const form = await call(api.url, path, {
      method: 'PUT',
      body: 'value=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(form.json).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  it.each([
    '{',
    '{"value":1}}',
    '"value"',
    '[]',
    'null',
    '',
    '{"__proto__":{"value":1}}',
    '{"value":1,"constructor":{"prototype":{}}}',
  ])('answers 400 for the body %s', async (body) => {
    const api = await startApi()
    const answer = await call(api.url, '/api/v1/sensors/press-1.setpoint/value', { method: 'PUT', body })
    expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
    expect(api.devices.written).toEqual([])
  })

  it('answers a malformed percent escape and a path without end as problems', async () => {
    const api = await startApi()
    expect((await call(api.url, '/api/v1/sensors/%E0%A4%A')).json).toMatchObject({ status: 400 })
    expect((await call(api.url, `/api/v1/sensors/${'a'.repeat(5000)}`)).json.status).toBeGreaterThanOrEqual(400)
  })

  it('names what is missing in a body', async () => {
    const api = await startApi()
    const answer = await send(api, 'POST', '/tokens', {})
    expect(answer.json.errors).toEqual([
      { path: 'body.name', message: 'is missing' },
      { path: 'body.role', message: 'is missing' },
    ])
  })

  it('documents each code that only HTTP knows', () => {
    const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
    const source = readFileSync(new URL('../../src/api/problem.ts', import.meta.url), 'utf8')
    const table = /const REQUEST_STATUS = \{([^}]+)\}/.exec(source)![1]!
    for (const [, code, status] of table.matchAll(/([A-Z_]+): (\d+)/g))
      expect(page).toMatch(new RegExp(`\`${code}\` \\(${status}`))
  })
})
