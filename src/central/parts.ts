// Makes central's parts and connects them: the stream and the shared feed when there is NATS, Redis for what is shared when there is
// one, the API on top.

import { fileURLToPath } from 'node:url'
import type { ListenConfig } from '#config/central-config.ts'
import type { HealthReason } from '#domain/component.ts'
import type { ServerTls } from '#rpc/server.ts'
import type { StoragePorts } from './api/context.ts'
import { CentralApi } from './api/server.ts'
import type { Backing, CentralOptions } from './options.ts'
import { CentralBrain } from './brain/central-brain.ts'
import { Doors, type Door } from './doors.ts'
import { GatewayAlerts } from './fleet/alerts.ts'
import { GrpcDoor } from './ingest/grpc-door.ts'
import { LineDoor } from './ingest/line-door.ts'
import type { IngestPort } from './ingest-ports.ts'
import { OidcVerifier } from './people/oidc.ts'
import { localValues } from './people/shared-values.ts'
import { readPem } from './pem.ts'
import type { CentralStorage } from './storage/open-storage.ts'
import { LocalFeed, type LiveFeed } from './stream/live-feed.ts'
import { SharedFeed } from './stream/shared-feed.ts'
import { registerStreamMetrics } from './stream/stream-figures.ts'
import { StreamIngest } from './stream/stream-ingest.ts'
import { CountedIngest } from './telemetry/ingest-metrics.ts'
import { traced } from './telemetry/traced-ingest.ts'

const BUILT_PAGES = fileURLToPath(new URL('../../dist/ui', import.meta.url))

export interface Parts {
  readonly api: CentralApi
  readonly doors: Doors
  readonly feed: LiveFeed
  readonly alerts: GatewayAlerts
  /** null: none is configured. */
  readonly brain: CentralBrain | null
  /** null: batches go into the database without a stream. */
  readonly stream: StreamIngest | null
}

export interface PartsOptions {
  readonly options: CentralOptions
  readonly backing: Backing
  readonly storage: CentralStorage
  readonly health: () => readonly HealthReason[]
}

/** Throws CONFIG_UNREADABLE. */
export async function composeParts({ backing, health, options, storage }: PartsOptions): Promise<Parts> {
  const { clock, config, log, version } = options
  const { redis, registry } = backing
  const isTraced = config.traceEndpoint !== null
  const { tracing } = backing
  const database = traced(isTraced, { ingest: storage.ingest, tracing, name: 'transaction', kind: 'client' })
  const stream = streamOf(options, backing, database)
  const feed = feedOf(backing, storage, stream)
  const ports: StoragePorts = storage
  const ingest = new CountedIngest({
    ingest: traced(isTraced, { ingest: stream ?? database, tracing, name: 'ingest', kind: 'server' }),
    totals: () => storage.ingest.figures,
    clock,
    registry,
  })
  const brain = await brainOf(options, backing)
  const api = new CentralApi({
    http: config.http,
    dataDir: config.data,
    pagesDir: options.pagesDir ?? BUILT_PAGES,
    version,
    storage: ports,
    ingest,
    feed,
    oidc: config.oidc && new OidcVerifier({ config: config.oidc, clock, log: log.child({ room: 'oidc' }) }),
    shared: redis ?? localValues(clock),
    brain,
    tracing: isTraced ? tracing : null,
    health,
    registry,
    clock,
    log: log.child({ room: 'api' }),
  })
  const alerts = new GatewayAlerts({
    source: storage.ingest,
    feed,
    alarms: storage.alarms,
    log: log.child({ room: 'alerts' }),
  })
  return { api, doors: await doorsOf(options, api, ingest), feed, alerts, brain, stream }
}

async function brainOf({ clock, config, log, random }: CentralOptions, { registry, tracing }: Backing) {
  if (config.brain === null) return null
  return CentralBrain.open({
    config: config.brain,
    clock,
    log: log.child({ room: 'brain' }),
    registry,
    tracing,
    random,
  })
}

function streamOf({ clock, config, log }: CentralOptions, { nats, tracing }: Backing, ingest: IngestPort) {
  if (config.nats === null || nats === null) return null
  const { maxBytes, partitions, replicas, takeOverMs: ackWaitMs } = config.nats
  const room = log.child({ room: 'stream' })
  return new StreamIngest({ nats, ingest, tracing, clock, log: room, replicas, partitions, maxBytes, ackWaitMs })
}

function feedOf({ nats, registry }: Backing, { ingest }: CentralStorage, stream: StreamIngest | null): LiveFeed {
  if (nats === null || stream === null) return new LocalFeed(ingest)
  registerStreamMetrics(registry, stream.figures, () => stream.waiting)
  return new SharedFeed({ source: ingest, nats, figures: stream.figures })
}

async function doorsOf(options: CentralOptions, { authenticate }: CentralApi, ingest: IngestPort): Promise<Doors> {
  const { clock, config, log, version } = options
  const doors: Door[] = []
  if (config.grpc !== null) {
    const { host, port } = config.grpc
    const room = log.child({ room: 'grpc' })
    const tls = await readTls(config.grpc.tls)
    const maxMessageBytes = config.http.limits.maxBodyBytes
    doors.push(new GrpcDoor({ host, port, tls, maxMessageBytes, authenticate, ingest, version, clock, log: room }))
  }
  if (config.line !== null) {
    const { host, port } = config.line
    const tls = await readTls(config.line.tls)
    doors.push(new LineDoor({ host, port, tls, authenticate, ingest, clock, log: log.child({ room: 'line' }) }))
  }
  return new Doors(doors)
}

async function readTls(tls: ListenConfig['tls']): Promise<ServerTls | null> {
  if (tls === null) return null
  const clientCa = tls.clientCa === null ? null : await readPem(tls.clientCa)
  return { cert: await readPem(tls.cert), key: await readPem(tls.key), clientCa }
}
