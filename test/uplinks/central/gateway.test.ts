// The whole: a gateway whose central offers another configuration, which also changes the uplink to that central.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { getJson } from '../../gateway/start-gateway.ts'
import { ScriptedCentral } from './scripted-central.ts'

const PATH = '/api/v1/gateways/edge-01/configuration'
const folder = mkdtempSync(join(tmpdir(), 'telemetryx-central-'))
let central: ScriptedCentral
let gateway: Gateway | null = null

afterEach(async () => {
  await gateway?.stop({ deadlineMs: 10_000 })
  await central.close()
  rmSync(folder, { recursive: true, force: true })
})

const yaml = (devices: string, compression: string): string => `version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
devices:
${devices}uplinks:
  - { id: hq, type: central, url: "${central.url}", compression: ${compression}, configuration: { accept: true, every: 1s } }
`
const apps = (id: string): string => `  - { id: ${id}, driver: http, sensors: [ { id: jobs, field: jobs } ] }\n`

async function start(file: string): Promise<Gateway> {
  const catalogue = createCatalogue({ clock: systemClock })
  const loaded = parseGatewayConfig(readFileSync(file, 'utf8'), { file, catalogue, env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const shared = { catalogue, clock: systemClock, log: silentLogger, random: seededRandom(1) }
  return startGateway({ ...shared, config: loaded.config, source: { file, env: {}, loaded } })
}

it(
  'takes up the configuration that central offers, even one that changes the way to central',
  { timeout: 60_000 },
  async () => {
    let offer: object | null = null
    central = await ScriptedCentral.start(({ method, path }, response) => {
      if (method !== 'GET' || path !== PATH || offer === null) return false
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(offer))
      return true
    })
    const file = join(folder, 'gateway.yaml')
    const before = yaml(apps('apps'), 'zstd')
    writeFileSync(file, before)
    gateway = await start(file)
    await vi.waitFor(() => expect(central.ingests().length).toBeGreaterThan(0), EVENTUALLY) // the event of the start
    const after = yaml(apps('apps') + apps('line-2'), 'none')
    offer = { revision: 'r7', text: after, comment: 'Line 2' }
    const told = () =>
      central.seen
        .filter(({ method, path }) => method === 'PUT' && path === `${PATH}/r7`)
        .map(({ body }) => JSON.parse(body.toString()) as object)
    await vi.waitFor(() => expect(told().at(-1)).toMatchObject({ state: 'watched', number: 2 }), EVENTUALLY)
    expect(readFileSync(file, 'utf8')).toBe(after)
    const audit = await getJson<{ items: object[] }>(gateway, '/api/v1/audit?action=config')
    expect(audit.items).toMatchObject([
      { action: 'config.apply', via: 'central', outcome: 'done', after: { revision: 2 } },
    ])
    const { items } = await getJson<{ items: { id: string }[] }>(gateway, '/api/v1/devices')
    expect(items.map(({ id }) => id)).toEqual(['apps', 'line-2'])
    await vi.waitFor(() => expect(central.ingests().at(-1)!.headers['content-encoding']).toBeUndefined(), EVENTUALLY)
    expect(
      central.seen
        .filter(({ path }) => path === '/api/v1/gateways/edge-01')
        .at(-1)!
        .body.toString(),
    ).toContain('line-2.jobs')
    const [uplink] = (
      await getJson<{ items: { accepted: number; delivered: number; pending: number }[] }>(gateway, '/api/v1/uplinks')
    ).items
    expect(uplink!.accepted).toBe(uplink!.delivered + uplink!.pending)
  },
)
