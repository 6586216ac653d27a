// From a file to the typed configuration: defaults, units, references, anchors, encodings.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadGatewayConfig, type LoadResult } from '#config/load.ts'
import { DEFAULT_HTTP_LIMITS } from '#config/http-limits.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import { benchCatalogue } from './bench-driver.ts'
import { check, configOf, device, gatewayWith, problemsOf, sensor, uplink, withSensors } from './parse.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a valid configuration', () => {
  it('gets every default', () => {
    expect(configOf('gateway: { id: edge-01, factory: Plant A }', {}, '/etc/telemetryx/gateway.yaml')).toEqual({
      gateway: { id: 'edge-01', factory: 'Plant A' },
      folder: '/etc/telemetryx',
      data: '/etc/telemetryx/data',
      buffer: { capacity: 262_144, whenFull: 'block' },
      store: {
        flushIntervalMs: 1000,
        sync: 'normal',
        retention: { rawMs: 30 * 86_400_000, minuteMs: 365 * 86_400_000, hourMs: 3650 * 86_400_000 },
        maxBytes: 8 * 1024 ** 3,
      },
      http: { host: '127.0.0.1', port: 8080, auth: 'required', tls: null, limits: DEFAULT_HTTP_LIMITS },
      alarms: { operators: null },
      broker: null,
      traceEndpoint: null,
      configuration: { watchMs: 60_000, revisions: 100 },
      drivers: [],
      devices: [],
      derived: [],
      uplinks: [],
    })
  })

  it('takes the limits of the API, and refuses those that make no sense', () => {
    const { limits } = configOf(gatewayWith('http: { limits: { maxBody: 4MiB, addressConnections: 10 } }')).http
    expect(limits).toEqual({ ...DEFAULT_HTTP_LIMITS, maxBodyBytes: 4 * 1024 ** 2, addressConnections: 10 })
    expect(problemsOf(gatewayWith('http: { limits: { maxBody: 1KiB } }')).join()).toContain(
      'must be from 16KiB to 64MiB',
    )
    expect(problemsOf(gatewayWith('http: { limits: { queries: 0 } }')).join()).toContain('http.limits.queries')
  })

  it.each([
    ['{ cert: a.crt }', 'needs key as well'],
    ['{ key: a.key }', 'needs cert as well'],
    ['{}', 'needs cert and key, or selfSigned: true'],
    ['{ cert: a.crt, key: a.key, selfSigned: true }', 'must be false beside a certificate of your own'],
  ])('refuses http.tls %s', (tls, rule) => {
    expect(problemsOf(gatewayWith(`http: { tls: ${tls} }`)).join()).toContain(rule)
  })

  it('takes the files of http.tls from the folder of the configuration', () => {
    const yaml = gatewayWith('http: { tls: { cert: tls/a.crt, key: /etc/a.key } }')
    const config = configOf(yaml, {}, '/etc/telemetryx/gateway.yaml')
    expect(config.http.tls).toEqual({ cert: '/etc/telemetryx/tls/a.crt', key: '/etc/a.key' })
  })

  it('has durations in milliseconds and sizes in bytes', () => {
    const { store } = configOf(gatewayWith('store: { flushInterval: 250ms, retention: { raw: 7d }, maxSize: 1.5GiB }'))
    expect(store).toMatchObject({ flushIntervalMs: 250, maxBytes: 1.5 * 1024 ** 3 })
    expect(store.retention).toEqual({ rawMs: 7 * 86_400_000, minuteMs: 365 * 86_400_000, hourMs: 3650 * 86_400_000 })
  })

  it("gives a driver its own keys, decoded by the driver's schema", () => {
    const [read] = configOf(
      device('{ id: a, driver: bench, connection: { transport: tcp, host: h, timeout: 2s } }'),
    ).devices
    expect(read).toEqual({
      id: 'a',
      driver: 'bench',
      machine: 'a',
      pollMs: 1000,
      config: { connection: { transport: 'tcp', host: 'h', port: 502, timeout: 2000 } },
      sensors: [],
    })
  })

  it('gives each sensor its common keys beside the decoded keys of the driver', () => {
    const keys =
      'unit: bar, writable: true, poll: 250ms, scale: { factor: 0.1 }, deadband: { absolute: 1, maxInterval: 1m }'
    expect(configOf(sensor(keys)).devices[0]?.sensors).toEqual([
      {
        id: 'x',
        description: '',
        unit: 'bar',
        writable: true,
        writeLimits: null,
        scale: { factor: 0.1, offset: 0 },
        deadband: { absolute: 1, maxIntervalMs: 60_000 },
        checks: [],
        pollMs: 250,
        valueType: 'number',
        config: { address: 1, type: 'float' },
      },
    ])
  })

  it('decodes the delays of checks, 0 without a unit included', () => {
    const checks = configOf(check('{ type: threshold, high: 1, onDelay: 3s, offDelay: 0 }, { type: zscore }'))
      .devices[0]?.sensors[0]?.checks
    expect(checks).toEqual([
      { type: 'threshold', high: 1, hysteresis: 0, onDelay: 3000, offDelay: 0 },
      { type: 'zscore', window: 300, sigma: 4, onDelay: 0, offDelay: 0 },
    ])
  })

  it.each([
    ['type: int64', 'int64'],
    ['type: int64, scale: { factor: 2 }', 'number'],
    ['type: bool', 'boolean'],
    ['type: text', 'string'],
  ])('knows the type of the values of a sensor with %s', (keys, valueType) => {
    expect(configOf(sensor(keys)).devices[0]?.sensors[0]?.valueType).toBe(valueType)
  })

  it('keeps the common keys of an uplink apart from those of its kind', () => {
    expect(configOf(uplink('{ id: a, type: wire, url: "wire://h", replay: { maxRate: 50 } }')).uplinks).toEqual([
      {
        id: 'a',
        type: 'wire',
        include: ['*'],
        exclude: [],
        map: [],
        replay: { order: 'inOrder', maxRate: 50 },
        batch: { records: 500, delayMs: 0 },
        inFlight: 4,
        commands: null,
        deadLetters: { max: 10_000 },
        config: { url: 'wire://h' },
      },
    ])
  })

  it('may use anchors, aliases and merge keys', () => {
    const yaml = gatewayWith(`devices:
  - &first
    id: a
    driver: bench
    connection: { transport: tcp, host: one, timeout: 3s }
    sensors: &points [ { id: x, address: 1 } ]
  - { <<: *first, id: b, connection: { transport: tcp, host: two } }
  - { id: c, driver: bench, connection: { transport: tcp, host: three }, sensors: *points }`)
    const hosts = configOf(yaml).devices.map(({ id, sensors, config }) => [id, sensors.length, config])
    expect(hosts).toEqual([
      ['a', 1, { connection: { transport: 'tcp', host: 'one', port: 502, timeout: 3000 } }],
      ['b', 1, { connection: { transport: 'tcp', host: 'two', port: 502, timeout: 1000 } }],
      ['c', 1, { connection: { transport: 'tcp', host: 'three', port: 502, timeout: 1000 } }],
    ])
  })

  it('reports a problem within an anchor once', () => {
    const yaml = withSensors('&s { id: x, adress: 1 }').replace('sensors:', 'machine: M\n    sensors:')
    const twice = `${yaml}  - { id: b, driver: bench, connection: { transport: tcp, host: h }, sensors: [ *s ] }\n`
    expect(problemsOf(twice)).toEqual(['8:21: devices[0].sensors[0].adress: unknown key; did you mean "address"?'])
  })

  it('refuses aliases that would stand for billions of values', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level}: &l${level} [${level === 0 ? '1,1,1,1,1,1,1,1,1,1' : `*l${level - 1},`.repeat(10)}]`,
    )
    const problems = problemsOf(gatewayWith(levels.join('\n')))
    expect(problems.some((problem) => problem.includes('aliases stand for more than 100000 values'))).toBe(true)
  })
})

describe('references', () => {
  it('stand for environment variables, also within a text and as a number', () => {
    const yaml = gatewayWith('data: ${BASE}/x/${NAME}\nhttp:\n  port: ${PORT}\n  host: "${HOST}"')
    const config = configOf(yaml, { BASE: '/srv', NAME: 'edge', PORT: '9000', HOST: 'localhost' })
    expect(config.data).toBe('/srv/x/edge')
    expect(config.http).toMatchObject({ host: 'localhost', port: 9000, auth: 'required' })
  })

  it('keep digits as text where text is wanted', () => {
    const yaml = uplink('{ id: a, type: wire, url: "wire://h", token: "${TOKEN}" }')
    expect(configOf(yaml, { TOKEN: '0123456789' }).uplinks[0]?.config).toEqual({ url: 'wire://h', token: '0123456789' })
  })

  it('stand for files, without their last newline, relative to the configuration', () => {
    writeFileSync(join(folder, 'token'), 'first\nsecond\n')
    const yaml = uplink('{ id: a, type: wire, url: "wire://h", token: "${file:token}" }')
    expect(configOf(yaml, {}, join(folder, 'gateway.yaml')).uplinks[0]?.config).toEqual({
      url: 'wire://h',
      token: 'first\nsecond',
    })
  })

  it('can be written as plain characters', () => {
    expect(configOf(gatewayWith("data: '/x/$${NAME}'")).data).toBe('/x/${NAME}')
  })

  it('are not looked for in what they stand for', () => {
    expect(configOf(gatewayWith('data: ${A}'), { A: '/${B}' }).data).toBe('/${B}')
  })

  it('hold back what follows from a missing variable', () => {
    expect(problemsOf(gatewayWith('http: { host: "${HOST}", auth: none }'))).toEqual([
      '2:15: http.host: the environment variable HOST is not set',
    ])
    expect(problemsOf(gatewayWith('http: { port: "${PORT}" }'))).toEqual([
      '2:15: http.port: the environment variable PORT is not set',
    ])
  })
})

describe('a file', () => {
  const load = (name: string): Promise<LoadResult<GatewayConfig>> =>
    loadGatewayConfig(join(folder, name), { catalogue: benchCatalogue, env: {} })
  const write = (name: string, bytes: string | Uint8Array): string => {
    writeFileSync(join(folder, name), bytes)
    return name
  }
  const first = (result: LoadResult<GatewayConfig>): string => {
    if (result.ok) return 'ok'
    const [problem] = result.problems
    return `${problem?.line}:${problem?.column}: ${problem?.message}`
  }

  it('gives the configuration and its text', async () => {
    const text = gatewayWith('http: { port: 0 }')
    const result = await load(write('good.yaml', text))
    expect(result).toMatchObject({ ok: true, text, config: { data: join(folder, 'data'), http: { port: 0 } } })
  })

  it('may begin with a byte order mark and have Windows line ends', async () => {
    const result = await load(write('bom.yaml', '\uFEFFgateway:\r\n  id: a\r\n  factory: f\r\nhtttp: 1\r\n'))
    expect(first(result)).toBe('4:1: htttp: unknown key; did you mean "http"?')
  })

  it('that is not UTF-8 is refused where it stops to be', async () => {
    const latin1 = Buffer.from('gateway:\n  id: a\n  factory: S\u00fcd\n', 'latin1')
    expect(first(await load(write('latin1.yaml', latin1)))).toBe('3:13: the file is not UTF-8; save it as UTF-8')
  })

  it('in UTF-16 is refused by that name', async () => {
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('gateway: {}', 'utf16le')])
    expect(first(await load(write('utf16.yaml', utf16)))).toBe('1:1: the file is UTF-16; save it as UTF-8')
  })

  it('that is missing is CONFIG_UNREADABLE', async () => {
    await expect(load('missing.yaml')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `${join(folder, 'missing.yaml')} cannot be read: there is no such file`,
    })
  })

  it('that is a folder is CONFIG_UNREADABLE', async () => {
    await expect(load('.')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `${folder} cannot be read: it is a folder`,
    })
  })
})
