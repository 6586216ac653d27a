// The configuration by HTTP, in front of a real configuration desk over simulated devices.

import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../contract.ts'
import { contractProblems } from '../contract.ts'
import { call, startApi, type Answer, type CallOptions, type Fixture } from '../fixture.ts'
import { ConfigurationBed, HEAD } from '../../gateway/configuration-bed.ts'

const config = (address: number, more = ''): string =>
  `${HEAD}# my own words\ndevices:\n  - { id: a,   driver: sim, host: h, ${more}sensors: [ { id: a, address: ${address} } ] }\n`

const YAML = { 'content-type': 'application/yaml' }
let bed: ConfigurationBed
let api: Fixture
let document: OpenApiDocument

beforeEach(async () => {
  bed = await new ConfigurationBed().start(config(1))
  api = await startApi({ configuration: bed.desk, clock: bed.clock })
  document = (await call(api.url, '/api/v1/openapi.json')).json
})

/** A request below /config while time passes; the answer is held against the OpenAPI document. */
async function ask(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const full = `/api/v1/config${path}`
  const answer = await bed.during(call(api.url, full, { ...options, method }))
  expect(contractProblems(document, { method, path: full, answer })).toEqual([])
  return answer
}

const put = async (text: string, headers: Record<string, string> = {}, path = ''): Promise<Answer> =>
  ask('PUT', path, { body: text, headers: { ...YAML, ...headers } })

describe('GET /config', () => {
  it('gives the YAML as it was written, with its ETag, or all about it as JSON', async () => {
    const yaml = await ask('GET', '')
    expect(yaml.text).toBe(config(1))
    expect(yaml.headers).toMatchObject({
      'content-type': 'application/yaml; charset=utf-8',
      'telemetryx-revision': '1',
    })
    const { json } = await ask('GET', '', { headers: { accept: 'application/json' } })
    expect(json).toMatchObject({
      text: config(1),
      etag: yaml.headers.etag,
      revision: { number: 1, origin: 'start', state: 'kept' },
      fileState: 'same',
      watchedUntil: null,
    })
  })

  it('is not there for a gateway without a file', async () => {
    const bare = await startApi()
    expect(await call(bare.url, '/api/v1/config')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
  })
})

describe('POST /config/check and /config/plan', () => {
  it('say what is wrong, with line and column', async () => {
    const wrong = config(1).replace('address', 'adress')
    const { json } = await ask('POST', '/check', { body: wrong, headers: YAML })
    expect(json).toMatchObject({
      ok: false,
      problems: [{ line: 6, column: 58, message: expect.stringMatching(/adress/) }],
    })
    expect((await ask('POST', '/check', { body: { text: config(3) } })).json).toEqual({ ok: true, problems: [] })
    const plan = await ask('POST', '/plan', { body: wrong, headers: YAML })
    expect(plan).toMatchObject({
      status: 400,
      json: { code: 'CONFIG_INVALID', errors: [{ path: `${bed.file}:6:58` }] },
    })
  })

  it('say what applying would do, in words too, and do nothing', async () => {
    const { json } = await ask('POST', '/plan', { body: config(2), headers: YAML })
    expect(json).toMatchObject({
      summary: '1 device restarts; 0 devices and 0 uplinks undisturbed',
      lines: [
        '~ sensor a.a (its device restarts)\n    address: 1 → 2',
        expect.stringContaining('~ device a (restarts)'),
      ],
      changes: [
        { id: 'a.a', keys: [{ key: 'address', before: '1', after: '2' }] },
        { id: 'a', effect: 'restarts' },
      ],
      needsRestart: [],
    })
    expect(bed.desk.revisions()).toHaveLength(1)
  })
})

describe('PUT /config', () => {
  it('applies what was made from the present one, keeps every character of it, and refuses what was not', async () => {
    const etag = String((await ask('GET', '')).headers.etag)
    const applied = await put(config(2), { 'if-match': etag }, '?comment=pump%20moved')
    expect(applied.json).toMatchObject({ revision: 2, isChanged: true, plan: { undisturbed: { devices: 0 } } })
    expect(readFileSync(bed.file, 'utf8')).toBe(config(2))
    await bed.clock.advance(2000)
    expect(bed.value('a.a')).toBe(2)
    expect(await put(config(3), { 'if-match': etag })).toMatchObject({ status: 412, json: { code: 'STALE' } })
    expect(await put(config(3))).toMatchObject({ status: 428, json: { code: 'PRECONDITION_REQUIRED' } })
    expect((await ask('GET', '/revisions/2')).json).toMatchObject({
      by: 'local',
      origin: 'api',
      comment: 'pump moved',
      text: config(2),
    })
  })

  it('names the keys that need a restart, and applies nothing then', async () => {
    const refused = await put(`${config(2)}http: { port: 9000 }\n`, { 'if-match': '*' })
    expect(refused).toMatchObject({ status: 409, json: { code: 'CONFLICT', errors: [{ path: 'http.port' }] } })
    expect(bed.onDisk).toBe(config(1))
  })

  it('takes JSON with a comment, and no other media type', async () => {
    const body = { text: config(2), comment: 'by program' }
    expect((await ask('PUT', '', { body, headers: { 'if-match': '*' } })).json).toMatchObject({ revision: 2 })
    expect(bed.desk.revisions()[0]).toMatchObject({ comment: 'by program' })
    const odd = { 'content-type': 'application/x-www-form-urlencoded', 'if-match': '*' }
    expect((await ask('PUT', '', { body: config(3), headers: odd })).status).toBe(415)
  })
})

describe('Revisions by HTTP', () => {
  it('are listed in pages, compared, and gone back to', async () => {
    await put(config(2), { 'if-match': '*' })
    await put(config(3), { 'if-match': '*' })
    const first = (await ask('GET', '/revisions?limit=2')).json
    expect(first.items.map(({ number }: { number: number }) => number)).toEqual([3, 2])
    const second = (await ask('GET', `/revisions?limit=2&cursor=${first.next}`)).json
    expect(second).toMatchObject({ items: [{ number: 1 }], next: null })
    expect((await ask('GET', '/revisions/3/changes?from=1')).json.changes[0].keys).toEqual([
      { key: 'address', before: '1', after: '3' },
    ])
    const back = await ask('POST', '/revisions/1/rollback', { body: { comment: 'too warm' } })
    expect(back.json).toMatchObject({ revision: 4, isChanged: true })
    expect(bed.onDisk).toBe(config(1))
    expect((await ask('GET', '/revisions/99')).status).toBe(404)
    expect((await ask('GET', '/revisions/nobody')).status).toBe(400)
  })
})

describe('POST /config/import-sensors', () => {
  const post = (csv: string, device = 'a'): Promise<Answer> =>
    ask('POST', `/import-sensors?device=${device}`, { body: csv, headers: { 'content-type': 'text/csv' } })

  it('makes YAML of a spreadsheet that can be pasted and applied', async () => {
    const csv = 'id;address;unit;scale.factor;checks.threshold.high\npump;7;bar;0.1;16\nflow;8;;;\n'
    const { json } = await post(csv)
    expect(json).toMatchObject({ ok: true, count: 2, problems: [] })
    const text = config(1).replace('[ { id: a, address: 1 } ]', '').replace('sensors:  }', '}')
    const pasted = `${text.replace('- { id: a,   driver: sim, host: h, }', '- id: a\n    driver: sim\n    host: h\n    sensors:')}`
    const yaml = pasted + String(json.yaml).replace(/^/gm, '      ').trimEnd() + '\n'
    await put(yaml, { 'if-match': '*' })
    await bed.clock.advance(2000)
    expect(bed.value('a.pump')).toBeCloseTo(0.7)
    expect(bed.present.model.sensor('a.pump')).toMatchObject({ unit: 'bar', checks: [{ type: 'threshold', high: 16 }] })
  })

  it('says in which row and column it is wrong', async () => {
    const { json } = await post('id,address\npump,seven\npump,8\n')
    expect(json).toMatchObject({
      ok: false,
      yaml: '',
      problems: [
        { file: 'sensors.csv', line: 2, column: 6 },
        { file: 'sensors.csv', line: 3, column: 1 },
      ],
    })
    expect((await post('id,address\n', 'nobody')).status).toBe(404)
  })
})

describe('GET /config/schema', () => {
  it('gives the JSON Schema of the file with the drivers that the gateway has', async () => {
    const { status, json } = await ask('GET', '/schema')
    expect(status).toBe(200)
    expect(json).toMatchObject({ title: 'TelemetryX gateway', properties: { devices: { type: 'array' } } })
    expect(JSON.stringify(json)).toContain('"sim"')
  })
})
