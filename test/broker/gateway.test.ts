// The embedded broker inside a gateway: what a publisher was told is in the history. Configuration problems of the key `broker`.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { EVENTUALLY } from '#test/eventually.ts'

const HEAD = 'gateway: { id: edge-01, factory: Plant A }\n'

function parse(yaml: string, file = '/tmp/gateway.yaml') {
  return parseGatewayConfig(yaml, { file, catalogue: createCatalogue({ clock: systemClock }), env: { P: 'x', W: 'y' } })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function start(yaml: string, folder: string): Promise<Gateway> {
  const parsed = parse(yaml, join(folder, 'gateway.yaml'))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const catalogue = createCatalogue({ clock: systemClock })
  const options = { config: parsed.config, catalogue, clock: systemClock, log: silentLogger, random: seededRandom(1) }
  return startGateway(options)
}

describe('a gateway with an embedded broker', () => {
  it('has on disk what it has acknowledged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-broker-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const port = await freePort()
    const yaml = `${HEAD}http: { port: 0, auth: none }
broker: { port: ${port} }
devices: [ { id: vib, driver: mqtt, sensors: [ { id: rms, topic: "vib/+/rms", value: $.v } ] } ]
`
    const gateway = await start(yaml, folder)
    onTestFinished(() => gateway.stop({ deadlineMs: 2000 }))
    await vi.waitFor(async () => {
      const response = await fetch(`${gateway.url}/api/v1/devices/vib`)
      expect(((await response.json()) as { state: string }).state).toBe('up')
    }, EVENTUALLY)
    const publisher = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
    for (const v of [1, 2, 3]) await publisher.publishAsync('vib/left/rms', JSON.stringify({ v }), { qos: 1 })
    const response = await fetch(`${gateway.url}/api/v1/sensors/vib.rms/readings?from=2020-01-01T00:00:00Z`)
    const { items } = (await response.json()) as { items: { value: number | null }[] }
    expect(items.map(({ value }) => value)).toEqual([null, 1, 2, 3]) // null: waiting for the first
    publisher.on('error', () => {})
    await gateway.stop({ deadlineMs: 5000 })
    await vi.waitFor(() => expect(publisher.connected).toBe(false), EVENTUALLY)
  })
})

describe('the key broker', () => {
  it('is accepted as the README has it', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../src/broker/README.md'), 'utf8')
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)![1]!
    const result = parse(yaml.replace('${PRESS_PASSWORD}', '${P}').replace('${WALL_PASSWORD}', '${W}'))
    expect(result).toMatchObject({
      ok: true,
      config: { broker: { users: [{ password: 'x', subscribe: [] }, {}], tls: { cert: '/tmp/broker.pem' } } },
    })
  })

  it('may be left out', () => {
    expect(parse(HEAD)).toMatchObject({ ok: true, config: { broker: null } })
  })

  it('is asked for by a device that has no other broker', () => {
    const result = parse(`${HEAD}devices:\n  - { id: d, driver: mqtt, sensors: [ { id: s, topic: a } ] }\n`)
    expect(result).toMatchObject({
      ok: false,
      problems: [{ line: 3, message: expect.stringContaining('the key broker') }],
    })
  })

  it.each([
    ['{ host: 0.0.0.0 }', 'broker.host: must not be open to the network without users'],
    ['{ users: [ { name: a, password: b }, { name: a, password: c } ] }', 'broker.users[1].name: must be another'],
    ['{ users: [ { name: a, password: b, publish: ["a/#/b"] } ] }', 'broker.users[0].publish[0]: must have +'],
    ['{ users: [ { name: a, password: b, subscribe: ["a+"] } ] }', 'broker.users[0].subscribe[0]: must have +'],
    ['{ maxPayload: 1GiB }', 'broker.maxPayload: must be from 1KiB to 16MiB'],
    ['{ hosts: x }', 'broker'],
  ])('is refused as %s', (broker, message) => {
    const result = parse(`${HEAD}broker: ${broker}\n`)
    expect(result.ok ? [] : result.problems.map((problem) => problem.message)).toEqual([
      expect.stringContaining(message),
    ])
  })
})
