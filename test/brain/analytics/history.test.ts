import fc from 'fast-check'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDatabase, type Database } from '#backing/database.ts'
import { decodeBlock, encodeBlock, joinColumns, MAX_BLOCK_READINGS } from '#brain/analytics/history-blocks.ts'
import { HISTORY_LIMITS, ReadingHistory, type HistoryLimits } from '#brain/analytics/history.ts'
import type { AcceptedRecords } from '#brain/service.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { ReceivedBatch } from '#rpc/received-batch.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '../../sim/postgres.ts'

const BAD = 0x80000000

/** Readings of one sensor as the feed tells them. */
function records(
  tenant: string,
  sensor: string,
  readings: readonly (readonly [time: number, value: number, status?: number])[],
): AcceptedRecords {
  const head = {
    epoch: 1,
    lane: 'live' as never,
    historical: false,
    firstSeq: 0,
    lastSeq: readings.length,
    openSeqs: [],
  }
  const batch = new ReceivedBatch(head, readings.length)
  batch.length = readings.length
  readings.forEach(([time, value, status], row) => {
    batch.sensor[row] = 7
    batch.sourceTime[row] = time
    batch.value[row] = value
    batch.status[row] = status ?? 0
  })
  const known = { number: 7, id: sensor, valueType: 'number' as const }
  return { tenant, gateway: 'g', batch, rows: readings.map((_, row) => row), sensor: () => known as never }
}

describe('Blocks of the history', () => {
  const column = fc.array(fc.double(), { minLength: 1, maxLength: 100 })

  it('come back to the last bit, and are refused when cut off', () => {
    fc.assert(
      fc.property(column, (numbers) => {
        const columns = { times: Float64Array.from(numbers, (_, n) => n), values: Float64Array.from(numbers) }
        const block = encodeBlock(columns)
        expect(decodeBlock(block)).toEqual(columns)
        expect(() => decodeBlock(block.subarray(0, block.length - 1))).toThrow(/cannot be read/)
      }),
    )
  })

  it('are joined by time, those of one time in their order', () => {
    const time = fc.integer({ min: 0, max: 20 })
    fc.assert(
      fc.property(fc.array(fc.array(time, { maxLength: 10 }), { maxLength: 5 }), (pieces) => {
        let count = 0
        const columns = pieces.map((times) => ({
          times: Float64Array.from(times),
          values: Float64Array.from(times, () => (count += 1)),
        }))
        const expected = columns
          .flatMap(({ times, values }) => [...times].map((each, at) => [each, values[at]!] as const))
          .filter(([each]) => each >= 5 && each < 15)
          .toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
        const joined = joinColumns(columns, 5, 15)
        expect([...joined.times].map((each, at) => [each, joined.values[at]])).toEqual(expected)
      }),
    )
  })
})

describe.skipIf(!hasPostgres)('The history of readings (needs postgresql)', () => {
  let postgres: PostgresPeer
  let database: Database
  let clock: ManualClock
  let tenant = ''
  let tenants = 0
  beforeAll(async () => {
    postgres = await startPostgres()
    database = await openDatabase({
      url: postgres.url,
      folder: '',
      clock: (await import('#kit/clock.ts')).systemClock,
      log: silentLogger,
    })
  })
  afterAll(async () => {
    await database.close()
    await postgres.stop()
  })
  beforeEach(() => {
    clock = new ManualClock()
    tenant = `t${(tenants += 1)}`
  })

  const open = (limits: Partial<HistoryLimits> = {}) => {
    const registry = new Registry()
    return {
      registry,
      history: new ReadingHistory({
        database,
        clock,
        log: silentLogger,
        registry,
        limits: { ...HISTORY_LIMITS, ...limits },
      }),
    }
  }
  const key = (sensor: string) => ({ tenant, gateway: 'g', sensor })
  const minutes = (count: number, start = 0) =>
    Array.from({ length: count }, (_, n) => [clock.now() + (start + n) * 60_000, start + n] as const)

  it('has what it was given, good numbers only, from memory and after a restart', async () => {
    const { history } = open()
    history.take(records(tenant, 'a.b', [...minutes(3), [clock.now() + 1, 5, BAD], [clock.now() + 2, Number.NaN]]))
    expect([...(await history.read(key('a.b'), -Infinity, Infinity)).values]).toEqual([0, 1, 2])
    await history.stop()
    const later = open().history
    expect(await later.sensors(tenant, '')).toEqual([key('a.b')])
    expect([...(await later.read(key('a.b'), clock.now() + 60_000, Infinity)).values]).toEqual([1, 2])
    expect(await later.sensors('other', '')).toEqual([])
  })

  it('has each reading once, whatever is written while it is read', async () => {
    const { history } = open()
    const count = 3 * MAX_BLOCK_READINGS + 100
    history.take(records(tenant, 'a.b', minutes(count)))
    const reads = Array.from({ length: 10 }, () => history.read(key('a.b'), -Infinity, Infinity))
    const flushed = history.flush()
    for (const { values } of [...(await Promise.all(reads)), await history.read(key('a.b'), -Infinity, Infinity)])
      expect(values.length).toBe(count)
    await flushed
    expect((await history.read(key('a.b'), -Infinity, Infinity)).values).toHaveLength(count)
    await history.stop()
  })

  it('keeps the newest readings of each tenant, and none that is too old', async () => {
    const { history } = open({ maxReadings: 2 * MAX_BLOCK_READINGS, maxAgeMs: 86_400_000 })
    history.take(records(tenant, 'a.b', minutes(4 * MAX_BLOCK_READINGS)))
    history.take(records(`${tenant}-other`, 'a.b', [[clock.now(), 1]]))
    await history.flush()
    await history.prune()
    const { values } = await history.read(key('a.b'), -Infinity, Infinity)
    expect([values.length, values[0]]).toEqual([2 * MAX_BLOCK_READINGS, 2 * MAX_BLOCK_READINGS])
    expect((await history.read({ ...key('a.b'), tenant: `${tenant}-other` }, -Infinity, Infinity)).values).toHaveLength(
      1,
    )
    clock.step(365 * 86_400_000)
    await history.prune()
    expect((await history.read(key('a.b'), -Infinity, Infinity)).values).toHaveLength(0)
    await history.stop()
  })

  it('holds what comes while the database is killed, up to its bound, and counts the rest', async () => {
    const { history, registry } = open({ maxPending: 3000 })
    await history.start()
    history.take(records(tenant, 'a.b', minutes(1000)))
    await history.flush()
    await postgres.kill()
    history.take(records(tenant, 'a.b', minutes(4000, 1000)))
    await expect(history.flush()).rejects.toThrow()
    expect(await registry.metrics()).toContain('telemetryx_brain_history_dropped_total 1000')
    await postgres.restart()
    await vi.waitFor(() => history.flush(), { timeout: 60_000, interval: 200 })
    expect([...(await history.read(key('a.b'), -Infinity, Infinity)).values]).toEqual(
      Array.from({ length: 4000 }, (_, n) => n),
    )
    await history.stop()
  })

  it('writes by itself when a block is half a minute old', async () => {
    const { history } = open()
    await history.start()
    history.take(records(tenant, 'a.b', minutes(5)))
    await clock.advance(40_000)
    const written = () => database.query('SELECT 1 FROM brain_analytics.history WHERE tenant = $1', [tenant])
    await vi.waitFor(async () => expect(await written()).toHaveLength(1), 60_000)
    await history.stop()
  })
})
