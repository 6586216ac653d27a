import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import fc from 'fast-check'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CsvWriter, cell } from '#brain/reports/csv-writer.ts'
import type { ExportSink, Row } from '#brain/reports/export-rows.ts'
import { bucketRows } from '#brain/reports/export-rows.ts'
import { ParquetRows } from '#brain/reports/parquet-writer.ts'
import { ExportFormat } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { at, refusalOf, seconds, startBed, type AnalyticsClient, type Bed } from '../analytics/bed.ts'

const START = Date.UTC(2026, 10, 1)
const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }

function collecting(): { sink: ExportSink; bytes: () => Buffer } {
  const pieces: Uint8Array[] = []
  return { sink: { write: async (piece) => void pieces.push(piece) }, bytes: () => Buffer.concat(pieces) }
}

function readParquet(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = new Uint8Array(bytes).buffer
  return parquetReadObjects({ file, compressors })
}

describe('Files of an export', () => {
  it('have every number as it was, in both forms', async () => {
    const row = fc.record({
      time: fc.integer({ min: 0, max: 4e12 }),
      gateway: fc.constantFrom('edge-01', 'edge-02'),
      sensor: fc.string({ minLength: 1, maxLength: 20 }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 50 }), async (rows) => {
        const parquet = collecting()
        const file = new ParquetRows(parquet.sink, 'readings')
        for (const each of rows) await file.row(each)
        await file.end()
        const back = await readParquet(parquet.bytes())
        const expected = rows.map(({ time, ...rest }) => ({ time: new Date(time), ...rest }))
        expect(back).toEqual(expected)
        back.forEach(({ value }, index) => expect(Object.is(value, rows[index]!.value)).toBe(true))
      }),
      { numRuns: 60 },
    )
  })

  it('quote what CSV would take apart, and defuse what a spreadsheet would run', () => {
    expect(['plain', 'a,b', 'say "x"', 'line\nbreak', '=1+1', '@x'].map(cell)).toEqual([
      'plain',
      '"a,b"',
      '"say ""x"""',
      '"line\nbreak"',
      "'=1+1",
      "'@x",
    ])
  })

  it('write row groups as they fill, not at the end', async () => {
    const sizes: number[] = []
    const pieces: Uint8Array[] = []
    const file = new ParquetRows(
      { write: async (piece) => void (sizes.push(piece.length), pieces.push(piece)) },
      'readings',
    )
    const count = 150_000
    for (let n = 0; n < count; n++) await file.row({ time: START + n, gateway: 'g', sensor: 's', value: Math.sin(n) })
    expect(sizes.filter((size) => size > 1000).length).toBeGreaterThanOrEqual(2)
    await file.end()
    const bytes = Buffer.concat(pieces)
    expect(parquetMetadata(new Uint8Array(bytes).buffer).row_groups.map((group) => Number(group.num_rows))).toEqual([
      65_536,
      65_536,
      count - 131_072,
    ])
  })

  it('aggregate buckets as they are asked for, and leave out empty ones', async () => {
    const key = { tenant: 't', gateway: 'g', sensor: 's' }
    const columns = { times: Float64Array.of(100, 105, 131), values: Float64Array.of(1, 4, 7) }
    const rows: Row[] = [...bucketRows(key, columns, { from: 100, everyMs: 10 })]
    expect(rows).toEqual([
      { time: 100, gateway: 'g', sensor: 's', count: 2, min: 1, max: 4, mean: 2.5, last: 4 },
      { time: 130, gateway: 'g', sensor: 's', count: 1, min: 7, max: 7, mean: 7, last: 7 },
    ])
    const { bytes, sink } = collecting()
    const csv = new CsvWriter(sink, 'buckets')
    for (const row of rows) await csv.row(row)
    await csv.end()
    expect(bytes().toString()).toBe(
      'time,gateway,sensor,count,min,max,mean,last\r\n1970-01-01T00:00:00.100Z,g,s,2,1,4,2.5,4\r\n1970-01-01T00:00:00.130Z,g,s,1,7,7,7,7\r\n',
    )
  })
})

describe('ExportReadings and RunReport', () => {
  let bed: Bed
  let client: AnalyticsClient
  const times = Float64Array.from({ length: 20_000 }, (_, n) => START + n * 1000)
  const values = times.map((_, n) => Math.round(1000 * Math.sin(n / 50)) / 1000 + (n === 15_000 ? 40 : 0))
  const range = { from: at(START), to: at(START + 20_000_000) }

  beforeAll(async () => {
    bed = await startBed()
    client = bed.client()
    await client.handIn('edge-01', { 'p.x': { times, values } })
  })
  afterAll(() => bed.stop())

  const exported = async (request: object): Promise<Buffer> => {
    const pieces = await client.collect('exportReadings', { sensors: ['p.*'], ...range, ...request })
    return Buffer.concat(pieces.map(({ content }) => content))
  }

  it('give what was handed in, as CSV and as Parquet', async () => {
    const lines = (await exported({ format: ExportFormat.CSV })).toString().trimEnd().split('\r\n')
    expect(lines[0]).toBe('time,gateway,sensor,value')
    expect(lines.slice(1)).toEqual(
      [...values].map((value, n) => `${new Date(times[n]!).toISOString()},edge-01,p.x,${value}`),
    )
    const rows = await readParquet(await exported({ format: ExportFormat.PARQUET }))
    expect(rows.map(({ value }) => value)).toEqual([...values])
  })

  it('give aggregates of buckets that hold every reading once', async () => {
    const rows = await readParquet(await exported({ format: ExportFormat.PARQUET, every: seconds(600) }))
    expect(rows).toHaveLength(34)
    expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(20_000)
    expect(rows[25]!['max']).toBeCloseTo(40, -1)
  })

  it('refuse what they cannot do, by field', async () => {
    const refusal = await refusalOf(client.collect('exportReadings', { sensors: [], ...range, to: range.from }))
    expect(refusal.code).toBe('INVALID_ARGUMENT')
    for (const field of ['sensors:', 'to:', 'format:']) expect(refusal.message).toContain(field)
    expect(await refusalOf(bed.client('b-engineer').call('runReport', { sensors: ['*'], ...range }))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it('report figures and what is unusual', async () => {
    const { text } = await client.call('runReport', { sensors: ['p.*'], ...range, title: 'Week | 47' })
    expect(text).toContain('# Week \\| 47')
    expect(text).toMatch(/\| edge-01 \| p\.x \| 20000 \| -1 \|/)
    expect(text).toContain(`- ${new Date(times[15_000]!).toISOString()} p.x (edge-01), score`)
  })
})
