// Every route of the OpenAPI document, with nonsense of every kind: no answer may be a fault of the server, none may break the
// contract, and the server must answer as before afterwards.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contractProblems, type OpenApiDocument } from './contract.ts'
import { call, recordingLog, seedAccounts, startApi, temporaryFolder } from './fixture.ts'

const nasty = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e999',
    'NaN',
    'null',
    'true',
    '..',
    '../../etc/passwd',
    '%00',
    '\u0000',
    '__proto__',
    'constructor',
    "' OR 1=1 --",
    '${7*7}',
    '*',
    '9'.repeat(400),
    'press-1.setpoint',
    'press-1.*',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.integer().map(String),
  fc.double().map(String),
)
const bodies = fc.oneof(
  fc.json({ maxDepth: 6, stringUnit: 'binary' }),
  fc.integer({ min: 1, max: 100_000 }).map((depth) => `{"value":${DEEP}${depth}}`),
  fc.integer({ min: 100_000, max: 2_000_000 }).map((size) => `{"comment":"${HUGE}${size}"}`),
  nasty.map((text) =>
    JSON.stringify({ value: text, duration: text, comment: text, name: text, token: text, password: text, role: text }),
  ),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'null', '[]', '{', '{"value":1e400}', '{"duration":"1h"}', '{"comment":null}', '{"__proto__":1}'),
)

/** Stands for a text of that many characters, for the same reason. */
const HUGE = '@huge'
/** Stands for an array nested as deep as the number behind it, so that a failure prints no megabytes. */
const DEEP = '@deep'
const inFull = (body: string | undefined): string | undefined =>
  body
    ?.replace(/@deep(\d+)/, (_match, depth) => '['.repeat(Number(depth)) + ']'.repeat(Number(depth)))
    .replace(/@huge(\d+)/, (_match, size) => 'x'.repeat(Number(size)))

/** What only the inside of the gateway knows: paths, stacks, hashes. */
const LEAK = /node_modules|\/src\/|\.ts:\d+|argon2|\$m=|passwordHash|setupHash|local-access|ENOENT|SQLITE/

interface Shot {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
  readonly headers: Record<string, string>
}

function shots(document: OpenApiDocument): fc.Arbitrary<Shot> {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      query: (operation.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      hasBody: operation.requestBody !== undefined,
    })),
  )
  return fc.constantFrom(...operations).chain(({ path, method, query, hasBody }) =>
    fc.record({
      method: fc.constant(method),
      path: fc
        .tuple(
          nasty,
          fc.dictionary(
            fc.constantFrom(...query, 'unknown', '__proto__'),
            fc.oneof(nasty, fc.constantFrom('1', '-1h', 'now', '1s', 'all')),
            { maxKeys: 4 },
          ),
        )
        .map(([id, parameters]) => {
          const filled = path.replace(
            /\{[a-z]+\}/g,
            encodeURIComponent(id.toWellFormed()).replaceAll('.', '%2E') || '%20',
          )
          const search = Object.entries(parameters)
            .map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)
            .join('&')
          return search === '' ? filled : `${filled}?${search}`
        }),
      body: hasBody ? fc.option(bodies, { nil: undefined }) : fc.constant(undefined),
      headers: fc.constantFrom<Record<string, string>>(
        {},
        { accept: 'text/html' },
        { 'content-type': 'text/plain' },
        { authorization: 'Bearer nonsense' },
        { authorization: 'Basic YTpi' },
        { cookie: 'telemetryx_session_edge-01=nonsense' },
      ),
    }),
  )
}

describe('nonsense', () => {
  it('never makes the server fail, break its contract or log a fault', async () => {
    const { log, lines } = recordingLog()
    const api = await startApi({ log })
    const document: OpenApiDocument = (await call(api.url, '/api/v1/openapi.json')).json
    await fc.assert(
      fc.asyncProperty(shots(document), async ({ method, path, body, headers }) => {
        const answer = await call(api.url, path, { method, body: inFull(body), headers })
        expect(answer.status).toBeLessThan(500)
        if (answer.status >= 400) expect(answer.text).not.toMatch(LEAK)
        expect(contractProblems(document, { method, path, answer })).toEqual([])
      }),
      { numRuns: 1500 },
    )
    expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
    const started = performance.now()
    expect((await call(api.url, '/api/v1/latest')).status).toBe(200)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('gets nothing but refusals without credentials', async () => {
    const dataDir = await temporaryFolder()
    const tokens = await seedAccounts(dataDir)
    const api = await startApi({ auth: 'required', dataDir })
    const document: OpenApiDocument = (
      await call(api.url, '/api/v1/openapi.json', { headers: { authorization: `Bearer ${tokens.viewer}` } })
    ).json
    const open = new Set(['/api/v1/session', '/healthz', '/readyz', '/metrics'])
    await fc.assert(
      fc.asyncProperty(shots(document), async ({ method, path, body, headers }) => {
        const answer = await call(api.url, path, { method, body: inFull(body), headers })
        expect(answer.status).toBeLessThan(500)
        expect(answer.text).not.toMatch(LEAK)
        if (!open.has(path.split('?', 1)[0]!)) expect(answer.status).toBeGreaterThanOrEqual(400)
      }),
      { numRuns: 500 },
    )
    expect(api.devices.written).toEqual([])
  })
})
