// One client for a gateway's API and for central's: what it asks of the one it can ask of the other, and it gets the same.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { startTestGateway } from '#test/gateway/start-gateway.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from './central-peer.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** The client: knows a base address and a token, and nothing of what answers. */
class Client {
  readonly #base: string
  readonly #token: string

  constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  async get(path: string): Promise<{ status: number; body: Json }> {
    const response = await this.#ask(path)
    return { status: response.status, body: (await response.json()) as Json }
  }

  async file(path: string): Promise<{ type: string | null; text: string }> {
    const response = await this.#ask(path)
    return { type: response.headers.get('content-type'), text: await response.text() }
  }

  #ask(path: string): Promise<Response> {
    const headers: Record<string, string> = this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }
    return fetch(`${this.#base}/api/v1/${path}`, { headers })
  }
}

const FROM = 'from=-1h&to=%2B1h'
/** Where central gives exactly what the gateway gives. */
const EQUAL = [
  'factories',
  'machines',
  'machines/line-1',
  'latest',
  'sensors/apps.jobs/latest',
  `sensors/apps.jobs/readings?${FROM}`,
  `sensors/apps.jobs/readings?${FROM}&limit=3&order=newestFirst`,
  `sensors/apps.jobs/readings?${FROM}&every=1m`,
  `sensors/apps.jobs/stats?from=-1h&to=now`,
  'sensors/no.such',
  'sensors/apps.jobs/readings?from=never',
  'sensors?limit=0',
]
/** Where it gives the same members, of which some tell of another place. */
const ALIKE = [
  'sensors',
  'sensors/apps.jobs',
  'alarms',
  'alarms?state=active',
  `sensors/apps.jobs/alerts?${FROM}`,
  `sensors/apps.jobs/anomalies?${FROM}`,
  `journal?${FROM}&kind=alarm`,
  `journal?${FROM}&kind=event`,
]

describe.skipIf(!hasPostgres)('one client (needs postgresql)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-same-client-'))
  let peer: CentralPeer
  let gateway: Gateway
  let ofGateway: Client
  let ofCentral: Client

  beforeAll(async () => {
    peer = await CentralPeer.start()
    const admin = await peer.setUp()
    const token = await peer.keyFor(admin, 'north', ['ingest'], { gateway: 'edge-01' })
    gateway = await startTestGateway(
      folder,
      `devices:
  - id: apps
    driver: http
    machine: Line 1
    sensors:
      - { id: jobs, field: jobs, unit: pcs, description: Finished jobs, checks: [ { type: threshold, high: 90 } ] }
uplinks: [ { id: hq, type: central, url: "${peer.url}", token: "${token}" } ]
`,
    )
    ofGateway = new Client(gateway.url, '')
    ofCentral = new Client(peer.url, await peer.keyFor(admin, 'north', ['read']))
    const start = Date.now() - 60_000
    const readings = Array.from({ length: 100 }, (_, n) => ({ sensor: 'jobs', value: n, time: start + n * 100 }))
    const response = await fetch(`${gateway.url}/api/v1/ingest/apps`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ readings, events: [{ message: 'Shift begins' }] }),
    })
    expect(response.status).toBe(202)
    await vi.waitFor(
      async () => {
        const [uplink] = ((await ofGateway.get('uplinks')).body as { items: { pending: number; delivered: number }[] })
          .items
        expect(uplink!.delivered).toBeGreaterThanOrEqual(102)
        expect(uplink!.pending).toBe(0)
      },
      { timeout: 40_000, interval: 100 },
    )
  }, 90_000)

  afterAll(async () => {
    await gateway?.stop({ deadlineMs: 5000 })
    await peer?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(EQUAL)('gets the same of %s', async (path) => {
    const [one, other] = [await ofGateway.get(path), await ofCentral.get(path)]
    expect(other.status).toBe(one.status)
    expect(withoutPlace(other.body)).toMatchObject(withoutPlace(one.body) as object)
  })

  it.each(ALIKE)('gets the same members of %s', async (path) => {
    const [one, other] = [await ofGateway.get(path), await ofCentral.get(path)]
    expect([one.status, other.status]).toEqual([200, 200])
    expect(differences(one.body, other.body)).toEqual([])
    const items = (body: Json): number => (body as { items?: Json[] }).items?.length ?? 1
    if (!path.startsWith('journal')) expect(items(other.body)).toBe(items(one.body))
  })

  it.each(['csv', 'jsonl', 'csv&every=1m', 'jsonl&every=1m'])('gets the same file as %s', async (format) => {
    const path = `sensors/apps.jobs/export?${FROM}&format=${format}`
    const one = await ofGateway.file(path)
    expect(one.text.split('\n').length).toBeGreaterThan(format.includes('every') ? 1 : 100)
    expect(await ofCentral.file(path)).toEqual(one)
  })

  it('follows the pages of both alike', async () => {
    const all = async (client: Client): Promise<Json[]> => {
      const items: Json[] = []
      for (let cursor = ''; ;) {
        const { body } = await client.get(`sensors/apps.jobs/readings?${FROM}&limit=30${cursor}`)
        const part = body as { items: Json[]; next: string | null }
        items.push(...part.items)
        if (part.next === null) return items
        cursor = `&cursor=${encodeURIComponent(part.next)}`
      }
    }
    expect(await all(ofCentral)).toEqual(await all(ofGateway))
  })
})

/** A range that ends now ends a little later at the second one that is asked; cursors are each one's own. */
function withoutPlace(body: Json): Json {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const { from: _from, to: _to, receivedAt: _receivedAt, ...rest } = body
  return 'next' in rest ? { ...rest, next: rest['next'] !== null } : rest
}

/** Members that `one` has and `other` has not, or of another type. Pure. */
function differences(one: Json, other: Json, path = ''): string[] {
  if (Array.isArray(one)) {
    if (!Array.isArray(other)) return [`${path} is no list`]
    return one.length > 0 && other.length > 0 ? differences(one[0]!, other[0]!, `${path}[]`) : []
  }
  if (one === null || other === null || typeof one !== 'object') {
    return one === null || other === null || typeof one === typeof other ? [] : [`${path} is ${typeof other}`]
  }
  if (typeof other !== 'object' || Array.isArray(other)) return [`${path} is no object`]
  return Object.entries(one).flatMap(([key, value]) =>
    Object.hasOwn(other, key) ? differences(value, other[key]!, `${path}.${key}`) : [`${path}.${key} is missing`],
  )
}
