// Secrets go into a gateway and never come out: every route that reads is asked, as an administrator, on a gateway whose
// configuration has literal secrets and secrets from the environment.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Accounts } from '#api/auth/accounts.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import type { OpenApiDocument } from '#test/api/contract.ts'

const LITERAL = 'literal-hunter2'
const FROM_ENV = 'environment-hunter3'
const PASSWORD = 'a-long-hunter4'
const folder = mkdtempSync(join(tmpdir(), 'telemetryx-secrets-'))
const file = join(folder, 'gateway.yaml')
let gateway: Gateway
let token: string

const yaml = (publish: string): string => `version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0 }
configuration: { watch: 0 }
devices:
  - { id: line, driver: opcua, connection: { endpoint: "opc.tcp://127.0.0.1:9", user: { name: edge, password: "\${OPC}" } }, sensors: [ { id: a, node: "ns=2;s=A" } ] }
uplinks:
  - { id: hq, type: mqtt, url: "mqtt://127.0.0.1:9", username: edge, password: ${LITERAL}, topic: "${publish}/{sensor}" }
`

beforeAll(async () => {
  writeFileSync(file, yaml('a'))
  const catalogue = createCatalogue({ clock: systemClock })
  const env = { OPC: FROM_ENV }
  const loaded = parseGatewayConfig(readFileSync(file, 'utf8'), { file, catalogue, env })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  gateway = await startGateway({
    config: loaded.config,
    catalogue,
    clock: systemClock,
    log: silentLogger,
    random: seededRandom(1),
    source: { file, env, loaded },
  })
  const setupToken = new URL(gateway.setupUrl!).hash.replace('#token=', '')
  const made = await fetch(`${gateway.url}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: setupToken, name: 'admin', password: PASSWORD }),
  })
  const cookie = made.headers.getSetCookie()[0]!.split(';', 1)[0]!
  const given = await fetch(`${gateway.url}/api/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ name: 'walker', role: 'admin' }),
  })
  token = ((await given.json()) as { token: string }).token
})
afterAll(async () => {
  await gateway.stop({ deadlineMs: 5000 })
  rmSync(folder, { recursive: true })
})

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
  })

/** The name of each secret that a text holds. */
const secretsIn = (text: string): string[] =>
  Object.entries({ LITERAL, FROM_ENV, PASSWORD, token })
    .filter(([, secret]) => text.includes(secret))
    .map(([name]) => name)

describe('secrets', () => {
  it('are in no answer of any route that reads', async () => {
    const text = yaml('b')
    const applied = await ask('/api/v1/config', {
      method: 'PUT',
      headers: { 'content-type': 'application/yaml', 'if-match': '*' },
      body: text,
    })
    expect([applied.status, secretsIn(await applied.text())]).toEqual([200, []])
    const document = (await (await ask('/api/v1/openapi.json')).json()) as OpenApiDocument
    const ids: Record<string, string> = {
      '/devices/': 'line',
      '/uplinks/': 'hq',
      '/sensors/': 'line.a',
      '/machines/': 'line',
    }
    let asked = 0
    for (const [template, operations] of Object.entries(document.paths)) {
      if (!('get' in operations) || template.endsWith('/live')) continue
      const id = Object.entries(ids).find(([part]) => template.includes(part))?.[1] ?? '1'
      const path = template.replace('{number}', '2').replace(/\{[a-z]+\}/g, id)
      const answer = await ask(path)
      const said = await answer.text()
      expect(secretsIn(said), path).toEqual([])
      if (answer.status === 200) asked += 1
    }
    expect(asked).toBeGreaterThan(30)
  })

  it('are told as references, or masked, and a masked text that comes back keeps them', async () => {
    const present = await ask('/api/v1/config')
    const text = await present.text()
    expect(text).toContain('password: "${OPC}"')
    expect(text).toContain('password: "********"')
    const plan = await ask('/api/v1/config/plan', {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: text.replace('topic: "b', 'topic: "c'),
    })
    expect(secretsIn(await plan.text())).toEqual([])
    const put = await ask('/api/v1/config', {
      method: 'PUT',
      headers: { 'content-type': 'application/yaml', 'if-match': present.headers.get('etag')! },
      body: text.replace('topic: "b', 'topic: "c'),
    })
    expect(put.status).toBe(200)
    expect(readFileSync(file, 'utf8')).toContain(LITERAL)
  })

  it('are kept as hashes: passwords with argon2id, tokens with SHA-256', async () => {
    const kept = readFileSync(join(folder, 'data/auth.json'), 'utf8')
    expect(secretsIn(kept)).toEqual([])
    expect(kept).toContain('$argon2id$')
    const accounts = new Accounts(join(folder, 'data/auth.json'), systemClock)
    await accounts.load()
    expect(accounts.tokenPrincipal(token, false)?.role).toBe('admin')
  })
})
