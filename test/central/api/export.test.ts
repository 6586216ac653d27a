// Stored readings of central as a file: every one of them over many pages, bounded, of the own tenant, and noted in the audit log.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExportTurns } from '#central/api/export-turns.ts'
import { csvLines, jsonLines } from '#central/storage/export-lines.ts'
import { Status, type StatusCode } from '#domain/quality.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer } from './central-peer.ts'

/** More than two pages of 10,000. */
const READINGS = 24_000
/** A whole minute, eight hours ago. */
const START = Math.floor((Date.now() - 8 * 3_600_000) / 60_000) * 60_000
const RANGE = `from=${START}&to=${START + READINGS * 1000}`

describe.skipIf(!hasPostgres)('an export (needs postgresql)', () => {
  let peer: CentralPeer
  let admin: string
  let key: string

  beforeAll(async () => {
    peer = await CentralPeer.start()
    admin = await peer.setUp()
    key = await peer.keyFor(admin, 'north', ['read', 'ingest'])
    for (let from = 0; from < READINGS; from += 8000) {
      const readings = Array.from({ length: 8000 }, (_, n) => from + n).map((n) => {
        return { sensor: 'jobs', value: n / 10, time: START + n * 1000 }
      })
      expect((await peer.ask('ingest/apps', { key, body: { readings } })).status).toBe(202)
    }
  }, 90_000)
  afterAll(async () => await peer?.stop())

  it('has every reading of the range, over many pages, in order', async () => {
    const { body, headers } = await peer.ask<string>(`sensors/apps.jobs/export?${RANGE}`, { key })
    expect(headers.get('content-disposition')).toBe('attachment; filename="apps.jobs.csv"')
    const lines = body.split('\r\n')
    expect(lines.pop()).toBe('')
    expect(lines.shift()).toBe('time,sensor,value,quality,status,unit')
    expect(lines.map((line) => Number(line.split(',')[2]))).toEqual(Array.from({ length: READINGS }, (_, n) => n / 10))
    expect(lines[1]).toBe(`${new Date(START + 1000).toISOString()},apps.jobs,0.1,good,Good,`)
    const minutes = await peer.ask<string>(`sensors/apps.jobs/export?${RANGE}&every=1m&format=jsonl`, { key })
    const first = JSON.parse(minutes.body.split('\n')[0]!) as object
    expect(first).toMatchObject({ sensor: 'apps.jobs', count: 60, min: 0, max: 5.9, last: 5.9 })
    expect(minutes.body.split('\n')).toHaveLength(READINGS / 60 + 1)
  })

  it('stands in the audit log with its range', async () => {
    const audit = await peer.ask<{ items: object[] }>('audit?action=readings.export', { cookie: admin })
    expect(audit.body.items.at(-1)).toMatchObject({
      who: 'key:north-read-ingest',
      target: 'apps.jobs',
      outcome: 'done',
      after: { format: 'csv', from: START, to: START + READINGS * 1000 },
    })
  })

  it('is of the own tenant, of a sensor that is there, and of a format that is known', async () => {
    const south = await peer.keyFor(admin, 'south', ['read'])
    const ask = async (path: string, who: { key?: string }) => (await peer.ask(path, who)).status
    expect(await ask(`sensors/apps.jobs/export?${RANGE}`, { key: south })).toBe(404)
    expect(await ask(`sensors/apps.none/export?${RANGE}`, { key })).toBe(404)
    expect(await ask(`sensors/apps.jobs/export?${RANGE}`, {})).toBe(401)
    for (const wrong of ['format=parquet', 'every=1ms', 'limit=5', 'from=never'])
      expect(await ask(`sensors/apps.jobs/export?${wrong}`, { key })).toBe(400)
  })
})

describe('Exports of a tenant', () => {
  it('are made two at once, whatever other tenants do', () => {
    const turns = new ExportTurns()
    const [end] = [turns.begin(1), turns.begin(1)]
    expect(() => turns.begin(1)).toThrow('Two exports')
    turns.begin(2)
    end!()
    end!() // once more changes nothing
    turns.begin(1)
    expect(() => turns.begin(1)).toThrow('Two exports')
  })
})

describe('A line of an export', () => {
  const sensor = { id: 'press-1.a', unit: 'kg, net' }
  const time = Date.UTC(2026, 0, 1)
  const reading = { time, receivedAt: time, status: Status.Good }
  const read = (value: number | bigint | boolean | string | null, status: StatusCode = Status.Good) => [
    { ...reading, value, status },
  ]

  it.each([
    ['minus zero', -0, '-0', '-0'],
    ['a sum', 0.1 + 0.2, '0.30000000000000004', '0.30000000000000004'],
    ['a word', true, 'true', 'true'],
    ['a long integer', 2n ** 63n, '9223372036854775808', '"9223372036854775808"'],
    ['empty text', '', '""', '""'],
    ['text with quotes', 'a "b", c', '"a ""b"", c"', '"a \\"b\\", c"'],
  ])('has %s to the letter', (_what, value, cell, json) => {
    expect(csvLines({ isBuckets: false }).readings(sensor, read(value))).toBe(
      `2026-01-01T00:00:00.000Z,press-1.a,${cell},good,Good,"kg, net"\r\n`,
    )
    expect(jsonLines().readings(sensor, read(value))).toBe(
      `{"time":"2026-01-01T00:00:00.000Z","sensor":"press-1.a","value":${json},"quality":"good","status":"Good","unit":"kg, net"}\n`,
    )
  })

  it('has no value when it is bad', () => {
    const bad = read(null, Status.BadCommunicationError)
    expect(csvLines({ isBuckets: false }).readings(sensor, bad)).toContain(',press-1.a,,bad,BadCommunicationError,')
    expect(JSON.parse(jsonLines().readings(sensor, bad))).toMatchObject({ value: null, quality: 'bad' })
  })
})
