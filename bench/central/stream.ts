// What scaling out costs: batches through JetStream into PostgreSQL, with one and with two processes that consume. What is accepted is
// in JetStream; the readings a second are counted until the last one is in PostgreSQL. NATS runs alone, as one process on this machine.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openNats } from '#backing/nats.ts'
import { StreamIngest } from '#central/stream/stream-ingest.ts'
import { INGEST_STREAM } from '#central/stream/subjects.ts'
import { sleep, systemClock as clock } from '#kit/clock.ts'
import { silentLogger as log } from '#kit/logger.ts'
import { openTracing } from '#kit/tracing.ts'
import { makeTenant, openStorage } from '#test/central/storage/central-fixture.ts'
import { startNats } from '#test/sim/nats.ts'
import { startPostgres } from '#test/sim/postgres.ts'
import { BATCH, GATEWAYS, SECONDS_A_BATCH, sendAll } from './batches.ts'

const PROGRAM = fileURLToPath(new URL('./stream-process.ts', import.meta.url))
const LOOK_MS = 20
/** As a central is configured when nothing is said. */
export const LIMITS = { replicas: 1, partitions: 8, maxBytes: 4 * 2 ** 30, ackWaitMs: 5000 }

export interface StreamPlace {
  readonly databaseUrl: string
  readonly natsUrl: string
}

/** @param settings of the PostgreSQL server. */
export async function measureStream(
  processes: number,
  readings: number,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, number>> {
  const [postgres, server] = await Promise.all([startPostgres(settings), startNats()])
  const place = { databaseUrl: postgres.url, natsUrl: server.url }
  const fixture = await openStorage({ url: postgres.url, folder: '' })
  const tenant = await makeTenant(fixture, 'bench')
  const nats = await openNats({ urls: [server.url], credentials: null, clock, log })
  const tracing = await openTracing({ endpoint: null, service: 'telemetryx-central', version: '0' })
  const door = new StreamIngest({ nats, ingest: fixture.storage.ingest, tracing, clock, log, ...LIMITS })
  const consumers = await Promise.all(Array.from({ length: processes }, () => start(place)))
  const batches = Math.max(1, Math.round(readings / GATEWAYS / BATCH))
  const began = performance.now()
  const latency = await sendAll(door, { tenant, batches, from: Date.now() - batches * SECONDS_A_BATCH * 1000 })
  const acceptedMs = performance.now() - began
  while ((await nats.waiting(INGEST_STREAM)) > 0) await sleep(clock, LOOK_MS)
  const allMs = performance.now() - began
  const kept = Number(postgres.psql('SELECT count(*) FROM central.reading'))
  const all = batches * BATCH * GATEWAYS
  if (kept !== all) throw new Error(`${all - kept} readings are missing`)
  await Promise.all(consumers.map(stop))
  await door.stop()
  await nats.close()
  await fixture.close()
  await Promise.all([server.stop(), postgres.stop()])
  return {
    readingsPerSecond: Math.round((all / allMs) * 1000),
    acceptedPerSecond: Math.round((all / acceptedMs) * 1000),
    acceptP50Ms: latency.quantile(0.5),
    acceptP99Ms: latency.quantile(0.99),
  }
}

async function start(place: StreamPlace): Promise<ChildProcess> {
  const child = fork(PROGRAM, [JSON.stringify(place)], { execArgv: [] })
  await once(child, 'message')
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.send('stop')
  await exited
}
