// The manual knows every route of the gateway's API. Those of central: test/central/api/walk.test.ts; metrics: test/docker/dashboards.test.ts.

import { describe, expect, it } from 'vitest'
import { get, startApi } from '#test/api/fixture.ts'
import { routesMissingIn } from './routes-missing.ts'

describe('the routes of the gateway', () => {
  it.each(['docs/api.md', 'docs/contract.md'])('stand in %s', async (file) => {
    const { paths } = (await get(await startApi(), '/openapi.json')).json as { readonly paths: object }
    expect(Object.keys(paths).length).toBeGreaterThan(70)
    expect(routesMissingIn([file], Object.keys(paths))).toEqual([])
    expect(routesMissingIn([file], ['/api/v1/sensors/{id}/nonsense', '/api/v1/nonsense'])).toHaveLength(2)
  })
})
