// TimescaleDB is not among the packages that the tests can install. Its two functions that central calls stand here as stand-ins with
// its parameters, and write down how they were called: what is shown is that central leaves cutting and dropping to them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { makeTenant, numbers, openStorage, RETENTION } from './central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-timescale-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const STAND_INS = `
CREATE TABLE calls (call text);
CREATE TYPE dimension_info AS (column_name name, width interval);
CREATE FUNCTION by_range(column_name name, partition_interval anyelement DEFAULT NULL::bigint)
  RETURNS dimension_info LANGUAGE sql AS $$ SELECT (column_name, partition_interval::text)::dimension_info $$;
CREATE FUNCTION create_hypertable(relation regclass, dimension dimension_info, create_default_indexes boolean DEFAULT true,
    if_not_exists boolean DEFAULT false, migrate_data boolean DEFAULT false)
  RETURNS void LANGUAGE sql AS $$ INSERT INTO calls SELECT format('create_hypertable %s %s %s %s', relation, (dimension).column_name, (dimension).width, create_default_indexes) $$;
CREATE FUNCTION drop_chunks(relation regclass, older_than timestamptz)
  RETURNS SETOF text LANGUAGE sql AS $$ INSERT INTO calls SELECT format('drop_chunks %s %s', relation, older_than::date) RETURNING call $$;`

describe.skipIf(!hasPostgres)('A database with hypertables (needs postgresql)', () => {
  it('is cut and cleared by them, and not by partitions', async () => {
    const peer = await startPostgres({ fsync: 'off' })
    peer.psql(STAND_INS)
    const now = Date.now()
    const fixture = await openStorage({ url: peer.url, folder })
    const tenant = await makeTenant(fixture, 'mine')
    const other = await makeTenant(fixture, 'other')
    expect(fixture.storage.times.isHyper).toBe(true)
    expect(
      await fixture.storage.ingest.take(tenant, numbers({ firstSeq: 1, values: [1, 2], at: now - 60_000 * 5 })),
    ).toMatchObject({ accepted: 2 })
    await fixture.storage.rollups.run(now)
    const query = {
      sensor: 'press-1.pressure',
      from: now - 3_600_000,
      to: now,
      everyMs: 3_600_000,
      limit: 10,
      cursor: null,
    }
    const { items } = await fixture.storage.readings.buckets(tenant, query)
    expect(items.reduce((sum, { count }) => sum + count, 0)).toBe(2)
    const forgotten = fixture.storage.database.read(other, (queryable) =>
      queryable.query('SELECT count(*) FROM central.reading'),
    )
    expect(await forgotten).toEqual([{ count: 0 }])
    const day = (keptMs: number) => new Date(now - keptMs).toISOString().slice(0, 10)
    expect(peer.psql('SELECT call FROM calls').split('\n')).toEqual([
      'create_hypertable reading time 1 day f',
      'create_hypertable entry time 7 days f',
      'create_hypertable rollup_minute time 7 days f',
      'create_hypertable rollup_hour time 91 days f',
      `drop_chunks central.reading ${day(RETENTION.rawMs)}`,
      `drop_chunks central.entry ${day(RETENTION.hourMs)}`,
      `drop_chunks central.rollup_minute ${day(RETENTION.minuteMs)}`,
      `drop_chunks central.rollup_hour ${day(RETENTION.hourMs)}`,
    ])
    await fixture.close()
    await peer.stop()
  })
})
