// Latest values and stored readings of one sensor or many.

import type { Queryable } from '#backing/database.ts'
import type { Page, RangeQuery, StoredReading } from '#domain/history.ts'
import { qualityOf } from '#domain/quality.ts'
import type { Reading } from '#domain/reading.ts'
import { cleanId } from '../model/model-changed.ts'
import { SENSOR, sensorOf, SENSORS, type SensorRow } from '../model/model-rows.ts'
import { noSensor } from '../model/sensors-port.ts'
import type { ReadingsPort, TenantNumber } from '../ports.ts'
import { queryBuckets } from './buckets.ts'
import { afterId, isoTime, keyOfCursor, pageOfRows } from './pages.ts'
import { READING, storedReading, type ReadingRow } from './reading-row.ts'
import { findSeries, type Series } from './series.ts'
import type { PlacedLatest, SharedLatest } from './shared-latest.ts'
import { queryStatistics } from './statistics.ts'
import type { TenantDatabase } from './tenant-database.ts'

type LatestRow = SensorRow & { readonly [K in keyof ReadingRow]: ReadingRow[K] | null }

const LATEST = 'r.time, r.received_at, r.epoch, r.seq, r.status, r.value, r.bits, r.text'

/** @param shared null: the database is asked for everything. */
export function readingsPort(database: TenantDatabase, shared: SharedLatest | null): ReadingsPort {
  return {
    latest: (tenant, query) => {
      const load = () => database.read(tenant, (queryable) => latest(queryable, tenant, query))
      const { cursor, factory = null, limit, machine = null } = query
      return shared === null
        ? load()
        : shared.page(tenant, `page ${JSON.stringify([machine, factory, cursor, limit])}`, load)
    },
    latestOf: async (tenant, sensor) => {
      const load = () => database.read(tenant, (queryable) => latestOf(queryable, tenant, sensor))
      if (shared === null) return load()
      const page = await shared.page(tenant, `sensor ${sensor}`, async () => ({ items: [await load()], next: null }))
      return page.items[0]!
    },
    readings: (tenant, query) =>
      database.read(tenant, async (queryable) =>
        readings(queryable, await findSeries(queryable, tenant, query.sensor), query),
      ),
    buckets: (tenant, query) =>
      database.read(tenant, async (queryable) =>
        queryBuckets(queryable, await findSeries(queryable, tenant, query.sensor), query),
      ),
    statistics: (tenant, sensor, from, to) =>
      database.read(tenant, async (queryable) =>
        queryStatistics(queryable, await findSeries(queryable, tenant, sensor), { from, to }),
      ),
  }
}

async function latest(
  queryable: Queryable,
  tenant: TenantNumber,
  { factory, machine, ...page }: Parameters<ReadingsPort['latest']>[1],
): Promise<Page<PlacedLatest>> {
  const [after, limit] = afterId(page)
  const rows = await queryable.query<LatestRow>(
    `SELECT ${SENSOR}, ${LATEST} FROM ${SENSORS} LEFT JOIN central.latest AS r ON r.sensor = s.number
     WHERE s.tenant = $1 AND s.is_current AND s.id COLLATE "C" > $2 AND ($3::text IS NULL OR s.machine = $3)
       AND ($4::text IS NULL OR m.factory = $4)
     ORDER BY s.id COLLATE "C" LIMIT $5`,
    [tenant, after, ...[machine, factory].map((id) => (id === undefined ? null : cleanId(id))), limit + 1],
  )
  return pageOfRows(rows, limit, { item: latestReading, key: ({ id }) => [id] })
}

async function latestOf(queryable: Queryable, tenant: TenantNumber, id: string): Promise<PlacedLatest> {
  const [row] = await queryable.query<LatestRow>(
    `SELECT ${SENSOR}, ${LATEST} FROM ${SENSORS} LEFT JOIN central.latest AS r ON r.sensor = s.number
     WHERE s.tenant = $1 AND s.is_current AND s.id = $2`,
    [tenant, cleanId(id)],
  )
  if (row === undefined) throw noSensor(id)
  return latestReading(row)
}

function latestReading(row: LatestRow): PlacedLatest {
  const sensor = sensorOf(row)
  if (row.time === null) return { sensor, reading: null, position: null }
  const stored = storedReading(row as ReadingRow & LatestRow, sensor.valueType)
  const reading: Reading = { sensor: sensor.id, quality: qualityOf(stored.status), ...stored }
  return { sensor, reading, position: [row.epoch!, row.seq!] }
}

/** By (time, position): one index range of one partition after the other, and no more of them than the page needs. */
export async function readings(queryable: Queryable, series: Series, query: RangeQuery): Promise<Page<StoredReading>> {
  const { cursor, from, limit, order = 'oldestFirst', to } = query
  const isNewest = order === 'newestFirst'
  const key = keyOfCursor(cursor, ['number', 'number', 'number'])
  const start = key === null ? from : isNewest ? from : Math.max(from, Number(key[0]))
  const end = key === null ? to : isNewest ? Math.min(to, Number(key[0]) + 1) : to
  const direction = isNewest ? 'DESC' : 'ASC'
  const rows = await queryable.query<ReadingRow>(
    `SELECT ${READING} FROM central.reading AS r
     WHERE ${series.condition} AND r.time >= '${isoTime(start)}' AND r.time < '${isoTime(end)}'
       ${key === null ? '' : `AND (r.time, r.epoch, r.seq) ${isNewest ? '<' : '>'} ('${isoTime(Number(key[0]))}', $1::int4, $2::int8)`}
     ORDER BY r.time ${direction}, r.epoch ${direction}, r.seq ${direction} LIMIT ${limit + 1}`,
    key === null ? [] : [key[1], key[2]],
  )
  return pageOfRows(rows, limit, {
    item: (row) => storedReading(row, series.types.get(row.sensor)!),
    key: ({ epoch, seq, time }) => [time, epoch, seq],
  })
}
