// Exports of a real store, read beside the running one.

import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { zstdDecompressSync } from 'node:zlib'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { exportHistory, selectSensors } from '#store/export.ts'
import type { ExportFormat } from '#store/export-format.ts'
import { MergedSources } from '#store/export-merge.ts'
import { ALL_TIME, HistoryReader } from '#store/export-reader.ts'
import { Series } from '#store/series.ts'
import { fillStore, GREAT, GREATEST, START, TEXT } from './filled-store.ts'
import { openTestStore, pushed, temporaryFolder } from './open-test-store.ts'

interface Wanted {
  readonly format: ExportFormat
  readonly sensors?: readonly string[]
  readonly from?: number
  readonly to?: number
  readonly everyMs?: number
}

async function exported(dataDir: string, wanted: Wanted): Promise<Buffer> {
  const chunks: Buffer[] = []
  const reader = new HistoryReader(dataDir)
  try {
    await exportHistory({
      reader,
      sensors: selectSensors(reader.sensors(), wanted.sensors ?? ['*'], () => ''),
      units: new Map([['press-1.power', 'kW']]),
      span: { from: wanted.from ?? ALL_TIME.from, to: wanted.to ?? ALL_TIME.to },
      everyMs: wanted.everyMs ?? null,
      format: wanted.format,
      output: { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
      createdBy: 'test',
      onProgress: () => {},
    })
  } finally {
    reader.close()
  }
  return Buffer.concat(chunks)
}

/** RFC 4180, with quotes kept apart: what was quoted begins with a quote. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  for (let row: string[] = []; cell.lastIndex < text.length;) {
    const match = cell.exec(text)!
    row.push(match[1] === undefined ? match[2]! : `"${match[1].replaceAll('""', '"')}`)
    if (match[3] === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}

async function parquetRows(file: Buffer): Promise<Record<string, unknown>[]> {
  const buffer = Uint8Array.from(file).buffer
  return parquetReadObjects({
    file: buffer,
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
  })
}

describe('an export beside the running store', () => {
  it('writes every kind of value as CSV, before and after compaction', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await fillStore(store)
    const before = (await exported(folder.path, { format: 'csv' })).toString()
    await store.compact()
    expect((await exported(folder.path, { format: 'csv' })).toString()).toBe(before)
    await store.close()
    expect((await exported(folder.path, { format: 'csv' })).toString()).toBe(before)
    const rows = parseCsv(before)
    expect(rows[0]).toEqual(['time', 'sensor', 'value', 'quality', 'status', 'unit'])
    expect(rows).toHaveLength(1 + 120 + 2 + 3 + 1 + 2 + 1)
    const of = (sensor: string) => rows.filter((row) => row[1] === sensor)
    expect(of('press-1.count').map((row) => row[2])).toEqual([String(GREAT), String(-GREAT), '7'])
    expect(of('press-1.energy')[0]![2]).toBe(String(GREATEST))
    expect(of('press-1.running').map((row) => row[2])).toEqual(['true', 'false'])
    expect(of('press-1.state').map((row) => row[2])).toEqual([`"${TEXT}`, '"'])
    expect(of('press-2.power')[0]).toEqual([
      '2026-01-01T00:00:00.500Z',
      'press-2.power',
      '7',
      'uncertain',
      'UncertainLastUsableValue',
      '',
    ])
    expect(of('press-1.power')[0]).toEqual(['2026-01-01T00:00:00.000Z', 'press-1.power', '-0', 'good', 'Good', 'kW'])
    expect(of('press-1.power').at(-1)).toEqual([
      '2026-01-01T00:01:59.000Z',
      'press-1.power',
      '',
      'bad',
      'BadCommunicationError',
      'kW',
    ])
  })

  it('writes JSON Lines with 64-bit integers as the API does', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await fillStore(store)
    const text = (await exported(folder.path, { format: 'jsonl', sensors: ['press-1.*'], to: START + 1000 })).toString()
    await store.close()
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    const common = { time: '2026-01-01T00:00:00.000Z', quality: 'good', status: 'Good' }
    expect(lines).toEqual([
      { ...common, sensor: 'press-1.count', value: String(GREAT), unit: '' },
      { ...common, sensor: 'press-1.energy', value: String(GREATEST), unit: '' },
      { ...common, sensor: 'press-1.power', value: -0, unit: 'kW' },
      { ...common, sensor: 'press-1.running', value: true, unit: '' },
      { ...common, sensor: 'press-1.state', value: TEXT, unit: '' },
    ])
  })

  it('writes Parquet that another reader understands', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await fillStore(store)
    const file = await exported(folder.path, { format: 'parquet' })
    await store.close()
    const rows = await parquetRows(file)
    const of = (sensor: string) => rows.filter((row) => row['sensor'] === sensor)
    expect(rows).toHaveLength(129)
    expect(of('press-1.count').map((row) => row['int64'])).toEqual([GREAT, -GREAT, 7n])
    expect(of('press-1.energy').map((row) => [row['uint64'], row['int64'], row['value']])).toEqual([
      [GREATEST, null, Number(GREATEST)],
    ])
    expect(of('press-1.state').map((row) => [row['text'], row['value']])).toEqual([
      [TEXT, null],
      ['', null],
    ])
    expect(of('press-1.running').map((row) => row['value'])).toEqual([1, 0])
    expect(of('press-1.power')[0]).toEqual({
      time: new Date(START),
      sensor: 'press-1.power',
      value: -0,
      int64: null,
      uint64: null,
      text: null,
      quality: 'good',
      status: 'Good',
      unit: 'kW',
    })
    expect(of('press-1.power').at(-1)).toMatchObject({ value: null, quality: 'bad', status: 'BadCommunicationError' })
    const buffer = Uint8Array.from(file).buffer
    const { row_groups: groups } = parquetMetadata(buffer)
    expect(groups[0]!.columns.map((column) => column.meta_data!.codec)).toEqual(Array.from({ length: 9 }, () => 'ZSTD'))
    expect(groups[0]!.columns[1]!.meta_data!.encodings).toContain('RLE_DICTIONARY')
  })

  it('writes a row group as soon as it is full', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    const [number] = await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    for (let n = 0; n < 150_000; n++)
      await pushed(() => store.ring.pushNumber(number!, Status.Good, NO_TIME, START + n, n / 8))
    await store.flush()
    const file = await exported(folder.path, { format: 'parquet' })
    await store.close()
    const buffer = Uint8Array.from(file).buffer
    expect(parquetMetadata(buffer).row_groups.map(({ num_rows: rows }) => Number(rows))).toEqual([
      65_536, 65_536, 18_928,
    ])
    const rows = await parquetRows(file)
    expect(rows.every((row, n) => row['value'] === n / 8 && Number(row['time']) === START + n)).toBe(true)
  })

  it('writes buckets, also as Parquet', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await fillStore(store)
    const wanted = { sensors: ['press-1.power'], everyMs: 60_000 }
    const csv = (await exported(folder.path, { ...wanted, format: 'csv' })).toString()
    const parquet = await exported(folder.path, { ...wanted, format: 'parquet' })
    await store.close()
    expect(csv).toBe(
      'time,sensor,count,min,max,mean,last,unit\r\n' +
        '2026-01-01T00:00:00.000Z,press-1.power,60,-0,29.5,14.75,29.5,kW\r\n' +
        '2026-01-01T00:01:00.000Z,press-1.power,59,30,59,44.5,59,kW\r\n',
    )
    expect((await parquetRows(parquet))[1]).toEqual({
      time: new Date(START + 60_000),
      sensor: 'press-1.power',
      count: 59n,
      min: 30,
      max: 59,
      mean: 44.5,
      last: 59,
      unit: 'kW',
    })
  })

  it('gives values back to the bit, whatever they are', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 80 }),
        fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 20 }),
        async (doubles, integers, texts) => {
          run += 1
          const [a, b, c] = (await store.registerSensors([
            { id: `r${run}.double`, valueType: 'number' },
            { id: `r${run}.integer`, valueType: 'int64' },
            { id: `r${run}.text`, valueType: 'string' },
          ])) as [number, number, number]
          const { ring } = store
          for (const [n, value] of doubles.entries())
            await pushed(() => ring.pushNumber(a, 0, NO_TIME, START + n, value))
          for (const [n, value] of integers.entries())
            await pushed(() => ring.pushInteger(b, 0, NO_TIME, START + n, value))
          for (const [n, value] of texts.entries()) await pushed(() => ring.pushText(c, 0, NO_TIME, START + n, value))
          await store.flush()
          if (run % 5 === 0) await store.compact()
          const csv = parseCsv((await exported(folder.path, { format: 'csv', sensors: [`r${run}.*`] })).toString())
          const cells = (name: string) => csv.filter((row) => row[1] === `r${run}.${name}`).map((row) => row[2]!)
          expect(cells('double').map(Number)).toEqual(doubles)
          expect(cells('integer').map(BigInt)).toEqual(integers)
          expect(cells('text').map((cell) => cell.replace(/^"/, ''))).toEqual(texts)
          const jsonl = (await exported(folder.path, { format: 'jsonl', sensors: [`r${run}.*`] })).toString()
          const values = jsonl
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as { sensor: string; value: number | string | null })
          const of = (name: string) => values.filter((row) => row.sensor === `r${run}.${name}`).map((row) => row.value)
          expect(of('double')).toEqual(doubles.map((value) => (Number.isFinite(value) ? value : null)))
          expect(of('integer').map((value) => BigInt(value!))).toEqual(integers)
          expect(of('text')).toEqual(texts)
        },
      ),
      { numRuns: 25 },
    )
    await store.close()
  }, 120_000)
})

describe('a reader that renews its snapshot', () => {
  it('gives each reading once, while the store compacts and late readings come', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    const [number] = await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    const push = (time: number, value: number) =>
      pushed(() => store.ring.pushNumber(number!, Status.Good, NO_TIME, time, value))
    for (let n = 0; n < 50_000; n++) await push(START + n, n)
    await store.flush()
    const reader = new HistoryReader(folder.path)
    const seen: number[] = []
    for (const batch of reader.readings(number!, ALL_TIME)) {
      seen.push(...batch.cells.value.subarray(0, batch.length))
      await push(START + 0.5, -1) // before everything: not within this export any more
      await store.compact()
      reader.release()
    }
    expect(seen).toEqual(Array.from({ length: 50_000 }, (_, n) => n))
    let again = 0
    for (const batch of reader.readings(number!, { from: START, to: START + 1 })) again += batch.length
    expect(again).toBeGreaterThan(1)
    reader.close()
    await store.close()
  })

  it('merges series in order of time, then arrival, in batches that never part a time', () => {
    const oneSeries = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(oneSeries, { maxLength: 6 }), fc.integer({ min: 1, max: 12 }), (lists, batchRows) => {
        const sorted = lists.map((times) => times.toSorted((a, b) => a - b))
        const sources = sorted.map((times, rank) => ({
          firstTime: times[0] ?? 0,
          lastTime: times.at(-1) ?? 0,
          load: () => seriesOf(times, rank),
        }))
        const expected = sorted
          .flatMap((times, rank) => times.map((time, row) => ({ time, rank, row })))
          .filter(({ time }) => time >= 3 && time < 35)
          .sort((a, b) => a.time - b.time || a.rank - b.rank || a.row - b.row)
        const found: { time: number; rank: number; row: number }[] = []
        // Each batch from a new merge that begins after the last one: that is what a renewed snapshot does.
        let range = { start: 3, isAfter: false, to: 35 }
        for (;;) {
          const batch = new MergedSources(sources, range, batchRows).next()
          if (!batch) break
          for (let row = 0; row < batch.length; row++) {
            const value = batch.cells.value[row]!
            found.push({ time: batch.timeAt(row), rank: Math.floor(value / 100), row: value % 100 })
          }
          range = { start: batch.timeAt(batch.length - 1), isAfter: true, to: 35 }
        }
        expect(found).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

function seriesOf(times: readonly number[], rank: number): Series {
  const series = new Series(times.length)
  times.forEach((time, row) => {
    series.reserve(1)
    series.sourceTime[row] = Number.NaN
    series.receivedAt[row] = time
    series.cells.value[row] = rank * 100 + row
    series.length = row + 1
  })
  return series
}

describe('the choice of sensors', () => {
  const known = ['b.x', 'a.y', 'a.x'].map((id, number) => ({ id, number, valueType: 'number' as const }))

  it('takes ids and patterns, each sensor once, by id', () => {
    expect(selectSensors(known, ['a.*', '*.x'], () => '').map(({ id }) => id)).toEqual(['a.x', 'a.y', 'b.x'])
  })

  it('refuses a name that nothing has, with the hint that it is given', () => {
    expect(() => selectSensors(known, ['a.z'], (name, ids) => `; not ${name} but ${ids.join()}`)).toThrow(
      'No stored sensor is called "a.z"; not a.z but b.x,a.y,a.x',
    )
  })
})
