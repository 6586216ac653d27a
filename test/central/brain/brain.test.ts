// Central with a brain behind it, which is a process of its own: asked about the readings that central keeps, by two tenants, killed, and started
// again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { METHODS } from '#central/brain/detector-query.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from '../api/central-peer.ts'
import { RoleProcess, steadyPort } from '../telemetry/role-process.ts'

/** What takes long is a machine with much else to do. */
vi.setConfig({ testTimeout: 120_000 })

const WAIT = { timeout: 60_000, interval: 100 }
const COUNT = 400
const SPIKE = 350
const TOKENS = { shared: 'token-of-central-itself', south: 'token-of-the-tenant-south' }

interface Scored {
  readonly time: string
  readonly value: number | null
  readonly score: number | null
  readonly anomaly: boolean
  readonly message: string | null
}
interface Page {
  readonly items: readonly Scored[]
  readonly next: string | null
}

describe.skipIf(!hasPostgres)('a brain behind central (needs postgresql)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-central-brain-'))
  const start = Date.now() - COUNT * 1000
  let central: CentralPeer
  let brain: RoleProcess
  let north: string
  let south: string

  const startBrain = (): Promise<RoleProcess> => RoleProcess.start('brain', join(folder, 'brain.yaml'))

  beforeAll(async () => {
    const port = await steadyPort()
    const yaml = `brain: { url: "127.0.0.1:${port}", token: "${TOKENS.shared}", timeout: 25s, tenants: [ { id: south, token: "${TOKENS.south}" } ] }`
    central = await CentralPeer.start({ yaml })
    const tokens =
      `tokens:\n  - { name: central, token: "${TOKENS.shared}", role: viewer }\n` +
      `  - { name: south, token: "${TOKENS.south}", tenant: south, role: viewer }\n`
    const brainYaml = `version: 1\ndata: ./brain\nlisten: { port: ${port} }\nhttp: { port: 0 }\ndatabaseUrl: "${central.postgres.url}"\n`
    writeFileSync(join(folder, 'brain.yaml'), brainYaml + tokens)
    brain = await startBrain()
    const admin = await central.setUp()
    ;[north, south] = [
      await central.keyFor(admin, 'north', ['read', 'ingest']),
      await central.keyFor(admin, 'south', ['read', 'ingest']),
    ]
    await hand(north, 'power', (n) => Math.sin(n / 5) + (n === SPIKE ? 40 : 0))
    await hand(south, 'power', (n) => Math.cos(n / 5))
    await hand(north, 'state', (n) => (n % 2 === 0 ? 'idle' : 'busy'))
    await vi.waitFor(async () => expect((await ask(north, 'power', 'method=zscore')).status).toBe(200), WAIT)
  }, 240_000)

  afterAll(async () => {
    await brain?.end('SIGKILL')
    await central?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function hand(key: string, sensor: string, value: (n: number) => number | string): Promise<void> {
    const readings = Array.from({ length: COUNT }, (_, n) => ({ sensor, value: value(n), time: start + n * 1000 }))
    expect(await central.ask('ingest/mes', { key, body: { readings } })).toMatchObject({ status: 202 })
  }

  const ask = (key: string, sensor: string, query: string) =>
    central.ask<Page>(`sensors/mes.${sensor}/anomalies?from=-1h&to=%2B1s&limit=1000&${query}`, { key })

  const callers = (): unknown[] =>
    brain.log
      .map((line) => JSON.parse(line) as { msg: string; method?: string; caller?: string })
      .filter(({ method }) => method?.endsWith('/DetectAnomalies'))
      .map(({ caller }) => caller)

  it.each(METHODS)('finds with %s what is unusual, and only says what it knows', async (method) => {
    const { body, status } = await ask(north, 'power', `method=${method}&scores=true`)
    expect(status).toBe(200)
    expect(body.items).toHaveLength(COUNT)
    expect(body.items.every(({ score }) => score === null || (score >= 0 && score <= 1))).toBe(true)
    const spike = body.items[SPIKE]!
    expect(spike).toMatchObject({ time: new Date(start + SPIKE * 1000).toISOString(), anomaly: true })
    expect(body.items.filter(({ score }) => (score ?? 0) > spike.score!).length).toBeLessThan(COUNT / 50)
    expect(spike.message).not.toBe('')
    const found = await ask(north, 'power', `method=${method}`)
    expect(found.body.items).toEqual(body.items.filter(({ anomaly }) => anomaly))
  })

  it('scores buckets, and pages what it found', async () => {
    const { body } = await ask(north, 'power', 'method=zscore&window=10&every=10s&scores=true')
    expect(body.items.length).toBeGreaterThanOrEqual(COUNT / 10)
    expect(body.items.length).toBeLessThanOrEqual(COUNT / 10 + 1)
    const path = `sensors/mes.power/anomalies?from=-1h&to=%2B1s&method=zscore&scores=true&limit=300`
    const page = await central.ask<Page>(path, { key: north })
    const rest = await central.ask<Page>(`${path}&cursor=${page.body.next}`, { key: north })
    expect([page.body.items.length, rest.body.items.length, rest.body.next]).toEqual([300, COUNT - 300, null])
    expect(rest.body.items[0]!.time).toBe(new Date(start + 300_000).toISOString())
  })

  it('asks for each tenant with its own token, about its own readings alone', async () => {
    const before = callers().length
    const mine = await ask(south, 'power', 'method=zscore&scores=true')
    expect(mine.body.items[SPIKE]!.value).toBeCloseTo(Math.cos(SPIKE / 5), 9)
    expect(mine.body.items.some(({ anomaly }) => anomaly)).toBe(false)
    // What another tenant has is not there, and nobody is asked about it.
    expect((await ask(south, 'state', 'method=zscore')).status).toBe(404)
    await ask(north, 'power', 'method=zscore')
    await vi.waitFor(() => expect(callers().slice(before)).toEqual(['south', 'central']), WAIT)
  })

  it('says what is wrong with a question by its own names', async () => {
    const problem = async (query: string, sensor = 'power') => {
      const { body, status } = await central.ask<{ detail: string; errors: { path: string }[] }>(
        `sensors/mes.${sensor}/anomalies?from=-1h&${query}`,
        { key: north },
      )
      expect(status).toBe(400)
      return body
    }
    expect((await problem('method=zscore&window=1')).errors).toMatchObject([{ path: 'query.window' }])
    expect((await problem('method=ewma&alpha=0.9')).errors).toMatchObject([{ path: 'query.alpha' }])
    expect((await problem('method=zscore&trees=5')).detail).toContain('does not go with the method zscore')
    expect((await problem('window=5')).detail).toContain('needs a method')
    expect((await problem('method=guess')).errors).toMatchObject([{ path: 'query.method' }])
    expect((await problem('method=zscore', 'state')).detail).toContain('its values are text')
  })

  it('answers without a method what the gateways found, and nothing for a range without readings', async () => {
    expect((await ask(north, 'power', '')).body).toEqual({ items: [], next: null })
    const { body } = await central.ask('sensors/mes.power/anomalies?from=-3h&to=-2h&method=arima', { key: north })
    expect(body).toEqual({ items: [], next: null })
  })

  it('is away and comes back, and everything else goes on', { timeout: 240_000 }, async () => {
    const away = async (): Promise<void> => {
      const { body, headers, status } = await ask(north, 'power', 'method=zscore')
      expect([status, (body as unknown as { code: string }).code]).toEqual([503, 'UNAVAILABLE'])
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    }
    const reasons = async () => (await central.ask<{ reasons: { code: string }[] }>('/readyz')).body.reasons
    const metric = async (name: string): Promise<number> => {
      const { body } = await central.ask<string>('/metrics')
      return Number(new RegExp(`^telemetryx_central_brain_${name} (.*)$`, 'm').exec(body)![1])
    }
    const isBack = () =>
      vi.waitFor(async () => {
        expect((await ask(north, 'power', 'method=zscore')).status).toBe(200)
        expect(await reasons()).toEqual([])
        expect([await metric('up'), await metric('breaker')]).toEqual([1, 0])
      }, WAIT)

    await brain.end('SIGKILL')
    await away()
    await vi.waitFor(async () => {
      await away()
      expect(await metric('breaker')).toBe(2)
    }, WAIT)
    expect(await reasons()).toMatchObject([{ code: 'brain-away', blocking: false }])
    expect((await central.ask('/readyz')).status).toBe(200)
    expect((await central.ask('sensors/mes.power/latest', { key: north })).status).toBe(200)
    await hand(north, 'other', (n) => n)
    brain = await startBrain()
    await isBack()
  })
})
