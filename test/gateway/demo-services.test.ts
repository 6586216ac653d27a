// The whole demo: what the gateway reads is at the brain and at central, and all of it ends together.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startDemo, type Demo } from './demo-process.ts'

const patient = { timeout: 120_000, interval: 500 }

let dataDir = ''
let demo: Demo | null = null

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-demo-'))
})
afterEach(async () => {
  if (demo?.process.exitCode === null && demo.process.signalCode === null) await demo.end('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

interface UplinkItem {
  readonly id: string
  readonly state: string
  readonly accepted: number
  readonly delivered: number
}

async function uplinksDeliver(running: Demo): Promise<void> {
  await vi.waitFor(async () => {
    const { items } = await running.get<{ items: UplinkItem[] }>('/uplinks')
    const delivering = items.filter(({ delivered, state }) => state === 'online' && delivered > 0)
    expect(delivering.map(({ id }) => id).toSorted()).toEqual(['brain', 'central', 'site'])
  }, patient)
}

/** Logs in as the person who runs the demo would: with what stands in the file that it named. */
async function logIn(central: string): Promise<string> {
  const [, name, password] = /^name: (\S+)\npassword: (\S+)\n$/.exec(
    readFileSync(join(dataDir, 'central-login.txt'), 'utf8'),
  )!
  const response = await fetch(`${central}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: central },
    body: JSON.stringify({ name, password }),
  })
  expect(response.status).toBe(200)
  return response.headers.getSetCookie()[0]!.split(';')[0]!
}

it('forwards to the brain and to central, also after it was started again', { timeout: 300_000 }, async () => {
  demo = await startDemo({ dataDir, services: true, more: ['--no-faults'] })
  await uplinksDeliver(demo)
  // Nobody forwards to what does not serve yet: both uplinks came later, and with what was read before.
  const { text } = await demo.get<{ text: string }>('/config/revisions/1')
  expect(text).toContain('{ id: site,')
  expect(text).not.toMatch(/id: (brain|central),/)
  const { items } = await demo.get<{ items: UplinkItem[] }>('/uplinks')
  expect(new Set(items.map(({ accepted }) => accepted)).size).toBe(1)
  const cookie = await logIn(demo.central!)
  const at = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${demo!.central}/api/v1${path}`, { headers: { cookie } })
    expect([path, response.status]).toEqual([path, 200])
    return (await response.json()) as T
  }
  const here = await demo.get<{ items: { id: string; unit: string }[] }>('/sensors?limit=1000')
  await vi.waitFor(async () => {
    const there = await at<{ items: { id: string; unit: string }[] }>('/sensors?limit=1000')
    const known = there.items.map(({ id, unit }) => `${id} ${unit}`)
    expect(known).toEqual(expect.arrayContaining(here.items.map(({ id, unit }) => `${id} ${unit}`)))
    const energy = await at<{ value: string; quality: string }>('/sensors/meter.energy/latest')
    expect(energy).toMatchObject({ quality: 'good', value: expect.stringMatching(/^90071992\d{8}$/) as string })
    // Central asks the brain beside it.
    const scored = await at<{ items: unknown[] }>(
      '/sensors/meter.energy/anomalies?from=-1m&method=robust-zscore&scores=true',
    )
    expect(scored.items.length).toBeGreaterThan(5)
  }, patient)
  expect(await demo.end('SIGINT')).toEqual({ code: 0, signal: null })

  demo = await startDemo({ dataDir, services: true, more: ['--no-faults'] })
  await uplinksDeliver(demo)
  const { central } = demo
  await demo.end('SIGKILL')
  await vi.waitFor(() => expect(fetch(`${central}/healthz`)).rejects.toThrow(), patient) // nobody is left behind
})
