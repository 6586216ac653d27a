// central.yaml: what it decodes to, and what is wrong with one, with its place.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Schema from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { connectOptions } from '#backing/nats-address.ts'
import { loadCentralConfig, parseCentralConfig } from '#config/central-load.ts'
import { CentralFileSchema } from '#config/central-schema.ts'
import { plainJsonSchema } from '#config/json-schema.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const example = join(PACKAGE_ROOT, 'config/examples/central.yaml')

function load(text: string, env: Record<string, string> = {}) {
  return parseCentralConfig(text, '/etc/telemetryx/central.yaml', env)
}

function problemsOf(text: string): string[] {
  const result = load(text)
  return result.ok ? [] : result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

describe('central.yaml', () => {
  it('needs nothing but its version: everything else has a default', () => {
    const result = load('version: 1\n')
    expect(result).toMatchObject({
      ok: true,
      config: {
        data: '/etc/telemetryx/central-data',
        http: { host: '127.0.0.1', port: 8090, tls: null, publicUrl: null, limits: { maxBodyBytes: 8 * 1024 * 1024 } },
        grpc: null,
        line: null,
        databaseUrl: null,
        redisUrl: null,
        nats: null,
        oidc: null,
        retention: { rawMs: 90 * 86_400_000 },
        brain: null,
        traceEndpoint: null,
        tenants: [],
      },
    })
  })

  it('decodes every group, with paths that count from its folder and secrets from the environment', () => {
    const text = `version: 1
http: { tls: { cert: c.pem, key: k.pem }, publicUrl: "https://central.example" }
grpc: { port: 0, tls: { cert: c.pem, key: k.pem, clientCa: ca.pem } }
line: {}
databaseUrl: postgresql://central:\${DB}@db.example/telemetryx
redisUrl: redis://redis.example
nats: { urls: ["nats://a:4222"], credentials: edge.creds, replicas: 3, takeOver: 2s }
oidc: { issuer: "https://login.example", audience: telemetryx }
brain: { url: brain.example, tls: { ca: brain.pem }, token: "\${DB}", tenants: [ { id: plant-group, token: own } ] }
opentelemetry: { endpoint: "http://collector.example:4318/v1/traces" }
tenants: [ { id: plant-group } ]
`
    const result = load(text, { DB: 'secret' })
    expect(result).toMatchObject({
      ok: true,
      config: {
        http: { tls: { cert: '/etc/telemetryx/c.pem', key: '/etc/telemetryx/k.pem' } },
        grpc: { port: 0, tls: { clientCa: '/etc/telemetryx/ca.pem' } },
        line: { host: '127.0.0.1', port: 8094, tls: null },
        databaseUrl: 'postgresql://central:secret@db.example/telemetryx',
        nats: { credentials: '/etc/telemetryx/edge.creds', replicas: 3, partitions: 8, takeOverMs: 2000 },
        oidc: { tenantClaim: 'tenant', roleClaim: 'role', clockSkewMs: 30_000 },
        brain: {
          url: 'brain.example',
          tls: { ca: '/etc/telemetryx/brain.pem', cert: null, key: null, rejectUnauthorized: true },
          token: 'secret',
          tenants: [{ id: 'plant-group', token: 'own' }],
          timeoutMs: 10_000,
        },
        traceEndpoint: 'http://collector.example:4318/v1/traces',
        tenants: [{ id: 'plant-group', name: 'plant-group' }],
      },
    })
  })

  it('finds every mistake and says where it stands', () => {
    const text = `version: 1
retentoin: { raw: 90d }
http: { port: 80900, limits: { maxBody: 1GiB } }
oidc: { issuer: "https://login.example" }
tenants: [ { id: Plant } ]
`
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^2:1 retentoin: unknown key; did you mean "retention"\?/),
      expect.stringMatching(/^3:15 http.port: .*65535/),
      expect.stringMatching(/^4:7 oidc: missing required key "audience"/),
      expect.stringMatching(/^5:18 tenants/),
    ])
  })

  it.each([
    ['http: { limits: { maxBody: 1KiB } }', 'http.limits.maxBody: must be between 64KiB and 64MiB'],
    ['retention: { raw: 1h }', 'retention.raw: must be at least 1d'],
    ['retention: { raw: 90d, minute: 30d }', 'retention.minute: must not be shorter than retention.raw'],
    ['retention: { minute: 2y, hour: 1y }', 'retention.hour: must not be shorter than retention.minute'],
    ['oidc: { issuer: "http://login.example", audience: a }', 'oidc.issuer: must be an https address'],
    ['oidc: { issuer: "https://login.example", audience: a, clockSkew: 1h }', 'oidc.clockSkew: must be at most 5m'],
    ['nats: { urls: ["nats://a"], takeOver: 999ms }', 'nats.takeOver: must be between 1s and 5m'],
    ['nats: { urls: ["nats://a"], takeOver: 301s }', 'nats.takeOver: must be between 1s and 5m'],
    ['brain: { url: brain.example, timeout: 1m }', 'brain.timeout: must be from 100ms to 25s'],
    ['brain: { url: brain.example, tls: { cert: c.pem } }', 'brain.tls: needs key as well'],
    ['brain: { url: "grpc://brain.example", tls: {} }', 'brain.tls: does not go with a url'],
    ['brain: { url: b, tenants: [ { id: a, token: x }, { id: a, token: y } ] }', 'names "a" a second time'],
    ['tenants: [ { id: a }, { id: b }, { id: a } ]', 'tenants[2].id: names "a" a second time'],
  ])('refuses %s', (line, message) => {
    expect(problemsOf(`version: 1\n${line}\n`)).toEqual([expect.stringContaining(message)])
  })

  it('takes an issuer without encryption on this machine only', () => {
    expect(problemsOf('version: 1\noidc: { issuer: "http://127.0.0.1:8080/realm", audience: a }\n')).toEqual([])
  })

  it('has an example that is valid, also with its comments opened', () => {
    expect(loadCentralConfig(example, {})).toMatchObject({ ok: true })
    const opened = readFileSync(example, 'utf8').replaceAll(
      /^( *)# (?=(?:tls|publicUrl|grpc|line|databaseUrl|redisUrl|nats|oidc|brain): )/gm,
      '$1',
    )
    const result = parseCentralConfig(opened, example, { DB_PASSWORD: 'x', BRAIN_TOKEN: 'y' })
    expect(result.ok ? [] : result.problems).toEqual([])
    expect(result).toMatchObject({ ok: true, config: { grpc: { port: 50_052 }, oidc: { audience: 'telemetryx' } } })
  })

  it.each([
    ['nats://nats.example:4222', true],
    ['tls://user:secret@nats.example', true],
    ['ws://nats.example:8080', false],
    ['wss://nats.example', false],
    ['nats.example:4222', false],
  ])('takes the address of NATS %s exactly when its client does', async (url, isTaken) => {
    expect(load(`version: 1\nnats: { urls: ["${url}"] }\n`).ok).toBe(isTaken)
    const options = connectOptions({ urls: [url], credentials: null })
    if (isTaken) expect(await options).toMatchObject({ servers: [new URL(url).host] })
    else await expect(options).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('has a JSON Schema that judges as the loader does', () => {
    const schema = Schema.Compile(plainJsonSchema('TelemetryX central', CentralFileSchema))
    for (const text of ['version: 1', 'http: { port: 1 }', 'htp: {}', 'tenants: [ { id: Plant } ]', 'grpc: {}'])
      expect([text, schema.Check(parse(text))]).toEqual([text, load(text).ok])
  })
})
