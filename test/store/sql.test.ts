// Questions in SQL to a real store, beside it while it runs.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { ALL_TIME, HistoryReader } from '#store/export-reader.ts'
import { SqlHistory, type SqlValue } from '#store/sql.ts'
import { splitStatements } from '#store/sql-statements.ts'
import { fillStore, GREAT, GREATEST, START, TEXT } from './filled-store.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

type Ask = (sql: string) => Record<string, SqlValue>[]

async function asking(work: (ask: Ask, loads: () => number) => void): Promise<void> {
  using folder = temporaryFolder()
  const { store } = await openTestStore(folder.path)
  await fillStore(store)
  await store.compact()
  const reader = new HistoryReader(folder.path)
  let loads = 0
  const readings = reader.readings.bind(reader)
  reader.readings = (...args) => {
    loads += 1
    return readings(...args)
  }
  const units = new Map([['press-1.power', 'kW']])
  const sql = new SqlHistory({ reader, units, span: ALL_TIME, parseTime: (text) => Date.parse(text) })
  try {
    work(
      (text) => {
        const { columns, rows } = sql.query(text)
        return [...rows].map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]!])))
      },
      () => loads,
    )
  } finally {
    sql.close()
    reader.close()
    await store.close()
  }
}

describe('the history in SQL', () => {
  it('shows readings of every kind, exact', async () => {
    await asking((ask) => {
      expect(ask(`SELECT * FROM readings WHERE sensor = 'press-2.power'`)).toEqual([
        {
          sensor: 'press-2.power',
          time: '2026-01-01T00:00:00.500Z',
          value: 7,
          quality: 'uncertain',
          status: 'UncertainLastUsableValue',
          received_at: '2026-01-01T00:00:00.900Z',
        },
      ])
      const values = (name: string) =>
        ask(`SELECT value FROM readings WHERE sensor = 'press-1.${name}'`).map(({ value }) => value)
      expect(values('count')).toEqual([GREAT, -GREAT, 7n])
      expect(values('energy')).toEqual([String(GREATEST)])
      expect(values('running')).toEqual([1n, 0n])
      expect(values('state')).toEqual([TEXT, ''])
      expect(values('power').slice(-2)).toEqual([59, null])
      expect(ask(`SELECT quality, count(*) AS n FROM readings GROUP BY quality ORDER BY quality`)).toEqual([
        { quality: 'bad', n: 1n },
        { quality: 'good', n: 127n },
        { quality: 'uncertain', n: 1n },
      ])
    })
  })

  it('reads only the sensors that a condition names', async () => {
    await asking((ask, loads) => {
      ask(`SELECT count(*) FROM readings WHERE sensor = 'press-1.power' AND value > 3`)
      expect(loads()).toBe(1)
      ask(`SELECT count(*) FROM readings WHERE sensor LIKE 'press-2.%'`)
      expect(loads()).toBe(2)
      ask(`SELECT count(*) FROM readings_of('press-?.power')`)
      expect(loads()).toBe(4)
    })
  })

  it('narrows the time in the functions', async () => {
    await asking((ask) => {
      const rows = ask(`SELECT value FROM readings_of('press-1.power', '2026-01-01T00:00:10Z', '2026-01-01T00:00:12Z')`)
      expect(rows.map(({ value }) => value)).toEqual([5, 5.5])
      expect(ask(`SELECT count(*) AS n FROM readings_of('press-1.power', ${START + 100_000})`)).toEqual([{ n: 20n }])
    })
  })

  it('shows rollups, sensors, alarms and events', async () => {
    await asking((ask) => {
      expect(
        ask(`SELECT * FROM rollups_minute WHERE sensor = 'press-1.power' AND time > '2026-01-01T00:00:30Z'`),
      ).toEqual([
        {
          sensor: 'press-1.power',
          time: '2026-01-01T00:01:00.000Z',
          count: 59n,
          min: 30,
          max: 59,
          mean: 44.5,
          last: 59,
        },
      ])
      expect(ask(`SELECT sum(count) AS n FROM hours_of('*')`)).toEqual([{ n: 119n + 2n + 3n + 1n + 1n }])
      expect(ask(`SELECT * FROM sensors WHERE sensor LIKE '%power'`)).toEqual([
        { sensor: 'press-1.power', value_type: 'number', unit: 'kW' },
        { sensor: 'press-2.power', value_type: 'number', unit: '' },
      ])
      expect(ask(`SELECT time, sensor, change, active, finding ->> 'limit' AS bound, seq FROM alarms`)).toEqual([
        {
          time: '2026-01-01T00:00:02.000Z',
          sensor: 'press-1.power',
          change: 'raised',
          active: 1n,
          bound: 20n,
          seq: 131n,
        },
      ])
      expect(ask(`SELECT type, source, data, epoch FROM events`)).toEqual([
        { type: 'gateway-started', source: 'gateway', data: '{"epoch":1}', epoch: 1n },
      ])
    })
  })

  it.each([
    'DELETE FROM sensors',
    `ATTACH '/tmp/other.db' AS other`,
    'CREATE TABLE t (a)',
    `VACUUM INTO '/tmp/copy.db'`,
    'INSERT INTO sensors VALUES (1, 2, 3) RETURNING 1',
    'BEGIN',
    'SELECT 1; SELECT 2',
    'SELEC 1',
    '',
    `SELECT load_extension('x')`,
    `SELECT count(*) FROM readings_of(x'00')`,
  ])('refuses %j', async (statement) => {
    await asking((ask) => {
      let refusal: unknown
      try {
        ask(statement)
      } catch (error) {
        refusal = error
      }
      expect(isTelemetryError(refusal, 'USAGE')).toBe(true)
    })
  })
})

describe('SQL text', () => {
  it('is parted at semicolons that stand outside of quotes and comments', () => {
    expect(splitStatements(`SELECT 1; SELECT ';''"' -- ; no\n, 2 /* ; */; ;\n SELECT "a;b" , [;]`)).toEqual({
      complete: ['SELECT 1', `SELECT ';''"'  , 2`],
      rest: 'SELECT "a;b" , [;]',
    })
    expect(splitStatements(`SELECT 'not ended; `)).toEqual({ complete: [], rest: `SELECT 'not ended;` })
    expect(splitStatements('SELECT 1 /* not ended; ')).toEqual({ complete: [], rest: 'SELECT 1 /* not ended;' })
  })

  it('keeps literals as they are, whatever they hold', () => {
    const literal = fc.string({ unit: fc.constantFrom('a', ';', "'", '"', '-', '/', '*', '\n', '[') })
    fc.assert(
      fc.property(fc.array(literal, { maxLength: 5 }), (texts) => {
        const statements = texts.map((text) => `SELECT '${text.replaceAll("'", "''")}'`)
        expect(splitStatements(statements.map((statement) => `${statement};`).join('\n')).complete).toEqual(statements)
      }),
    )
  })
})
