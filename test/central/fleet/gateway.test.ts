// The whole: a gateway in a process of its own synchronises with central. Registration, each reading once, a configuration that is
// applied, one that is wrong, and one that makes the gateway worse and is rolled back.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startGatewayProcess, type GatewayProcess } from '#test/cli/gateway-process.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from '../api/central-peer.ts'

const WAIT = { timeout: 40_000, interval: 100 }
const READINGS = 200

interface Offered {
  readonly revision: string
  readonly state: string
  readonly reason: string | null
  readonly problems: readonly { line?: number; message?: string }[]
}

describe.skipIf(!hasPostgres)('a gateway and central (needs postgresql)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-fleet-'))
  let peer: CentralPeer
  let read: string
  let write: string
  let ingest: string

  beforeAll(async () => {
    peer = await CentralPeer.start()
    const admin = await peer.setUp()
    ingest = await peer.keyFor(admin, 'north', ['ingest'], { gateway: 'edge-01' })
    read = await peer.keyFor(admin, 'north', ['read'])
    write = await peer.keyFor(admin, 'north', ['write'])
  }, 60_000)

  afterAll(async () => {
    await peer?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const yaml = (devices: string, url = peer.url): string => `version: 1
gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
configuration: { watch: 5s }
devices:
${devices}uplinks:
  - { id: hq, type: central, url: "${url}", token: "${ingest}", configuration: { accept: true, every: 1s } }
`
  const apps = '  - { id: apps, driver: http, machine: Line 1, sensors: [ { id: jobs, field: jobs, unit: pcs } ] }\n'
  const line2 = '  - { id: line-2, driver: http, sensors: [ { id: parts, field: parts } ] }\n'
  async function offer(text: string, comment: string, plan?: string): Promise<string> {
    const body = { text, comment, plan }
    const answer = await peer.ask<Offered>('gateways/edge-01/configurations', { key: write, body })
    expect(answer).toMatchObject({ status: 201, body: { state: 'offered' } })
    return answer.body.revision
  }

  /** What the gateway says that `text` would change. */
  async function plan(text: string): Promise<{ plan: string; state: string }> {
    // Until the gateway has asked for a configuration, central does not know that it can plan.
    const asked = await vi.waitFor(async () => {
      const answer = await peer.ask<{ plan: string }>('gateways/edge-01/plans', { key: write, body: { text } })
      expect(answer).toMatchObject({ status: 201, body: { state: 'waiting' } })
      return answer.body.plan
    }, WAIT)
    return vi.waitFor(async () => {
      const { body } = await peer.ask<{ plan: string; state: string }>(`gateways/edge-01/plans/${asked}`, {
        key: write,
      })
      expect(body.state).not.toBe('waiting')
      return body
    }, WAIT)
  }

  const latest = async (): Promise<Offered | null> =>
    (await peer.ask<{ configuration: Offered | null }>('gateways/edge-01', { key: read })).body.configuration

  const becomes = (revision: string, state: string) =>
    vi.waitFor(async () => expect(await latest()).toMatchObject({ revision, state }), WAIT)

  async function hand(gateway: GatewayProcess, readings: readonly object[]): Promise<void> {
    const response = await fetch(`${gateway.url}/api/v1/ingest/apps`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ readings }),
    })
    expect(response.status).toBe(202)
  }

  it('keep each reading once, and configurations as they were asked for', { timeout: 180_000 }, async () => {
    const file = join(folder, 'gateway.yaml')
    writeFileSync(file, yaml(apps))
    let gateway = await startGatewayProcess(file)

    await vi.waitFor(async () => expect((await peer.ask('gateways/edge-01', { key: read })).status).toBe(200), WAIT)
    const start = Date.now() - 60_000
    const reading = (n: number) => ({ sensor: 'jobs', value: n, time: start + n })
    const half = READINGS / 2
    await hand(
      gateway,
      Array.from({ length: half }, (_, n) => reading(n)),
    )
    // What central has taken and the gateway did not hear of any more comes again.
    await gateway.end('SIGKILL')
    gateway = await startGatewayProcess(file)
    await hand(
      gateway,
      Array.from({ length: half }, (_, n) => reading(half + n)),
    )
    const values = async () => {
      const { body } = await peer.ask<{ items: { value: number }[] }>(
        'sensors/apps.jobs/readings?from=-1h&to=%2B1h&limit=10000',
        { key: read },
      )
      return (body.items ?? []).map(({ value }) => value).filter((value) => value !== null)
    }
    const all = Array.from({ length: READINGS }, (_, n) => n)
    await vi.waitFor(async () => expect(await values()).toEqual(all), WAIT)

    expect((await peer.ask('sensors/apps.jobs', { key: read })).body).toMatchObject({
      gateway: 'edge-01',
      machine: 'line-1',
      unit: 'pcs',
      type: 'number',
    })
    expect((await peer.ask('gateways/edge-01', { key: read })).body).toMatchObject({
      state: 'online',
      factory: expect.stringMatching(/^plant.a$/i) as string,
      epoch: 2,
      sensors: 1,
      configuration: null,
    })

    const first = await plan(yaml(apps + line2))
    expect(first).toMatchObject({
      state: 'planned',
      summary: expect.stringContaining('1 device starts') as string,
      lines: ['+ device line-2 (starts)', '+ sensor line-2.parts'],
      needsRestart: [],
      problems: [],
    })
    expect(await plan(yaml('  - { id: apps, driver: nothing }\n'))).toMatchObject({
      state: 'refused',
      summary: null,
      lines: [],
      problems: [{ line: 7, column: 25, message: expect.stringContaining('nothing') as string }],
    })
    expect((await peer.ask('gateways/edge-01', { key: read })).body).toMatchObject({ configuration: null })

    const good = await offer(yaml(apps + line2), 'A second line', first.plan)
    await becomes(good, 'kept')
    const detail = await peer.ask<{ text: string }>(`gateways/edge-01/configurations/${good}`, { key: write })
    expect(detail.body).toMatchObject({
      comment: 'A second line',
      by: 'key:north-write',
      number: 2,
      plan: {
        summary: expect.stringContaining('1 device starts'),
        lines: expect.arrayContaining(['+ device line-2 (starts)']),
      },
    })
    expect(detail.body.text).toContain('line-2')

    const wrong = await offer(yaml('  - { id: apps, driver: nothing }\n'), 'A typing mistake')
    await becomes(wrong, 'failed')
    expect((await latest())!.problems[0]).toMatchObject({
      line: 7,
      message: expect.stringContaining('nothing') as string,
    })

    const worse = await offer(yaml(apps + line2, 'http://127.0.0.1:1'), 'A central that is not there')
    await becomes(worse, 'rolledBack')
    expect((await latest())!.reason).toMatch(/hq/)
    const devices = await fetch(`${gateway.url}/api/v1/devices`)
    const { items } = (await devices.json()) as { items: { id: string }[] }
    expect(items.map(({ id }) => id)).toEqual(['apps', 'line-2'])

    // Planned before the present configuration was applied: it no longer holds.
    const late = await offer(yaml(apps + line2), 'Too late', first.plan)
    await becomes(late, 'failed')
    expect((await latest())!.reason).toMatch(/changed by someone else/)

    const list = await peer.ask<{ items: Offered[] }>('gateways/edge-01/configurations', { key: read })
    expect(list.body.items.map(({ revision, state }) => [revision, state])).toEqual([
      [late, 'failed'],
      [worse, 'rolledBack'],
      [wrong, 'failed'],
      [good, 'kept'],
    ])
    expect((await peer.ask('fleet', { key: read })).body).toMatchObject({
      gateways: 1,
      online: 1,
      silent: 0,
      configurations: { failed: 1 },
    })
    await gateway.end('SIGTERM')
  })
})
