// POST /ingest/{device} on a whole gateway: what is answered with 202 is in the history, and nothing is half-accepted.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseBody } from '#api/ingest-body.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { createCollector } from '../../../src/collect/collect.mjs'
import { call, type Answer } from '#test/api/fixture.ts'
import { EVENTUALLY } from '#test/eventually.ts'

const YAML = `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, auth: none }
buffer: { capacity: 1024 }
devices:
  - id: apps
    driver: http
    sensors:
      - { id: jobs, field: Jobs done }
      - { id: total, type: uint64 }
      - { id: state, type: string }
      - { id: ok, type: bool }
`
const SOME_TIME = Date.now() - 3_600_000

let gateway: Gateway
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-ingest-'))
  const catalogue = createCatalogue({ clock: systemClock })
  const parsed = parseGatewayConfig(YAML, { file: join(folder, 'gateway.yaml'), catalogue, env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const options = { config: parsed.config, catalogue, clock: systemClock, log: silentLogger, random: seededRandom(1) }
  gateway = await startGateway(options)
  await vi.waitFor(async () => expect((await post({})).status).toBe(202), EVENTUALLY)
})
afterAll(async () => {
  await gateway.stop({ deadlineMs: 2000 })
  rmSync(folder, { recursive: true, force: true })
})

const post = (body: unknown, headers: Record<string, string> = {}, device = 'apps'): Promise<Answer> =>
  call(gateway.url, `/api/v1/ingest/${device}`, { method: 'POST', body, headers })

async function history(sensor: string): Promise<{ value: unknown; time: string }[]> {
  const path = `/api/v1/sensors/apps.${sensor}/readings?from=2020-01-01T00:00:00Z&limit=5000`
  const items: { value: unknown; time: string }[] = []
  for (let next: string | null = ''; next !== null;) {
    const { json } = await call(gateway.url, next === '' ? path : `${path}&cursor=${encodeURIComponent(next)}`)
    items.push(...json.items)
    next = json.next
  }
  return items
}

describe('handing in readings and events', () => {
  it('answers 202 when they are in the history, of every type and form', async () => {
    const time = new Date(SOME_TIME).toISOString()
    const object = await post({
      readings: [
        { sensor: 'Jobs done', value: 41.5, time },
        { sensor: 'total', value: '18446744073709551615', time: SOME_TIME },
        { sensor: 'state', value: 'läuft' },
        { sensor: 'ok', value: true },
      ],
      events: [{ severity: 'warning', message: 'Paper is low', data: { tray: 2 } }],
    })
    expect(object).toMatchObject({ status: 202, json: { accepted: { readings: 4, events: 1 } } })
    expect(await history('jobs')).toMatchObject([{ value: 41.5, time }])
    expect(await history('total')).toMatchObject([{ value: '18446744073709551615', time }])
    expect((await history('state')).at(-1)).toMatchObject({ value: 'läuft' })
    expect((await history('ok')).at(-1)).toMatchObject({ value: true })

    const list = [{ sensor: 'Jobs done', value: 42, time: SOME_TIME + 1 }, { message: 'Done' }]
    expect(await post(list)).toMatchObject({ status: 202, json: { accepted: { readings: 1, events: 1 } } })
    const lines = `{"sensor":"Jobs done","value":43,"time":${SOME_TIME + 2}}\n\n{"severity":"error","message":"Jam"}\r\n`
    expect(await post(lines, { 'content-type': 'application/x-ndjson' })).toMatchObject({ status: 202 })
    expect((await history('jobs')).map(({ value }) => value)).toEqual([41.5, 42, 43])
  })

  it('takes one reading or event alone, sensors by their full id, and further fields of an event as its data', async () => {
    const alone = { sensor: 'apps.state', value: 'paused', time: SOME_TIME - 1000 }
    expect(await post(alone)).toMatchObject({ status: 202, json: { accepted: { readings: 1, events: 0 } } })
    expect((await history('state'))[0]).toMatchObject({ value: 'paused' })
    const event = { severity: 'error', message: 'Jam in tray 2', tray: 2, data: { sheets: 3 } }
    expect(await post(event)).toMatchObject({ status: 202, json: { accepted: { readings: 0, events: 1 } } })
    const [parsed] = parseBody(event, Date.now()).batch.events
    expect(parsed).toMatchObject({ severity: 'error', message: 'Jam in tray 2', data: { tray: 2, sheets: 3 } })
  })

  it('refuses all when one thing is wrong, and tells everything that is', async () => {
    const before = (await history('jobs')).length
    const answer = await post({
      readings: [
        { sensor: 'Jobs done', value: 1 },
        { sensor: 'nothing', value: 1 },
        { sensor: 'neither', value: 1 },
        { sensor: 'total', value: -1 },
        { sensor: 'Jobs done', value: 'many' },
        { sensor: 'Jobs done', value: 1, time: 'yesterday' },
        { sensor: 'Jobs done', value: 1, tiem: 1 },
      ],
      events: [{ severity: 'fatal', message: 'x' }, { severity: 'info' }],
      more: 1,
    })
    expect(answer.status).toBe(400)
    expect(answer.json.errors.map(({ path }: { path: string }) => path).sort()).toEqual(
      [
        'body.events[0].severity',
        'body.events[1].message',
        'body.more',
        'body.readings[1]',
        'body.readings[2]',
        'body.readings[3]',
        'body.readings[4]',
        'body.readings[5].time',
        'body.readings[6].tiem',
      ].sort(),
    )
    expect(await history('jobs')).toHaveLength(before)
  })

  it('takes a request with one Idempotency-Key once', async () => {
    const body = { readings: [{ sensor: 'Jobs done', value: 1000, time: SOME_TIME + 10 }] }
    const headers = { 'idempotency-key': 'one' }
    const answers = await Promise.all([post(body, headers), post(body, headers)])
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    expect((await history('jobs')).filter(({ value }) => value === 1000)).toHaveLength(1)
    expect(await post({ readings: [] }, headers)).toMatchObject({ status: 409, json: { code: 'CONFLICT' } })
  })

  it('knows its devices, and what it cannot take', async () => {
    expect(await post({}, {}, 'nobody')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
    expect(await post('<x/>', { 'content-type': 'application/xml' })).toMatchObject({ status: 415 })
    expect(await post('{"readings":[', { 'content-type': 'application/json' })).toMatchObject({ status: 400 })
    expect(await post('nonsense', { 'content-type': 'application/x-ndjson' })).toMatchObject({ status: 400 })
    const many = Array.from({ length: 600 }, () => ({ sensor: 'Jobs done', value: 1 }))
    expect(await post(many)).toMatchObject({ status: 422, json: { code: 'OUT_OF_RANGE' } }) // more than the buffer holds
  })

  it('takes what the client for programs collects', async () => {
    const collect = createCollector({ url: gateway.url, device: 'apps', intervalMs: 60_000 })
    collect({ metric: { sensor: 'state', value: 'collected' } })
    collect({ event: { severity: 'error', message: 'Jam' } })
    expect(await collect.flush()).toBe(true)
    expect((await history('state')).at(-1)).toMatchObject({ value: 'collected' })
    await collect.close()
  })

  it('answers 202 or 429 to a crowd, and has exactly what it accepted', async () => {
    const batches = Array.from({ length: 40 }, (_, batch) =>
      Array.from({ length: 200 }, (_unused, index) => ({
        sensor: 'total',
        value: 1_000_000 + batch * 200 + index,
        time: SOME_TIME + 1000 + batch * 200 + index,
      })),
    )
    const answers = await Promise.all(batches.map((batch) => post(batch)))
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].filter((status) => status !== 202 && status !== 429)).toEqual([])
    expect(statuses).toContain(202)
    expect(statuses).toContain(429)
    expect(answers.find(({ status }) => status === 429)!.headers['retry-after']).toBe('1')
    const accepted = batches.filter((_batch, index) => answers[index]!.status === 202).flat()
    const kept = (await history('total'))
      .map(({ value }) => Number(value))
      .filter((value) => value >= 1_000_000 && value < 2_000_000)
    expect(new Set(kept)).toEqual(new Set(accepted.map(({ value }) => value)))
  })
})

describe('the parser of a body', () => {
  it('never throws, and takes nothing or tells what is wrong', () => {
    const now = Date.now()
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string(), fc.array(fc.jsonValue())), (body) => {
        const { batch, errors, places } = parseBody(body, now)
        expect(places).toHaveLength(batch.readings.length)
        expect(errors.length).toBeLessThanOrEqual(100)
      }),
    )
  })
})
