// A brain and a central that have every kind of metric: PostgreSQL, Redis and NATS behind them, batches and calls that were taken and
// some that were refused.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { startBrain, type Brain } from '#brain/brain.ts'
import { brainServices } from '#brain/services.ts'
import { startCentral, type Central } from '#central/central.ts'
import type { BrainConfig } from '#config/brain-config.ts'
import { defaultBrainConfig } from '#config/brain-load.ts'
import { parseCentralConfig } from '#config/central-load.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import { RulesClient } from '#test/brain/brain-bed.ts'
import { hasNats, startNats } from '#test/sim/nats.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { hasRedis, startRedis } from '#test/sim/redis.ts'

export const hasBacking = hasPostgres && hasRedis && hasNats

/** Labels of the drift of a model: none is in use here. */
export const DRIFT_LABELS = ['tenant', 'model', 'sensor']

export interface WatchedServices {
  /** Addresses of their /metrics, by Prometheus' name of the job. */
  readonly targets: Readonly<Record<'telemetryx-brain' | 'telemetryx-central', string>>
  brain(): Promise<string>
  central(): Promise<string>
  stop(): Promise<void>
}

const TOKEN = 'engineer-token-of-plant-a'
const EVENTUALLY = { timeout: 60_000, interval: 100 }

export async function startWatchedServices(): Promise<WatchedServices> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-watched-services-'))
  const ended: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of ended.toReversed()) await end()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [postgres, redis, nats] = await Promise.all([startPostgres(), startRedis(), startNats()])
    ended.push(() => Promise.all([postgres.stop(), redis.stop(), nats.stop()]))
    postgres.psql('CREATE DATABASE brain')
    const databaseUrl = postgres.url.replace(/\/postgres$/, '/brain')
    const brain = await runBrain({ ...defaultBrainConfig(folder), databaseUrl, redisUrl: redis.url })
    ended.push(() => brain.stop({ deadlineMs: 5000 }))
    const brainUrl = `http://127.0.0.1:${brain.ports.http}`
    const central = await runCentral(
      `version: 1\ndata: ${folder}\ndatabaseUrl: ${postgres.url}\nredisUrl: ${redis.url}\nnats: { urls: ['${nats.url}'] }\nhttp: { port: 0 }\nbrain: { url: '127.0.0.1:${brain.ports.grpc}', token: ${TOKEN} }\n`,
    )
    ended.push(() => central.stop({ deadlineMs: 5000 }))
    await useBrain(brain.ports.grpc, () => page(`${brainUrl}/metrics`))
    await useCentral(central)
    return {
      targets: { 'telemetryx-brain': new URL(brainUrl).host, 'telemetryx-central': new URL(central.url).host },
      brain: () => page(`${brainUrl}/metrics`),
      central: () => page(`${central.url}/metrics`),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function page(url: string): Promise<string> {
  return (await fetch(url)).text()
}

function runBrain(defaults: BrainConfig): Promise<Brain> {
  const here = { host: '127.0.0.1', port: 0 }
  const tokens = [{ name: 'engineer', token: TOKEN, tenant: 'plant-a', role: 'engineer', gateways: [] }] as const
  const config: BrainConfig = { ...defaults, listen: here, http: here, tokens }
  const common = { clock: systemClock, log: silentLogger, version: '0.0.0', random: Math.random }
  return startBrain({ config, services: brainServices(config), ...common })
}

async function runCentral(yaml: string): Promise<Central> {
  const loaded = parseCentralConfig(yaml, 'central.yaml', {})
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const signal = new AbortController().signal
  const common = { clock: systemClock, log: silentLogger, version: '0.0.0', random: Math.random, signal }
  return startCentral({ config: loaded.config, ...common })
}

/** A rule that speaks and has a webhook to where webhooks may not go, and a call of somebody unknown. */
async function useBrain(port: number, metrics: () => Promise<string>): Promise<void> {
  const address = rpcAddress(`127.0.0.1:${port}`, false)
  const client = (token: string | null): RpcClient =>
    new RpcClient({ address, tls: null, token, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
  const [known, unknown] = [client(TOKEN), client(null)]
  const rules = new RulesClient(known)
  const actions = [{ kind: { case: 'webhook' as const, value: { url: 'http://127.0.0.1:1/' } } }]
  const condition = '{">":[{"var":"value"},80]}'
  await rules.create({ id: 'hot', name: 'Too hot', enabled: true, severity: 3, condition, actions })
  const value = { sensor: 'press-1.oil', gateway: 'edge-01', value: { kind: { case: 'number' as const, value: 99 } } }
  await rules.evaluate({ records: [{ kind: { case: 'reading', value } }] })
  await expect(new RulesClient(unknown).list()).rejects.toThrow('UNAUTHENTICATED')
  await vi.waitFor(async () => {
    expect(await metrics()).toMatch(/^telemetryx_brain_actions_total\{.*\} [1-9]/m)
  }, EVENTUALLY)
  for (const one of [known, unknown]) one.close()
}

/** A batch that is taken, and one that makes no sense. */
async function useCentral(central: Central): Promise<void> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${central.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const token = new URL(central.setupUrl!).hash.replace('#token=', '')
  const tenant = { id: 'north', name: 'North' }
  const setUp = await post('setup', { token, name: 'ada', password: 'a long password', tenant })
  expect(setUp.status).toBe(201)
  const cookie = (setUp.headers.get('set-cookie') ?? '').split(';')[0]!
  const made = await post('tenants/north/keys', { name: 'gateways', scopes: ['ingest'] }, { cookie })
  const { key } = (await made.json()) as { key: string }
  const authorization = `Bearer ${key}`
  const readings = [{ sensor: 'press.oil', value: 41.5 }]
  expect((await post('ingest/apps', { readings }, { authorization })).status).toBe(202)
  const batch = { epoch: 1, lastSeq: '1', blocks: [{ firstSeq: '1', sensors: [7, 7] }] }
  expect((await post('ingest', { gateway: 'edge-01', batch }, { authorization })).status).toBe(400)
}
