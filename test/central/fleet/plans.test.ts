// What a configuration would change, asked before it is offered: who may ask, whom, and what is refused. The gateway's part is played
// over HTTP, as its uplink does.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#backing/database.ts'
import { planAnswerOf, planQuestionShape } from '#central/fleet/plan-shapes.ts'
import { PLAN_WAITS_MS } from '#central/plan-record.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from '../api/central-peer.ts'

const TEXT = 'version: 1\ndevices: []\n'
const ANSWER = { base: '"abc"', summary: 'nothing changes', lines: [], needsRestart: [], reason: null, problems: [] }
const REFUSED = { status: 409, body: { code: 'CONFLICT' } }

describe.skipIf(!hasPostgres)('A plan that is asked of a gateway (needs postgresql)', () => {
  let peer: CentralPeer
  let admin: string
  let write: string
  let read: string
  const keys = new Map<string, string>()

  beforeAll(async () => {
    peer = await CentralPeer.start()
    admin = await peer.setUp()
    write = await peer.keyFor(admin, 'north', ['write'])
    read = await peer.keyFor(admin, 'north', ['read'])
    for (const id of ['edge-01', 'edge-02', 'edge-03']) {
      const key = await peer.keyFor(admin, 'north', ['ingest'], { gateway: id, name: id })
      keys.set(id, key)
      const hello = { gateway: id, factory: 'Plant', epoch: 1, version: '0.1.0' }
      expect((await peer.ask(`gateways/${id}`, { method: 'PUT', key, body: hello })).status).toBe(204)
    }
  }, 60_000)
  afterAll(async () => await peer?.stop())

  /** Asks as the uplink of a gateway does; answers the plan that it is asked for. */
  async function comes(id: string, headers = { 'telemetryx-can': 'plan' } as Record<string, string>) {
    const answer = await peer.ask(`gateways/${id}/configuration`, { key: keys.get(id), headers })
    return { status: answer.status, plan: answer.headers.get('telemetryx-plan') }
  }
  const ask = (id: string, text = TEXT, key = write) => peer.ask(`gateways/${id}/plans`, { key, body: { text } })
  const answer = (id: string, plan: string, body: object = ANSWER, key = keys.get(id)) =>
    peer.ask(`gateways/${id}/configuration/plans/${plan}`, { method: 'PUT', key, body })
  const offer = (body: object) => peer.ask('gateways/edge-01/configurations', { key: write, body })

  it('waits for it, comes with its next question, and is told once', async () => {
    expect(await comes('edge-01')).toEqual({ status: 204, plan: null })
    expect(await ask('edge-01')).toMatchObject({ status: 201, body: { plan: 'p1', state: 'waiting', lines: [] } })
    expect(await ask('edge-01', 'version: 1\n')).toMatchObject({ status: 201, body: { plan: 'p2' } })
    expect(await comes('edge-01', {})).toEqual({ status: 204, plan: null }) // another version of the program
    expect(await comes('edge-01')).toEqual({ status: 204, plan: 'p1' })
    const path = 'gateways/edge-01/configuration/plans/p1'
    expect((await peer.ask(path, { key: keys.get('edge-01') })).body).toEqual({ plan: 'p1', text: TEXT })
    expect((await answer('edge-01', 'p1')).status).toBe(204)
    expect((await answer('edge-01', 'p1')).status).toBe(404)
    expect((await comes('edge-01')).plan).toBe('p2')
    expect(await peer.ask('gateways/edge-01/plans/p1', { key: write })).toMatchObject({
      status: 200,
      body: { state: 'planned', summary: 'nothing changes', by: 'key:north-write' },
    })
    const audit = await peer.ask<{ items: object[] }>('audit?action=configuration.plan', {
      key: await peer.keyFor(admin, 'north', ['admin']),
    })
    expect(audit.body.items).toMatchObject([{ after: { plan: 'p2' } }, { after: { plan: 'p1' } }])
  })

  it('goes with an offer of the same text only, which then holds for what the gateway had', async () => {
    expect(await offer({ text: 'version: 1\n# other\n', plan: 'p1' })).toMatchObject(REFUSED)
    expect(await offer({ text: 'version: 1\n', plan: 'p2' })).toMatchObject(REFUSED) // not told yet
    expect((await offer({ text: TEXT, plan: 'p9' })).status).toBe(404)
    expect((await offer({ text: TEXT, plan: 'p1' })).status).toBe(201)
    const offered = await peer.ask('gateways/edge-01/configuration', { key: keys.get('edge-01') })
    expect(offered.body).toEqual({ revision: 'r1', text: TEXT, comment: null, base: '"abc"' })
    expect((await offer({ text: TEXT })).status).toBe(201)
    const plain = await peer.ask('gateways/edge-01/configuration', { key: keys.get('edge-01') })
    expect(plain.body).toMatchObject({ revision: 'r2', base: null })
  })

  it('is not asked of a gateway that takes nothing from here, or is too old: it is told at once', async () => {
    expect((await peer.ask('gateways/edge-02', { key: read })).body).toMatchObject({ asked: null })
    expect(await ask('edge-02')).toMatchObject({
      ...REFUSED,
      body: { detail: expect.stringContaining('accept: true') as string },
    })
    await comes('edge-03', {})
    expect((await peer.ask('gateways/edge-03', { key: read })).body).toMatchObject({ asked: { canPlan: false } })
    expect(await ask('edge-03')).toMatchObject({
      ...REFUSED,
      body: { detail: expect.stringContaining('version 0.1.0') as string },
    })
    expect((await ask('edge-09')).status).toBe(404)
  })

  it('is not asked of a gateway that is silent', async () => {
    await comes('edge-02')
    const database = await openDatabase({ url: peer.postgres.url, folder: '', clock: systemClock, log: silentLogger })
    await database.query(`UPDATE central.gateway SET seen_at = seen_at - interval '3 minutes' WHERE id = 'edge-02'`)
    await database.close()
    expect(await ask('edge-02')).toMatchObject({
      ...REFUSED,
      body: { detail: expect.stringContaining('silent') as string },
    })
  })

  it('is for engineers of the tenant, and answered by the gateway itself', async () => {
    const south = await peer.keyFor(admin, 'south', ['write', 'ingest'])
    expect((await ask('edge-01', TEXT, read)).status).toBe(403)
    expect((await peer.ask('gateways/edge-01/plans/p1', { key: read })).status).toBe(403)
    expect((await ask('edge-01', TEXT, south)).status).toBe(404)
    expect((await peer.ask('gateways/edge-01/plans/p1', { key: south })).status).toBe(404)
    expect((await answer('edge-01', 'p2', ANSWER, south)).status).toBe(404)
    expect((await answer('edge-01', 'p2', ANSWER, keys.get('edge-02'))).status).toBe(403)
    const path = 'gateways/edge-01/configuration/plans/p2'
    expect((await peer.ask(path, { key: keys.get('edge-02') })).status).toBe(403)
    for (const nonsense of [{}, { ...ANSWER, lines: 'x' }, { ...ANSWER, reason: 5 }])
      expect((await answer('edge-01', 'p2', nonsense)).status).toBe(400)
    for (const name of ['r1', 'p', 'p99999999999', '..'])
      expect((await peer.ask(`gateways/edge-01/plans/${encodeURIComponent(name)}`, { key: write })).status).toBe(404)
  })

  it('keeps the last ten, and goes with the gateway when it is forgotten', async () => {
    await comes('edge-01')
    for (let n = 3; n <= 13; n++) expect((await ask('edge-01')).body).toMatchObject({ plan: `p${n}` })
    expect((await peer.ask('gateways/edge-01/plans/p3', { key: write })).status).toBe(404)
    expect((await peer.ask('gateways/edge-01/plans/p4', { key: write })).status).toBe(200)
    expect((await peer.ask('gateways/edge-01', { method: 'DELETE', key: write })).status).toBe(204)
    expect((await peer.ask('gateways/edge-01/plans/p4', { key: write })).status).toBe(404)
  })
})

describe('A plan on the wire', () => {
  const question = { plan: 'p1', text: TEXT, by: 'shift-lead', askedAt: 1000, answeredAt: null, answer: null }

  it('is overdue when no gateway has come for an hour', () => {
    expect(planQuestionShape(question, 1000 + PLAN_WAITS_MS - 1).state).toBe('waiting')
    expect(planQuestionShape(question, 1000 + PLAN_WAITS_MS).state).toBe('overdue')
  })

  it('is shortened to what is kept, and says what is left out', () => {
    const lines = Array.from({ length: 700 }, (_, n) => `+ device d${n} ${'x'.repeat(2000)}`)
    const problems = [{ line: 3, message: 'm'.repeat(5000), evil: { deep: true } }]
    const kept = planAnswerOf({ ...ANSWER, lines, problems })
    expect(Buffer.byteLength(JSON.stringify(kept.lines))).toBeLessThan(257 * 1024)
    expect(kept.lines.at(-1)).toBe(`… and ${700 - (kept.lines.length - 1)} more`)
    expect(kept.lines[0]).toHaveLength(1001)
    expect(kept.problems).toEqual([{ line: 3, message: 'm'.repeat(1000) }])
  })
})
