// How PostgreSQL answers what central asks, with tables that have grown: by index, and only in the partitions of the range. The
// statements are those of the ports, explained in the transaction in which they run, as the role and under the policies that hold there.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '#backing/database.ts'
import { alarmsPort } from '#central/storage/alarms-port.ts'
import { auditPort } from '#central/storage/audit.ts'
import { readingsPort } from '#central/storage/readings-port.ts'
import { TenantDatabase } from '#central/storage/tenant-database.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { DAY_MS, makeTenant, numbers, openStorage, type Fixture } from './central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-plans-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const DAYS = 24
const NOW = Math.floor(Date.now() / DAY_MS) * DAY_MS // whole days: partitions begin there
const FROM = NOW - DAYS * DAY_MS
const ROWS = 40_000
const PAGE = { limit: 100, cursor: null }
/** What has grown; the others are small, and read as a whole where that is quicker. */
const GROWN = /^(?:reading|entry|alarm|alert|audit)(?:_\d+)?$/

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Plans?: readonly Node[]
}

describe.skipIf(!hasPostgres)('What is asked of large tables (needs postgresql)', () => {
  let peer: PostgresPeer
  let fixture: Fixture
  let tenants: TenantDatabase
  let recorded: Database
  let mine = 0
  const scans: { type: string; table: string }[] = []

  beforeAll(async () => {
    peer = await startPostgres({ fsync: 'off' })
    fixture = await openStorage({ url: peer.url, folder })
    mine = await makeTenant(fixture, 'mine')
    const other = await makeTenant(fixture, 'other')
    for (const tenant of [mine, other])
      await fixture.storage.ingest.take(tenant, numbers({ firstSeq: 1, values: [1], at: NOW - DAY_MS }))
    const days = Array.from({ length: DAYS }, (_, day) => FROM + day * DAY_MS)
    await fixture.storage.times.coverReadings(days)
    await fixture.storage.times.cover('entry', days)
    for (const tenant of [mine, other]) peer.psql(grow(tenant))
    peer.psql('ANALYZE')
    recorded = explaining(await openDatabase({ url: peer.url, folder, clock: systemClock, log: silentLogger }), scans)
    tenants = await TenantDatabase.open(recorded)
  }, 180_000)
  afterAll(async () => {
    await recorded?.close()
    await fixture?.close()
    await peer?.stop()
  })

  /** Scans of the large tables. */
  const scansOf = async (ask: () => Promise<unknown>) => {
    scans.length = 0
    await ask()
    return scans.filter(({ table }) => GROWN.test(table))
  }
  const tablesOf = (all: readonly { table: string }[]) => [...new Set(all.map(({ table }) => table))].toSorted()
  const partition = (table: string, time: number) =>
    `${table}_${new Date(time).toISOString().slice(0, 10).replaceAll('-', '')}`

  it.each<[string, () => Promise<unknown>]>([
    ['open alarms', () => alarmsPort(tenants).open(mine, PAGE)],
    ['one alarm', () => alarmsPort(tenants).get(mine, 'edge-1', 'a-7')],
    ['alarms of a sensor', () => alarmsPort(tenants).occurrences(mine, sensorRange(FROM, NOW))],
    ['the journal', () => alarmsPort(tenants).journal(mine, { ...PAGE, kind: null, from: FROM, to: NOW })],
    [
      'the events of a gateway',
      () => alarmsPort(tenants).journal(mine, { ...PAGE, kind: 'event', gateway: 'edge-1', from: FROM, to: NOW }),
    ],
    ['alerts', () => alarmsPort(tenants).alerts(mine, { ...PAGE, from: FROM, to: NOW })],
    ['the audit log', () => auditPort(tenants).audit(mine, { ...PAGE, from: FROM, to: NOW })],
    ['readings', () => readingsPort(tenants, null).readings(mine, readingRange(FROM, NOW))],
    ['statistics', () => readingsPort(tenants, null).statistics(mine, 'press-1.pressure', FROM, NOW)],
  ])('is found by index: %s', async (_what, ask) => {
    const all = await scansOf(ask)
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(({ type }) => type === 'Seq Scan')).toEqual([])
  })

  it('is looked for in the partitions of its range only', async () => {
    const [from, to] = [FROM + 3 * DAY_MS, FROM + 5 * DAY_MS]
    const readings = readingsPort(tenants, null)
    expect(tablesOf(await scansOf(() => readings.readings(mine, readingRange(from, to))))).toEqual([
      partition('reading', from),
      partition('reading', from + DAY_MS),
    ])
    // The next page goes on where the one before ended, and does not begin at the first day again.
    const whole = { ...readingRange(FROM, NOW), limit: 400 }
    const { next } = await readings.readings(mine, whole)
    const rest = tablesOf(await scansOf(() => readings.readings(mine, { ...whole, cursor: next })))
    expect(rest).not.toContain(partition('reading', FROM))
    expect(rest).toContain(partition('reading', NOW - DAY_MS))
    const journal = () => alarmsPort(tenants).journal(mine, { ...PAGE, kind: null, from: to - 1000, to })
    expect(tablesOf(await scansOf(journal))).toHaveLength(1)
  })
})

const readingRange = (from: number, to: number) => ({ ...PAGE, sensor: 'press-1.pressure', from, to })
const sensorRange = (from: number, to: number) => ({ ...readingRange(from, to), checkTypes: ['threshold'] })

/** Rows of one tenant, evenly over the days. */
function grow(tenant: number): string {
  const time = `to_timestamp(${FROM / 1000}) + n * interval '${(DAYS * 86_400) / ROWS} seconds'`
  const of = (table: string) => `(SELECT min(number) FROM central.${table} WHERE tenant = ${tenant})`
  return `
INSERT INTO central.reading (time, received_at, seq, value, tenant, sensor, epoch, status)
  SELECT ${time}, now(), n + 100, n, ${tenant}, ${of('sensor')}, 1, 0 FROM generate_series(0, ${ROWS - 1}, 10) AS n;
INSERT INTO central.reading (time, received_at, seq, value, tenant, sensor, epoch, status)
  SELECT ${time}, now(), n + 100, n, ${tenant}, 1000000 + n % 50, 1, 0 FROM generate_series(0, ${ROWS - 1}) AS n;
INSERT INTO central.entry (time, seq, tenant, gateway, epoch, kind, entry)
  SELECT ${time}, n + 100, ${tenant}, ${of('gateway')}, 1, 'event', '{"kind":"event","message":"x"}' FROM generate_series(0, ${ROWS - 1}) AS n;
INSERT INTO central.alarm (tenant, gateway, id, raised_at, cleared_at, sensor, check_type, is_open, epoch, seq, alarm)
  SELECT ${tenant}, ${of('gateway')}, 'a-' || n, ${time}, now(), CASE WHEN n % 100 = 0 THEN 'press-1.pressure' ELSE 'm.s' || n % 500 END,
    'threshold', n % 500 = 0, 1, n, '{"sensor":"press-1.pressure"}' FROM generate_series(0, ${ROWS - 1}) AS n;
INSERT INTO central.alert (tenant, id, time, alert) SELECT ${tenant}, 'b-' || n, ${time}, '{}' FROM generate_series(0, ${ROWS - 1}) AS n;
INSERT INTO central.audit (tenant, time, by, origin, action, outcome, details)
  SELECT ${tenant}, ${time}, 'x', 'x', 'x', 'x', '{}' FROM generate_series(0, ${ROWS - 1}) AS n;`
}

/** The same database, which notes how each SELECT of a transaction is answered. */
function explaining(database: Database, scans: { type: string; table: string }[]): Database {
  const note = (node: Node): void => {
    if (node['Relation Name'] !== undefined) scans.push({ type: node['Node Type'], table: node['Relation Name'] })
    node.Plans?.forEach(note)
  }
  return {
    kind: database.kind,
    get isUp() {
      return database.isUp
    },
    query: (text, values) => database.query(text, values),
    close: () => database.close(),
    transaction: (work, options) =>
      database.transaction(
        (queryable) =>
          work({
            query: async (text, values) => {
              if (/^\s*(?:SELECT|WITH)/.test(text)) {
                const [row] = await queryable.query<{ 'QUERY PLAN': readonly { Plan: Node }[] }>(
                  `EXPLAIN (FORMAT JSON) ${text}`,
                  values,
                )
                for (const { Plan } of row!['QUERY PLAN']) note(Plan)
              }
              return queryable.query(text, values)
            },
          }),
        options,
      ),
  }
}
