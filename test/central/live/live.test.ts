// The live feed of central: each tenant its own, filters, alarms and alerts, a slow client, a key that is revoked, the stop.

import { toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { IngestRequestSchema, type IngestRequest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from '../api/central-peer.ts'
import { makeAlarm } from '#test/api/fakes.ts'
import { entriesOf, transitionOf } from './entries.ts'

const RAISED_AT = Date.now()

interface Message {
  readonly type: string
  readonly snapshot?: boolean
  readonly resumed?: boolean
  readonly position?: string
  readonly readings?: readonly { sensor: string; value: unknown }[]
  readonly alarm?: { id: string; gateway: string; sensor: string; active: boolean }
  readonly alert?: { id: string; message: string }
}

class Client {
  readonly messages: Message[] = []
  readonly socket: WebSocket
  closed: number | null = null

  constructor(url: string, key: string, query = '') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live${query}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as Message))
    this.socket.on('close', (code) => (this.closed = code))
    this.socket.on('error', () => {})
  }

  get values(): Record<string, unknown> {
    const readings = this.messages.flatMap((message) => message.readings ?? [])
    return Object.fromEntries(readings.map(({ sensor, value }) => [sensor, value]))
  }

  sees(values: Record<string, unknown>): Promise<void> {
    return vi.waitFor(() => expect(this.values).toEqual(values), { timeout: 20_000 })
  }
}

describe.skipIf(!hasPostgres)('the live feed (needs postgresql)', () => {
  let peer: CentralPeer
  let admin: string
  let north: string
  let south: string
  let ingestNorth: string
  let ingestSouth: string
  const clients: Client[] = []

  beforeAll(async () => {
    peer = await CentralPeer.start({ http: 'port: 0, limits: { tenantLiveClients: 4 }' })
    admin = await peer.setUp()
    north = await peer.keyFor(admin, 'north', ['read'])
    south = await peer.keyFor(admin, 'south', ['read'])
    ingestNorth = await peer.keyFor(admin, 'north', ['ingest'])
    ingestSouth = await peer.keyFor(admin, 'south', ['ingest'])
  }, 60_000)

  afterAll(() => peer?.stop())

  const hand = async (key: string, source: string, values: Record<string, unknown>) => {
    const readings = Object.entries(values).map(([sensor, value]) => ({ sensor, value }))
    expect((await peer.ask(`ingest/${source}`, { key, body: { readings } })).status).toBe(202)
  }
  const open = (key: string, query = ''): Client => {
    const client = new Client(peer.url, key, query)
    clients.push(client)
    return client
  }
  const close = async (...some: Client[]) => {
    for (const client of some) client.socket.close()
    await vi.waitFor(() => expect(some.every(({ closed }) => closed !== null)).toBe(true), { timeout: 10_000 })
  }

  it('begins with what is so, then tells what changes, to its own tenant only', async () => {
    await hand(ingestNorth, 'apps', { jobs: 1 })
    await hand(ingestSouth, 'apps', { jobs: 100 })
    const [a, b] = [open(north), open(south)]
    await a.sees({ 'apps.jobs': 1 })
    await b.sees({ 'apps.jobs': 100 })
    expect(a.messages[0]).toMatchObject({ type: 'readings', snapshot: true })
    await hand(ingestNorth, 'apps', { jobs: 2, scrap: 0 })
    await a.sees({ 'apps.jobs': 2, 'apps.scrap': 0 })
    await hand(ingestSouth, 'apps', { jobs: 101 })
    await b.sees({ 'apps.jobs': 101 })
    expect(a.values).toEqual({ 'apps.jobs': 2, 'apps.scrap': 0 })
    await close(a, b)
  })

  it('is narrowed by sensors and gateways', async () => {
    await hand(ingestNorth, 'mes', { orders: 5 })
    const [bySensor, byGateway] = [open(north, '?sensors=apps.*'), open(north, '?gateways=mes')]
    await bySensor.sees({ 'apps.jobs': 2, 'apps.scrap': 0 })
    await byGateway.sees({ 'mes.orders': 5 })
    await hand(ingestNorth, 'mes', { orders: 6 })
    await hand(ingestNorth, 'apps', { jobs: 3 })
    await byGateway.sees({ 'mes.orders': 6 })
    await bySensor.sees({ 'apps.jobs': 3, 'apps.scrap': 0 })
    await close(bySensor, byGateway)
  })

  it('tells alarms of gateways, and what the rules of the brain said', async () => {
    const client = open(north)
    await vi.waitFor(() => expect(client.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
    await send(peer, ingestNorth, entriesOf(RAISED_AT))
    await vi.waitFor(
      () => {
        expect(client.messages.filter(({ type }) => type === 'alarm')).toMatchObject([
          { alarm: { id: 'edge-01/1-1', gateway: 'edge-01', sensor: 'press.oil', active: true } },
        ])
        expect(client.messages.filter(({ type }) => type === 'alert')).toMatchObject([
          {
            alert: { id: 'alert-1', ruleName: 'Too hot', gateway: 'edge-01', message: 'Oil is hot', severity: 'high' },
          },
        ])
      },
      { timeout: 20_000 },
    )
    await send(peer, ingestNorth, entriesOf(RAISED_AT)) // the same once more
    const alerts = await peer.ask<{ items: object[] }>('alerts', { key: north })
    expect(alerts.body.items).toMatchObject([{ id: 'alert-1', rule: 'r1', sensor: 'press.oil', data: { limit: 75 } }])
    expect((await peer.ask<{ items: object[] }>('alerts', { key: south })).body.items).toEqual([])
    const alarms = await peer.ask<{ items: object[] }>('alarms?state=active', { key: north })
    expect(alarms.body.items).toMatchObject([{ id: 'edge-01/1-1', gateway: 'edge-01', level: 'high' }])
    expect(client.messages.filter(({ type }) => type === 'alert')).toHaveLength(1)
    const later = open(north)
    await vi.waitFor(() => expect(later.messages.filter(({ type }) => type === 'alarm')).toHaveLength(1), {
      timeout: 20_000,
    })
    await close(client, later)
  })

  it('shows alarms as they are when a backlog comes after what was newer', async () => {
    const client = open(north)
    await vi.waitFor(() => expect(client.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
    const alarmOf = (id: string, more: object = {}) => makeAlarm(id, 'press.oil', { raisedAt: RAISED_AT, ...more })
    const over = { active: false, acknowledged: true, clearedAt: RAISED_AT + 1, acknowledgedAt: RAISED_AT + 1 }
    const live = (seq: number, id: string, more?: object) =>
      send(peer, ingestNorth, transitionOf(alarmOf(id, more), { seq, lane: 'live' }))
    const backlog = (seq: number, id: string, more?: object) =>
      send(peer, ingestNorth, transitionOf(alarmOf(id, more), { seq, lane: 'backlog' }))
    const isActive = () =>
      Object.fromEntries(client.messages.flatMap(({ alarm }) => (alarm ? [[alarm.id, alarm.active]] : [])))
    await live(10, '2-1', over)
    await live(11, '2-2')
    await backlog(1, '2-1') // how it was raised
    await backlog(2, '2-3') // still so
    await backlog(3, '2-2', over) // before it was raised again
    await vi.waitFor(() => expect(isActive()).toMatchObject({ 'edge-01/2-3': true }), { timeout: 20_000 })
    expect(isActive()).toMatchObject({ 'edge-01/2-1': false, 'edge-01/2-2': true, 'edge-01/2-3': true })
    await backlog(4, '2-3', over)
    await vi.waitFor(() => expect(isActive()).toMatchObject({ 'edge-01/2-3': false }), { timeout: 20_000 })
    const later = open(north)
    await vi.waitFor(() => expect(later.messages.some(({ alarm }) => alarm)).toBe(true), { timeout: 20_000 })
    await live(12, '2-4')
    await vi.waitFor(
      () => {
        const ids = later.messages.flatMap(({ alarm }) => (alarm ? [alarm.id] : []))
        expect(ids.toSorted()).toEqual(['edge-01/1-1', 'edge-01/2-2', 'edge-01/2-4'])
      },
      { timeout: 20_000 },
    )
    await close(client, later)
  })

  it(
    'gives a client that did not read for a while the latest values when it reads again',
    { timeout: 60_000 },
    async () => {
      const slow = open(north, '?sensors=bulk.*')
      await vi.waitFor(() => expect(slow.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
      slow.socket.pause()
      const rounds = 40
      for (let round = 0; round < rounds; round++) {
        const values = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`s${n}`, round]))
        await hand(ingestNorth, 'bulk', values)
      }
      slow.socket.resume()
      await vi.waitFor(() => expect(slow.values['bulk.s399']).toBe(rounds - 1), { timeout: 30_000 })
      expect(new Set(Object.values(slow.values))).toEqual(new Set([rounds - 1]))
      await close(slow)
    },
  )

  it('resumes where a client was', async () => {
    const first = open(north, '?sensors=apps.*')
    await vi.waitFor(() => expect(first.messages.at(-1)?.position).toBeDefined(), { timeout: 20_000 })
    const keeper = open(north, '?sensors=mes.*')
    await vi.waitFor(() => expect(keeper.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
    await close(first)
    await hand(ingestNorth, 'apps', { scrap: 9 })
    const again = open(north, `?sensors=apps.*&since=${first.messages.at(-1)!.position}`)
    await again.sees({ 'apps.scrap': 9 })
    expect(again.messages[0]).toMatchObject({ resumed: true })
    await close(again, keeper)
  })

  it('refuses who may not see it, and more clients than a tenant may have', async () => {
    const statusOf = (client: Client) =>
      new Promise<number>((resolve) =>
        client.socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0)),
      )
    expect(await statusOf(open('txc_wrong'))).toBe(401)
    expect(await statusOf(open(ingestNorth))).toBe(403)
    expect(await statusOf(open(north, '?gateways=NO'))).toBe(400)
    const four = Array.from({ length: 4 }, () => open(south))
    await vi.waitFor(() => expect(four.every(({ messages }) => messages.length > 0)).toBe(true), { timeout: 20_000 })
    expect(await statusOf(open(south))).toBe(503)
    const other = open(north)
    await vi.waitFor(() => expect(other.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
    await close(other, ...four)
    expect((await peer.ask('live', { key: north })).status).toBe(426)
  })

  it('says goodbye when central stops', async () => {
    const client = open(north)
    await vi.waitFor(() => expect(client.messages.length).toBeGreaterThan(0), { timeout: 20_000 })
    await peer.restart()
    await vi.waitFor(() => expect(client.closed).toBe(1001), { timeout: 20_000 })
  })
})

async function send(peer: CentralPeer, key: string, request: IngestRequest): Promise<void> {
  const answer = await peer.ask('ingest', {
    key,
    body: toBinary(IngestRequestSchema, request),
    headers: { 'content-type': 'application/x-protobuf' },
  })
  expect(answer.status).toBe(202)
}
