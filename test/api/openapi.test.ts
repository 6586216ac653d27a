import { describe, expect, it } from 'vitest'
import { contractProblems, type OpenApiDocument } from './contract.ts'
import { call, startApi } from './fixture.ts'

const CONTRACT = [
  'GET /api/v1/gateway',
  'GET /api/v1/factories',
  'GET /api/v1/machines',
  'GET /api/v1/machines/{id}',
  'GET /api/v1/sensors',
  'GET /api/v1/sensors/{id}',
  'GET /api/v1/sensors/{id}/latest',
  'GET /api/v1/sensors/{id}/readings',
  'GET /api/v1/sensors/{id}/stats',
  'GET /api/v1/sensors/{id}/anomalies',
  'GET /api/v1/sensors/{id}/alerts',
  'PUT /api/v1/sensors/{id}/value',
  'POST /api/v1/ingest/{device}',
  'GET /api/v1/latest',
  'GET /api/v1/alarms',
  'POST /api/v1/alarms/{id}/acknowledge',
  'POST /api/v1/alarms/{id}/shelve',
  'POST /api/v1/alarms/{id}/unshelve',
  'POST /api/v1/alarms/{id}/confirm',
  'POST /api/v1/alarms/{id}/reset',
  'POST /api/v1/alarms/{id}/comment',
  'POST /api/v1/alarms/{id}/out-of-service',
  'POST /api/v1/alarms/{id}/in-service',
  'POST /api/v1/sensors/{id}/checks/{check}/out-of-service',
  'POST /api/v1/sensors/{id}/checks/{check}/in-service',
  'GET /api/v1/alarms/measures',
  'GET /api/v1/journal',
  'GET /api/v1/audit',
  'GET /api/v1/audit/integrity',
  'POST /api/v1/sensors/{id}/backtest',
  'GET /api/v1/devices',
  'GET /api/v1/devices/{id}',
  'GET /api/v1/devices/{id}/frames',
  'POST /api/v1/devices/{id}/restart',
  'POST /api/v1/devices/{id}/probe',
  'POST /api/v1/devices/{id}/registers',
  'POST /api/v1/scan/modbus',
  'POST /api/v1/scan/opcua',
  'POST /api/v1/scan/serial',
  'GET /api/v1/config',
  'PUT /api/v1/config',
  'POST /api/v1/config/check',
  'POST /api/v1/config/plan',
  'POST /api/v1/config/reload',
  'POST /api/v1/config/import-sensors',
  'GET /api/v1/config/revisions',
  'GET /api/v1/config/revisions/{number}',
  'GET /api/v1/config/revisions/{number}/changes',
  'POST /api/v1/config/revisions/{number}/rollback',
  'GET /api/v1/uplinks',
  'GET /api/v1/uplinks/{id}/dead-letters',
  'POST /api/v1/uplinks/{id}/dead-letters/retry',
  'POST /api/v1/uplinks/{id}/dead-letters/{letter}/retry',
  'DELETE /api/v1/uplinks/{id}/dead-letters',
  'DELETE /api/v1/uplinks/{id}/dead-letters/{letter}',
  'GET /api/v1/live',
  'GET /api/v1/log',
  'GET /api/v1/session',
  'POST /api/v1/session',
  'DELETE /api/v1/session',
  'POST /api/v1/setup',
  'GET /api/v1/users',
  'POST /api/v1/users',
  'DELETE /api/v1/users/{name}',
  'GET /api/v1/tokens',
  'POST /api/v1/tokens',
  'DELETE /api/v1/tokens/{id}',
  'GET /api/v1/openapi.json',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
]

async function document(): Promise<OpenApiDocument> {
  return (await call((await startApi()).url, '/api/v1/openapi.json')).json
}

describe('the OpenAPI document', () => {
  // auth/access.test.ts holds every route that there is against the role that it needs.
  it('has the routes of the contract', async () => {
    const { paths, openapi } = await document()
    expect(openapi).toBe('3.1.0')
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes).toEqual(expect.arrayContaining(CONTRACT))
  })

  it('describes each operation: summary, path parameters, success and problem', async () => {
    const { paths } = await document()
    for (const [path, operations] of Object.entries(paths)) {
      for (const operation of Object.values(operations)) {
        expect(operation.summary, path).toMatch(/\w/)
        const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
        expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{[a-z]+\}/g) ?? [])
        expect(inPath.every(({ required }) => required)).toBe(true)
        expect(
          Object.keys(operation.responses).some((status) => /^[12]\d\d$/.test(status)),
          path,
        ).toBe(true)
        expect(operation.responses['default']!.content).toHaveProperty('application/problem+json')
      }
    }
  })

  it('pages every list by limit and cursor', async () => {
    const { paths } = await document()
    const lists = Object.entries(paths).filter(([, { get }]) => {
      const schema = get?.responses[200]?.content?.['application/json']?.schema as { properties?: object } | undefined
      return schema?.properties !== undefined && 'items' in schema.properties
    })
    expect(lists.length).toBeGreaterThan(15)
    for (const [path, { get }] of lists) {
      const names = get!.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
      expect(names, path).toEqual(expect.arrayContaining(['limit', 'cursor']))
    }
  })

  it('is the yardstick that the tests hold answers against: a wrong answer is found', async () => {
    const described = await document()
    const answer = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      text: '{}',
      json: { items: [{ id: 'a' }], next: null },
    }
    const problems = contractProblems(described, { method: 'GET', path: '/api/v1/factories', answer })
    expect(problems.join()).toContain('name')
    expect(
      contractProblems(described, { method: 'GET', path: '/api/v1/factories', answer: { ...answer, status: 418 } }),
    ).not.toEqual([])
  })
})
