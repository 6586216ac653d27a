import { describe, expect, it } from 'vitest'
import { ROLES, type Role } from '#api/auth/roles.ts'
import type { OpenApiDocument } from '../contract.ts'
import { call, PASSWORD, seedAccounts, startApi, temporaryFolder, type Fixture } from '../fixture.ts'

/** The least role of each route. A route that is missing here fails the test: decide, then add it. */
const LEAST_ROLE: Readonly<Record<string, Role | 'public'>> = {
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /api/v1/session': 'public',
  'POST /api/v1/session': 'public',
  'DELETE /api/v1/session': 'public',
  'POST /api/v1/setup': 'public',
  'GET /api/v1/gateway': 'viewer',
  'GET /api/v1/licences': 'viewer',
  'GET /api/v1/factories': 'viewer',
  'GET /api/v1/machines': 'viewer',
  'GET /api/v1/machines/{id}': 'viewer',
  'GET /api/v1/sensors': 'viewer',
  'GET /api/v1/sensors/{id}': 'viewer',
  'GET /api/v1/sensors/{id}/latest': 'viewer',
  'GET /api/v1/sensors/{id}/readings': 'viewer',
  'GET /api/v1/sensors/{id}/stats': 'viewer',
  'GET /api/v1/sensors/{id}/export': 'viewer',
  'GET /api/v1/sensors/{id}/anomalies': 'viewer',
  'GET /api/v1/sensors/{id}/alerts': 'viewer',
  'GET /api/v1/latest': 'viewer',
  'GET /api/v1/alarms': 'viewer',
  'GET /api/v1/journal': 'viewer',
  'GET /api/v1/audit': 'admin',
  'GET /api/v1/audit/integrity': 'admin',
  'GET /api/v1/devices': 'viewer',
  'GET /api/v1/devices/{id}': 'viewer',
  'GET /api/v1/uplinks': 'viewer',
  'GET /api/v1/uplinks/{id}/dead-letters': 'viewer',
  'POST /api/v1/uplinks/{id}/dead-letters/retry': 'engineer',
  'POST /api/v1/uplinks/{id}/dead-letters/{letter}/retry': 'engineer',
  'DELETE /api/v1/uplinks/{id}/dead-letters': 'engineer',
  'DELETE /api/v1/uplinks/{id}/dead-letters/{letter}': 'engineer',
  'GET /api/v1/live': 'viewer',
  'GET /api/v1/log': 'engineer',
  'GET /api/v1/openapi.json': 'viewer',
  'GET /api/v1/docs': 'viewer',
  'GET /api/v1/docs.css': 'viewer',
  'PUT /api/v1/sensors/{id}/value': 'operator',
  'POST /api/v1/ingest/{device}': 'operator',
  'POST /api/v1/alarms/{id}/acknowledge': 'operator',
  'POST /api/v1/alarms/{id}/shelve': 'operator',
  'POST /api/v1/alarms/{id}/unshelve': 'operator',
  'POST /api/v1/alarms/{id}/confirm': 'operator',
  'POST /api/v1/alarms/{id}/reset': 'operator',
  'POST /api/v1/alarms/{id}/comment': 'operator',
  'POST /api/v1/alarms/{id}/out-of-service': 'operator',
  'POST /api/v1/alarms/{id}/in-service': 'operator',
  'POST /api/v1/sensors/{id}/checks/{check}/out-of-service': 'operator',
  'POST /api/v1/sensors/{id}/checks/{check}/in-service': 'operator',
  'GET /api/v1/alarms/measures': 'viewer',
  'POST /api/v1/sensors/{id}/backtest': 'viewer',
  'POST /api/v1/devices/{id}/restart': 'engineer',
  'POST /api/v1/devices/{id}/probe': 'operator',
  'POST /api/v1/devices/{id}/registers': 'engineer',
  'POST /api/v1/scan/modbus': 'engineer',
  'POST /api/v1/scan/opcua': 'engineer',
  'POST /api/v1/scan/serial': 'engineer',
  'GET /api/v1/config': 'engineer',
  'PUT /api/v1/config': 'engineer',
  'GET /api/v1/config/schema': 'engineer',
  'POST /api/v1/config/check': 'engineer',
  'POST /api/v1/config/plan': 'engineer',
  'POST /api/v1/config/reload': 'engineer',
  'POST /api/v1/config/import-sensors': 'engineer',
  'GET /api/v1/config/revisions': 'engineer',
  'GET /api/v1/config/revisions/{number}': 'engineer',
  'GET /api/v1/config/revisions/{number}/changes': 'engineer',
  'POST /api/v1/config/revisions/{number}/rollback': 'engineer',
  'GET /api/v1/secrets': 'engineer',
  'PUT /api/v1/secrets/{name}': 'engineer',
  'DELETE /api/v1/secrets/{name}': 'engineer',
  'GET /api/v1/devices/{id}/frames': 'engineer',
  'POST /api/v1/backup': 'admin',
  'POST /api/v1/support-bundle': 'admin',
  'GET /api/v1/users': 'admin',
  'POST /api/v1/users': 'admin',
  'PUT /api/v1/users/{name}': 'admin',
  'DELETE /api/v1/users/{name}': 'admin',
  'PUT /api/v1/session/password': 'viewer',
  'GET /api/v1/sessions': 'viewer',
  'DELETE /api/v1/sessions/{id}': 'viewer',
  'GET /api/v1/tokens': 'admin',
  'POST /api/v1/tokens': 'admin',
  'DELETE /api/v1/tokens/{id}': 'admin',
}

async function startWithTokens(): Promise<{ api: Fixture; tokens: Record<Role, string> }> {
  const dataDir = await temporaryFolder()
  const tokens = await seedAccounts(dataDir)
  return { api: await startApi({ auth: 'required', dataDir }), tokens }
}

describe('roles', () => {
  it('lets each role call exactly its routes, on every route of the API', async () => {
    const { api, tokens } = await startWithTokens()
    const bearer = (role: Role): Record<string, string> => ({ authorization: `Bearer ${tokens[role]}` })
    const document: OpenApiDocument = (await call(api.url, '/api/v1/openapi.json', { headers: bearer('viewer') })).json
    const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes.toSorted()).toEqual(Object.keys(LEAST_ROLE).toSorted())
    for (const route of routes) {
      const [method, template] = route.split(' ') as [string, string]
      const path = template.replace(/\{[a-z]+\}/g, 'nobody')
      const least = LEAST_ROLE[route]!
      const anonymous = await call(api.url, path, { method, body: method === 'GET' ? undefined : {} })
      expect(anonymous.status === 401, `${route} without credentials: ${anonymous.status}`).toBe(least !== 'public')
      for (const role of ROLES) {
        const { status } = await call(api.url, path, {
          method,
          headers: bearer(role),
          body: method === 'GET' ? undefined : {},
        })
        const isAllowed = least === 'public' || ROLES.indexOf(role) >= ROLES.indexOf(least)
        expect(status !== 401 && status !== 403, `${route} as ${role}: ${status}`).toBe(isAllowed)
      }
    }
  })

  it('refuses a token that is wrong, revoked, or sent otherwise than as Bearer', async () => {
    const { api, tokens } = await startWithTokens()
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await call(api.url, '/api/v1/gateway', { headers })).status
    expect(await status({ authorization: `Bearer ${tokens.viewer}x` })).toBe(401)
    expect(await status({ authorization: `Basic ${tokens.viewer}` })).toBe(401)
    expect(await status({ authorization: 'Bearer ' })).toBe(401)
    expect(await status({ cookie: `telemetryx_session_edge-01=${tokens.admin}` })).toBe(401)
    const headers = { authorization: `Bearer ${tokens.admin}` }
    const { items } = (await call(api.url, '/api/v1/tokens', { headers })).json
    const viewer = items.find(({ name }: { name: string }) => name === 'viewer')
    expect(await status({ authorization: `Bearer ${tokens.viewer}` })).toBe(200)
    expect((await call(api.url, `/api/v1/tokens/${viewer.id}`, { method: 'DELETE', headers })).status).toBe(204)
    expect(await status({ authorization: `Bearer ${tokens.viewer}` })).toBe(401)
  })

  it('tells a refused caller how to come in, and what is missing', async () => {
    const { api, tokens } = await startWithTokens()
    const anonymous = await call(api.url, '/api/v1/gateway')
    expect(anonymous).toMatchObject({ headers: { 'www-authenticate': 'Bearer' }, json: { code: 'UNAUTHENTICATED' } })
    const viewer = await call(api.url, '/api/v1/users', { headers: { authorization: `Bearer ${tokens.viewer}` } })
    expect(viewer.json).toMatchObject({
      code: 'PERMISSION_DENIED',
      detail: 'This needs the role admin; token:viewer is viewer',
    })
  })

  it('gives a token its own name in journals', async () => {
    const { api, tokens } = await startWithTokens()
    await call(api.url, '/api/v1/sensors/press-1.setpoint/value', {
      method: 'PUT',
      body: { value: 1 },
      headers: { authorization: `Bearer ${tokens.operator}` },
    })
    expect(api.devices.written).toMatchObject([{ sensor: 2, value: 1, origin: { by: 'token:operator' } }])
  })

  it('keeps users across a restart, and manages them without ever showing a hash', async () => {
    const { api, tokens } = await startWithTokens()
    const headers = { authorization: `Bearer ${tokens.admin}` }
    const added = await call(api.url, '/api/v1/users', {
      method: 'POST',
      headers,
      body: { name: 'shift-lead', password: PASSWORD, role: 'operator' },
    })
    expect(added).toMatchObject({ status: 201, json: { name: 'shift-lead', role: 'operator' } })
    expect(
      (
        await call(api.url, '/api/v1/users', {
          method: 'POST',
          headers,
          body: { name: 'shift-lead', password: PASSWORD, role: 'admin' },
        })
      ).status,
    ).toBe(409)
    expect(
      (
        await call(api.url, '/api/v1/users', {
          method: 'POST',
          headers,
          body: { name: 'jo', password: 'short', role: 'admin' },
        })
      ).status,
    ).toBe(400)
    await api.api.stop(AbortSignal.timeout(1000))
    const again = await startApi({ auth: 'required', dataDir: api.dataDir })
    const users = await call(again.url, '/api/v1/users', { headers })
    expect(users.json.items.map(({ name, role }: { name: string; role: string }) => [name, role])).toEqual([
      ['admin', 'admin'],
      ['shift-lead', 'operator'],
    ])
    expect(users.text).not.toMatch(/argon2|hash/i)
    expect((await call(again.url, '/api/v1/users/shift-lead', { method: 'DELETE', headers })).status).toBe(204)
    expect((await call(again.url, '/api/v1/users/shift-lead', { method: 'DELETE', headers })).status).toBe(404)
    expect((await call(again.url, '/api/v1/users/admin', { method: 'DELETE', headers })).json).toMatchObject({
      status: 409,
      detail: 'The last administrator stays',
    })
  })
})
