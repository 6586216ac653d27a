// Faults of requests and of what answers them, which must not become faults of the API.

import { describe, expect, it } from 'vitest'
import { call, startApi } from '../fixture.ts'

describe('a request', () => {
  it('without a body is no fault of the gateway because it carries an Idempotency-Key', async () => {
    const { url } = await startApi()
    const headers = { 'idempotency-key': 'one' }
    const answer = await call(url, '/api/v1/ingest/apps', { method: 'POST', headers })
    expect([answer.status, answer.json.code]).toEqual([404, 'NOT_FOUND'])
  })
})

describe('the list of licences', () => {
  it('is read again after it could not be read', async () => {
    let tries = 0
    const licences = (): Promise<[]> => (++tries === 1 ? Promise.reject(new Error('EMFILE')) : Promise.resolve([]))
    const { url } = await startApi({ licences })
    expect((await call(url, '/api/v1/licences')).status).toBe(500)
    expect((await call(url, '/api/v1/licences')).json).toEqual({ items: [], next: null })
    await call(url, '/api/v1/licences')
    expect(tries).toBe(2)
  })
})
