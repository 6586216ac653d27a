// Central's ingest and queries on PostgreSQL and on PGlite: `--readings` readings of 50 gateways with 100 sensors each at 1 Hz, in
// batches of 500, each gateway with one batch under way, as the uplink sends them. Beside it the same rows by a bare COPY into a
// table with the same indexes, in one go; through JetStream with one and with two consuming processes; latest values through Redis.
// PGlite gets a tenth. PostgreSQL, NATS and Redis are started here; PostgreSQL runs with fsync. BENCH_CENTRAL=postgresql,pglite,stream
// chooses.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatencyHistogram } from '#kit/latency.ts'
import { makeTenant, openStorage, type Fixture } from '#test/central/storage/central-fixture.ts'
import { hasNats } from '#test/sim/nats.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis } from '#test/sim/redis.ts'
import { BATCH, GATEWAYS, SECONDS_A_BATCH, sendAll, SENSORS, sensorId } from './central/batches.ts'
import { measureLatest, measureShared } from './central/latest.ts'
import { measureStream } from './central/stream.ts'

const QUERIES = 200
const HOUR_MS = 3_600_000
/** Of a new database. */
const FIRST_TENANT = 1
const SERVER = { shared_buffers: '1GB', max_wal_size: '8GB', wal_compression: 'on', checkpoint_timeout: '15min' }

interface Options {
  readonly readings: number
}

export async function run({ readings }: Options): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  const wanted = process.env['BENCH_CENTRAL']?.split(',') ?? ['postgresql', 'pglite', 'stream']
  const figures: Record<string, number> = {}
  try {
    if (hasPostgres && wanted.includes('postgresql')) {
      const peer = await startPostgres(SERVER)
      try {
        Object.assign(figures, named('postgresql', await measure({ url: peer.url, folder, readings })))
        if (hasRedis) Object.assign(figures, named('redis', await measureShared(peer.url, FIRST_TENANT)))
        Object.assign(figures, named('copy', await measureCopy(peer, folder)))
      } finally {
        await peer.stop()
      }
    }
    if (wanted.includes('pglite'))
      Object.assign(figures, named('pglite', await measure({ url: null, folder, readings: readings / 10 })))
    if (hasPostgres && hasNats && wanted.includes('stream'))
      for (const [name, processes] of [['streamOne', 1] as const, ['streamTwo', 2] as const])
        Object.assign(figures, named(name, await measureStream(processes, readings, SERVER)))
    return figures
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function named(prefix: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, value]),
  )
}

async function measure(place: {
  url: string | null
  folder: string
  readings: number
}): Promise<Record<string, number>> {
  const fixture = await openStorage(place)
  const tenant = await makeTenant(fixture, 'bench')
  const batches = Math.max(1, Math.round(place.readings / GATEWAYS / BATCH))
  const now = Date.now()
  const from = now - batches * SECONDS_A_BATCH * 1000
  const start = performance.now()
  const latency = await sendAll(fixture.storage.ingest, { tenant, batches, from })
  const elapsed = performance.now() - start
  const rssBytes = process.memoryUsage().rss
  const readings = batches * BATCH * GATEWAYS
  const rollStart = performance.now()
  await fixture.storage.rollups.run(now + 2 * HOUR_MS)
  const rollMs = performance.now() - rollStart
  await fixture.database.query('ANALYZE')
  const queries = await measureQueries(fixture, tenant, { from, to: now })
  const figures = {
    readings,
    readingsPerSecond: Math.round((readings / elapsed) * 1000),
    ingestP50Ms: latency.quantile(0.5),
    ingestP99Ms: latency.quantile(0.99),
    batchesPerTransaction: (batches * GATEWAYS) / fixture.storage.ingest.figures.transactions,
    readingsRolledUpPerSecond: Math.round((readings / rollMs) * 1000),
    rssBytes,
    ...(await bytesOf(fixture, readings)),
    ...queries,
    ...(await measureLatest(fixture.storage.readings, tenant)),
  }
  await fixture.close()
  return figures
}

async function measureQueries(
  fixture: Fixture,
  tenant: number,
  range: { from: number; to: number },
): Promise<Record<string, number>> {
  const { alarms, readings } = fixture.storage
  const page = { limit: 1000, cursor: null }
  const hour = { from: range.to - HOUR_MS, to: range.to }
  const asks: Record<string, (sensor: string) => Promise<unknown>> = {
    latest: (sensor) => readings.latestOf(tenant, sensor),
    latestOfMachine: (sensor) => readings.latest(tenant, { ...page, machine: sensor.replace(/^plc-(\d+).*/, 'm-$1') }),
    readings: (sensor) => readings.readings(tenant, { sensor, ...hour, ...page }),
    minuteBuckets: (sensor) => readings.buckets(tenant, { sensor, ...hour, ...page, everyMs: 60_000 }),
    secondBuckets: (sensor) => readings.buckets(tenant, { sensor, ...hour, ...page, everyMs: 5000 }),
    statistics: (sensor) => readings.statistics(tenant, sensor, range.from, range.to),
    openAlarms: () => alarms.open(tenant, page),
  }
  const figures: Record<string, number> = {}
  for (const [name, ask] of Object.entries(asks)) {
    const latency = new LatencyHistogram()
    for (let index = 0; index < QUERIES; index++) {
      const sensor = sensorId((index * 7) % GATEWAYS, (index * 13) % SENSORS)
      const start = performance.now()
      await ask(sensor)
      latency.record(performance.now() - start)
    }
    figures[`${name}P99Ms`] = latency.quantile(0.99)
  }
  return figures
}

async function bytesOf({ database }: Fixture, readings: number): Promise<Record<string, number>> {
  const [row] = await database.query<{ table: number; index: number }>(
    `SELECT sum(pg_table_size(inhrelid))::int8 AS table, sum(pg_indexes_size(inhrelid))::int8 AS index
     FROM pg_inherits WHERE inhparent = 'central.reading'::regclass`,
  )
  return { tableBytesPerReading: row!.table / readings, indexBytesPerReading: row!.index / readings }
}

/** The rows that are there, once more, as fast as PostgreSQL takes them. */
async function measureCopy(peer: PostgresPeer, folder: string): Promise<Record<string, number>> {
  const file = join(folder, 'rows')
  await psql(peer, 'COPY (SELECT * FROM central.reading) TO STDOUT (FORMAT binary)', { to: file })
  peer.psql('CREATE TABLE bare (LIKE central.reading INCLUDING INDEXES)')
  const start = performance.now()
  await psql(peer, 'COPY bare FROM STDIN (FORMAT binary)', { from: file })
  const elapsed = performance.now() - start
  const rows = Number(peer.psql('SELECT count(*) FROM bare'))
  return { readingsPerSecond: Math.round((rows / elapsed) * 1000), bytesPerReading: statSync(file).size / rows }
}

async function psql({ url }: PostgresPeer, sql: string, { from, to }: { from?: string; to?: string }): Promise<void> {
  const input = from === undefined ? 'ignore' : openSync(from, 'r')
  const output = to === undefined ? 'ignore' : openSync(to, 'w')
  const child = spawn('psql', [url, '-q', '-c', sql], { stdio: [input, output, 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  for (const file of [input, output]) if (typeof file === 'number') closeSync(file)
  if (code !== 0) throw new Error(`psql ended with ${code}`)
}
