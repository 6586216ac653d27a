// GET /sensors/{id}/export on a whole gateway.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { startTestGateway } from './start-gateway.ts'

const COUNT = 20_000
const START = Date.parse('2026-01-01T00:00:00.000Z')
let folder: string
let gateway: Gateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-export-'))
  gateway = await startTestGateway(
    folder,
    'devices:\n  - { id: apps, driver: http, sensors: [ { id: jobs, field: jobs, unit: "1/min" }, { id: name, field: name, type: string } ] }\n',
  )
  const readings = Array.from({ length: COUNT }, (_, index) => ({
    sensor: 'jobs',
    value: index / 8,
    time: new Date(START + index * 1000).toISOString(),
  }))
  for (let from = 0; from < COUNT; from += 5000) await ingest(readings.slice(from, from + 5000))
  await ingest([{ sensor: 'name', value: 'a, "b"', time: new Date(START).toISOString() }])
})
afterAll(async () => {
  await gateway.stop({ deadlineMs: 5000 })
  rmSync(folder, { recursive: true })
})

async function ingest(readings: readonly object[]): Promise<void> {
  const response = await fetch(`${gateway.url}/api/v1/ingest/apps`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ readings }),
  })
  if (response.status !== 202) throw new Error(await response.text())
}

const RANGE = `from=${START}&to=${START + COUNT * 1000}`
const file = (sensor: string, query: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.url}/api/v1/sensors/${sensor}/export?${query}`, init)

describe('an export by the API', () => {
  it('holds every reading to the bit, as a file with a name', async () => {
    const response = await file('apps.jobs', RANGE)
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="apps.jobs.csv"')
    const lines = (await response.text()).trimEnd().split('\r\n')
    expect(lines[0]).toBe('time,sensor,value,quality,status,unit')
    expect(lines).toHaveLength(COUNT + 1)
    expect(lines.at(-1)).toBe(`2026-01-01T05:33:19.000Z,apps.jobs,${(COUNT - 1) / 8},good,Good,1/min`)
  })

  it('is cut to its range, gives buckets, and other formats', async () => {
    const hour = await file('apps.jobs', `from=${START}&to=${START + 3_600_000}&every=1m`)
    const lines = (await hour.text()).trimEnd().split('\r\n')
    expect([lines.length, lines[0]]).toEqual([61, 'time,sensor,count,min,max,mean,last,unit'])
    const jsonl = await file('apps.name', `${RANGE}&format=jsonl`)
    expect(JSON.parse(await jsonl.text())).toMatchObject({ sensor: 'apps.name', value: 'a, "b"' })
    const parquet = await (await file('apps.jobs', `${RANGE}&format=parquet`)).arrayBuffer()
    expect(Buffer.from(parquet).subarray(0, 4).toString()).toBe('PAR1')
  })

  it('answers with a problem before it begins: no sensor, texts in buckets, a range that ends before it begins', async () => {
    expect((await file('apps.nope', RANGE)).status).toBe(404)
    expect((await file('apps.name', `${RANGE}&every=1m`)).status).toBe(400)
    expect((await file('apps.jobs', 'from=now&to=-1h')).status).toBe(400)
    const empty = await file('apps.jobs', 'from=0&to=1000')
    expect([empty.status, (await empty.text()).trim()]).toEqual([200, 'time,sensor,value,quality,status,unit'])
  })

  it('is one of two at most, and ends when its reader goes', async () => {
    const readers = [new AbortController(), new AbortController()]
    // Not read: the file waits in the pipe.
    const open = await Promise.all(readers.map(({ signal }) => file('apps.jobs', RANGE, { signal })))
    expect(open.map(({ status }) => status)).toEqual([200, 200])
    const third = await file('apps.jobs', RANGE)
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '1'])
    for (const reader of readers) reader.abort()
    await expect
      .poll(async () => {
        const again = await file('apps.jobs', RANGE)
        await again.text()
        return again.status
      }, EVENTUALLY)
      .toBe(200)
  })
})
