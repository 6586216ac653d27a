// accept: any on a whole gateway: what programs begin to send becomes sensors, up to a maximum and over restarts.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { call, type Answer } from '#test/api/fixture.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { startTestGateway } from '#test/gateway/start-gateway.ts'

const YAML = `devices:
  - { id: scripts, driver: http, machine: Scripts, accept: any, maxSensors: 5, sensors: [ { id: named, unit: kg } ] }
  - { id: fixed, driver: http }
`
let folder = ''
let gateway: Gateway | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-appear-'))
})
afterEach(async () => {
  await gateway?.stop({ deadlineMs: 5000 })
  rmSync(folder, { recursive: true, force: true })
})

async function start(yaml = YAML): Promise<void> {
  await gateway?.stop({ deadlineMs: 5000 })
  gateway = await startTestGateway(folder, yaml)
}

const post = (readings: unknown, device = 'scripts'): Promise<Answer> =>
  call(gateway!.url, `/api/v1/ingest/${device}`, { method: 'POST', body: { readings } })

async function sensors(): Promise<Record<string, string>> {
  const { json } = await call(gateway!.url, '/api/v1/sensors?limit=1000')
  return Object.fromEntries(json.items.map(({ id, type }: { id: string; type: string }) => [id, type]))
}

async function values(sensor: string): Promise<unknown[]> {
  const path = `/api/v1/sensors/scripts.${sensor}/readings?from=2020-01-01T00:00:00Z`
  return (await call(gateway!.url, path)).json.items.map(({ value }: { value: unknown }) => value)
}

describe('a device that takes any sensor', { timeout: 120_000 }, () => {
  it('makes sensors of what is sent, by their first values, durable with the answer and over a restart', async () => {
    await start()
    const readings = [
      { sensor: 'jobs', value: 41 },
      { sensor: 'state', value: 'running' },
      { sensor: 'jobs', value: 42 },
      { sensor: 'busy', value: true },
      { sensor: 'named', value: 7 },
    ]
    expect(await post(readings)).toMatchObject({ status: 202, json: { accepted: { readings: 5 } } })
    const known = {
      'scripts.named': 'number',
      'scripts.jobs': 'number',
      'scripts.state': 'string',
      'scripts.busy': 'boolean',
    }
    expect(await sensors()).toEqual(known)
    expect(await values('jobs')).toEqual([41, 42])
    expect(await values('state')).toEqual(['running'])
    await start()
    expect(await sensors()).toEqual(known)
    await vi.waitFor(async () => expect((await post([{ sensor: 'jobs', value: 43 }])).status).toBe(202), EVENTUALLY)
    expect(await values('jobs')).toEqual([41, 42, 43])
  })

  it('refuses as a whole what would be too many, has no proper name, or does not tell what it is', async () => {
    await start()
    expect((await post([{ sensor: 'one', value: 1 }])).status).toBe(202)
    const bad = await post([
      { sensor: 'two', value: 1 },
      { sensor: 'Three', value: 1 },
      { sensor: '__proto__', value: 1 },
      { sensor: 'a.b', value: 1 },
      { sensor: 'x'.repeat(101), value: 1 },
      { sensor: 'unclear', value: null },
      { sensor: 'two', value: 'text' },
      { sensor: 'one', value: true },
    ])
    expect(bad.status).toBe(400)
    expect(bad.json.errors.map(({ path }: { path: string }) => path)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((index) => `body.readings[${index}]`),
    )
    const many = await post(['a', 'b', 'c', 'd', 'e'].map((sensor) => ({ sensor, value: 1 })))
    expect(many).toMatchObject({ status: 400 })
    expect(many.json.detail).toMatch(/"d" is one too many: scripts has at most 5 sensors \(maxSensors\)/)
    expect(Object.keys(await sensors()).toSorted()).toEqual(['scripts.named', 'scripts.one'])
    expect((await post([{ sensor: 'x', value: 1 }], 'fixed')).json.errors[0].message).toMatch(/unknown to fixed/)
  })

  it('begins without any sensor', async () => {
    await start('devices: [ { id: scripts, driver: http, accept: any } ]\n')
    expect((await post([{ sensor: 'jobs', value: 1 }])).status).toBe(202)
    expect(await sensors()).toEqual({ 'scripts.jobs': 'number' })
  })

  it('keeps the maximum and one type each when many programs begin at once', async () => {
    await start()
    const batches = Array.from({ length: 12 }, (_, n) => [
      { sensor: `s${n % 6}`, value: n < 6 ? n : String(n) },
      { sensor: `s${(n + 1) % 6}`, value: n < 6 ? n : String(n) },
    ])
    const answers = await Promise.all(batches.map((batch) => post(batch)))
    const statuses = new Set(answers.map(({ status }) => status))
    for (const status of statuses) expect([202, 400, 409, 422]).toContain(status)
    expect(statuses).toContain(202)
    const present = Object.keys(await sensors())
    expect(present.length).toBeLessThanOrEqual(5)
    let kept = 0
    for (const id of present.filter((name) => name !== 'scripts.named')) kept += (await values(id.slice(8))).length
    expect(kept).toBe(2 * answers.filter(({ status }) => status === 202).length)
  })

  it('gives a sensor up to the configuration that names it, with its history', async () => {
    await start()
    expect((await post([{ sensor: 'jobs', value: 1 }])).status).toBe(202)
    await start(YAML.replace('{ id: named, unit: kg }', '{ id: jobs, unit: pcs }'))
    expect((await call(gateway!.url, '/api/v1/sensors/scripts.jobs')).json).toMatchObject({ unit: 'pcs' })
    expect(await values('jobs')).toEqual([1])
    await start(YAML.replace(' accept: any, maxSensors: 5,', ''))
    expect(Object.keys(await sensors())).toEqual(['scripts.named'])
  })

  it('starts without its file of sensors when that is damaged, and sets it aside', async () => {
    await start()
    expect((await post([{ sensor: 'jobs', value: 1 }])).status).toBe(202)
    const file = join(folder, 'data', 'appeared-sensors.json')
    await gateway!.stop({ deadlineMs: 5000 })
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40))
    await start()
    expect(existsSync(`${file}.corrupt`)).toBe(true)
    expect(Object.keys(await sensors())).toEqual(['scripts.named'])
    await vi.waitFor(async () => expect((await post([{ sensor: 'jobs', value: 2 }])).status).toBe(202), EVENTUALLY)
    expect(await values('jobs')).toEqual([1, 2])
  })
})
