// Latest values of machines as dashboards ask for them: the same machines again and again, some at the same moment. Once from
// PostgreSQL, once through Redis.

import { openRedis } from '#backing/redis.ts'
import type { ReadingsPort } from '#central/ports.ts'
import { systemClock as clock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { silentLogger as log } from '#kit/logger.ts'
import { openStorage } from '#test/central/storage/central-fixture.ts'
import { startRedis } from '#test/sim/redis.ts'
import { GATEWAYS } from './batches.ts'

const ASKS = 2000
const AT_ONCE = 8
const PAGE = { limit: 1000, cursor: null }

export async function measureLatest(readings: ReadingsPort, tenant: number): Promise<Record<string, number>> {
  const latency = new LatencyHistogram()
  let asked = 0
  const client = async (): Promise<void> => {
    while (asked < ASKS) {
      const machine = `m-${asked++ % GATEWAYS}`
      const start = performance.now()
      await readings.latest(tenant, { ...PAGE, machine })
      latency.record(performance.now() - start)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  const elapsed = performance.now() - start
  return {
    dashboardAsksPerSecond: Math.round((ASKS / elapsed) * 1000),
    dashboardP50Ms: latency.quantile(0.5),
    dashboardP99Ms: latency.quantile(0.99),
  }
}

/** Of the same database. */
export async function measureShared(url: string, tenant: number): Promise<Record<string, number>> {
  const server = await startRedis()
  const redis = await openRedis({ url: server.url, clock, log })
  const fixture = await openStorage({ url, folder: '' }, { redis })
  const figures = await measureLatest(fixture.storage.readings, tenant)
  const { latest } = fixture.storage
  const share = latest!.figures.redis / (latest!.figures.redis + latest!.figures.database)
  await fixture.close()
  await redis.close()
  await server.stop()
  return { ...figures, dashboardShareOfRedis: share }
}
