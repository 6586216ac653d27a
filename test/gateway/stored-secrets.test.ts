// Passwords that people type, on a whole gateway: they go into the store, the configuration refers to them, and nothing that
// leaves the gateway holds them.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { schemasOf } from '#gateway/redaction.ts'
import { collectSupportBundle } from '#gateway/support-bundle.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'

const TYPED = 'typed-hunter2'
const RETYPED = 'retyped-hunter3'
const OLD = 'written-hunter4'
const PUT = 'put-hunter5'
const catalogue = createCatalogue({ clock: systemClock })

const head = `version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
configuration: { watch: 0 }
`
const device = (password: string): string => `devices:
  - id: cell
    driver: mqtt
    connection: { url: "mqtt://127.0.0.1:9", username: edge, password: ${password} } # of the cell
    sensors: [ { id: rms, topic: a } ]
`
const uplink = (password: string): string =>
  `uplinks:\n  - { id: hq, type: mqtt, url: "mqtt://127.0.0.1:9", username: edge, password: ${password}, topic: "a/{sensor}" }\n`

interface Plant {
  readonly gateway: Gateway
  readonly folder: string
  readonly file: string
  readonly log: string[]
  onDisk(): string
  ask(method: string, path: string, body?: string | object, headers?: Record<string, string>): Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly json: ReturnType<typeof JSON.parse>
}

async function start(text: string, folder = mkdtempSync(join(tmpdir(), 'telemetryx-stored-'))): Promise<Plant> {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, text)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const loaded = parseGatewayConfig(text, { file, catalogue, env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const log: string[] = []
  const gateway = await startGateway({
    config: loaded.config,
    catalogue,
    clock: systemClock,
    log: createLogger({ level: 'debug', destination: { write: (line: string) => void log.push(line) } }),
    random: seededRandom(1),
    source: { file, env: {}, loaded },
  })
  onTestFinished(() => gateway.stop({ deadlineMs: 5000 }))
  const ask: Plant['ask'] = async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string'
    const type: Record<string, string> =
      body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }
    const answer = await fetch(`${gateway.url}/api/v1${path}`, {
      method,
      headers: { ...type, ...headers },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    })
    const said = await answer.text()
    return { status: answer.status, text: said, json: /^[[{]/.test(said) ? JSON.parse(said) : null }
  }
  return { gateway, folder, file, log, ask, onDisk: () => readFileSync(file, 'utf8') }
}

const apply = (plant: Plant, text: string, query = '?storeSecrets=true'): Promise<Answer> =>
  plant.ask('PUT', `/config${query}`, text, { 'if-match': '*' })

const stored = ({ folder }: Plant, name: string): string => readFileSync(join(folder, 'data/secrets', name), 'utf8')

describe('A password that is typed', () => {
  it('goes into the store when the configuration is applied, and the text refers to it', async () => {
    const plant = await start(head + device(OLD))
    const wrong = await apply(plant, `${head}${device(TYPED)}nonsense: 1\n`)
    const stale = await plant.ask('PUT', '/config?storeSecrets=true', head + device(TYPED), { 'if-match': '"other"' })
    const restart = await apply(plant, head.replace('Plant A', 'Plant B') + device(TYPED))
    expect([wrong.status, stale.status, restart.status]).toEqual([400, 412, 409])
    expect([plant.onDisk(), (await plant.ask('GET', '/secrets')).json.items]).toEqual([head + device(OLD), []])

    // What is literal and masked stays where it is.
    const masked = (await plant.ask('GET', '/config')).text
    expect(masked).toContain('********')
    const applied = await apply(plant, masked + uplink(`'${TYPED}'`))
    expect([applied.status, applied.json.storedSecrets]).toEqual([200, ['hq-password']])
    expect(plant.onDisk()).toBe(head + device(OLD) + uplink('"${secret:hq-password}"'))
    expect(stored(plant, 'hq-password')).toBe(TYPED)
    expect(statSync(join(plant.folder, 'data/secrets/hq-password')).mode & 0o777).toBe(0o600)
    // The file starts a gateway again.
    expect(parseGatewayConfig(plant.onDisk(), { file: plant.file, catalogue, env: {} })).toMatchObject({
      ok: true,
      config: { uplinks: [{ config: { password: TYPED } }] },
    })
  })
})

describe('A stored secret', () => {
  it('outlives being typed anew, is taken up when replaced, and is not deleted while something needs it', async () => {
    const plant = await start(head + device(OLD))
    await apply(plant, head + device(TYPED))
    await apply(plant, head + device(RETYPED))
    const uses = (await plant.ask('GET', '/secrets')).json.items
    expect(uses).toMatchObject([
      { name: 'cell-password', from: 'store', usedBy: [] },
      { name: 'cell-password-2', from: 'store', usedBy: ['devices.cell.connection.password'] },
    ])
    const needed = await plant.ask('DELETE', '/secrets/cell-password')
    expect([needed.status, needed.json.detail]).toEqual([
      409,
      'The secret cell-password is needed to go back to revision 2; it can be deleted by force',
    ])
    expect((await plant.ask('POST', '/config/revisions/2/rollback', {})).status).toBe(200)
    expect(plant.onDisk()).toBe(head + device('"${secret:cell-password}"'))
    expect(stored(plant, 'cell-password')).toBe(TYPED)

    const replaced = await plant.ask('PUT', '/secrets/cell-password', { value: PUT })
    expect([replaced.status, replaced.json]).toEqual([200, { name: 'cell-password', isNew: false }])
    const reloaded = await plant.ask('POST', '/config/reload')
    expect(reloaded.json).toMatchObject({ isChanged: true, plan: { changes: [{ kind: 'device', id: 'cell' }] } })

    const inUse = await plant.ask('DELETE', '/secrets/cell-password?force=true')
    expect([inUse.status, inUse.json.detail]).toEqual([
      409,
      'The secret cell-password is in use: devices.cell.connection.password',
    ])
    expect((await plant.ask('DELETE', '/secrets/cell-password-2?force=true')).status).toBe(204)
    expect((await plant.ask('DELETE', '/secrets/cell-password-2')).status).toBe(404)
    const gone = await plant.ask('POST', '/config/revisions/3/rollback', {})
    expect([gone.status, gone.json.detail]).toEqual([400, expect.stringContaining('no secret cell-password-2')])
  })

  it('is in no answer, log, audit entry, revision or support bundle', async () => {
    const plant = await start(head + device(OLD))
    const answers = [
      await apply(plant, head + device(TYPED)),
      await plant.ask('PUT', '/secrets/unused', { value: PUT }),
      await plant.ask('PUT', '/secrets/unused', { value: PUT, more: 1 }),
      await plant.ask('PUT', '/secrets/..%2fauth.json', { value: PUT }),
      await plant.ask('PUT', `/secrets/${'x'.repeat(300)}`, { value: PUT }),
      await plant.ask('PUT', '/secrets/unused', { value: `${PUT}\0` }),
      await plant.ask('PUT', '/secrets/unused', { value: PUT.repeat(10_000) }),
      await plant.ask('GET', '/secrets/unused'),
      await plant.ask('DELETE', '/secrets/cell-password'),
      ...(await Promise.all(
        ['/secrets', '/config', '/config/revisions/2', '/audit', '/log', '/journal'].map((path) =>
          plant.ask('GET', path),
        ),
      )),
    ]
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 400, 400, 400, 400, 400, 405, 409, 200, 200, 200, 200, 200, 200,
    ])
    const { folder, file, gateway } = plant
    const dataDir = join(folder, 'data')
    const { files, missing } = await collectSupportBundle({
      configFile: file,
      sensorFiles: [],
      dataDir,
      url: gateway.url,
      token: null,
      schemas: schemasOf(catalogue),
      env: {},
      now: systemClock.now(),
    })
    expect(missing).toEqual([])
    const audit = readdirSync(join(dataDir, 'audit')).map((name) => readFileSync(join(dataDir, 'audit', name), 'utf8'))
    const revisions = join(dataDir, 'configuration')
    const kept = readdirSync(revisions).map((name) => readFileSync(join(revisions, name), 'utf8'))
    expect(audit.join('')).toContain('"action":"secret.put","target":"unused"')
    expect(audit.join('')).toContain('"storedSecrets":["cell-password"]')
    expect(plant.log.join('')).toContain('A secret was stored')
    const said = [
      ...answers.map(({ text }) => text),
      ...files.map(({ content }) => content),
      ...audit,
      ...plant.log,
      ...kept,
    ]
    for (const secret of [TYPED, PUT]) expect(said.filter((text) => text.includes(secret))).toEqual([])
  })
})
