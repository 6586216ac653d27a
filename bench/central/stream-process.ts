// One central process as the stream's consumer: takes what JetStream has into PostgreSQL, until its parent says `stop`.

import { openDatabase } from '#backing/database.ts'
import { openNats } from '#backing/nats.ts'
import { StreamIngest } from '#central/stream/stream-ingest.ts'
import { CentralStorage } from '#central/storage/open-storage.ts'
import { systemClock as clock } from '#kit/clock.ts'
import { silentLogger as log } from '#kit/logger.ts'
import { openTracing } from '#kit/tracing.ts'
import { RETENTION } from '#test/central/storage/central-fixture.ts'
import { LIMITS, type StreamPlace } from './stream.ts'

const { databaseUrl, natsUrl } = JSON.parse(process.argv[2]!) as StreamPlace
const database = await openDatabase({ url: databaseUrl, folder: '', clock, log })
const storage = await CentralStorage.open({ database, clock, log, retention: RETENTION })
const nats = await openNats({ urls: [natsUrl], credentials: null, clock, log })
const tracing = await openTracing({ endpoint: null, service: 'telemetryx-central', version: '0' })
const stream = new StreamIngest({ nats, ingest: storage.ingest, tracing, clock, log, ...LIMITS })

process.once('message', () => void stop())
stream.start()
process.send?.('ready')

async function stop(): Promise<void> {
  await stream.stop()
  await nats.close()
  await storage.close()
  await database.close()
  await tracing.close()
  process.disconnect()
}
