// The composition root of the gateway: makes every part and wires it to the others. Nothing but the store runs yet.

import { createAcquisition } from '#acquisition/acquisition.ts'
import type { AuditSink } from '#domain/audit.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import { qualityOf } from '#domain/quality.ts'
import { createPipeline } from '#pipeline/pipeline.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { auditedDesk, withAuditedOutcomes } from './audited-doors.ts'
import { AppearedSensors } from './appeared-sensors.ts'
import { gatewayBroker } from './broker.ts'
import { systemClockProbe } from './clock-probe.ts'
import { ClockWatch, EARLIEST_MS } from './clock-watch.ts'
import { DetectorFile, readLearnt } from './detector-file.ts'
import { acquiredDevices } from './devices.ts'
import { Durability } from './durability.ts'
import { gatewayConfiguration } from './gateway-configuration.ts'
import { gatewayHealth, storeFailure } from './health.ts'
import { Ingest } from './ingest.ts'
import { reloadPresent } from './reload.ts'
import { buildModel, sensorKeys } from './model.ts'
import { Present } from './present.ts'
import { secretDoors } from './secret-doors.ts'
import { uplinkDefinitions } from './uplink-definitions.ts'
import { openGatewayTraces } from './tracing.ts'
import { uplinkPorts } from './uplink-ports.ts'
import { LateApi } from './late-api.ts'
import type { GatewayOptions, GatewayParts } from './gateway-options.ts'
import type { Registry } from '#kit/metrics.ts'
import type { Store } from '#store/store.ts'

/** Most devices are connected by then: one that is a moment late for its first deadline waits for a whole interval. */
const HEAD_START_MS = 100

/** `store` is open. */
export async function composeGateway(options: GatewayOptions, store: Store, registry: Registry): Promise<GatewayParts> {
  const { config, catalogue, clock, log, random } = options
  const appeared = await AppearedSensors.load({ dataDir: config.data, catalogue, log: log.child({ room: 'ingest' }) })
  const extended = appeared.extend(config)
  const model = buildModel(extended, await store.registerSensors(sensorKeys(extended)))
  const present = new Present(extended, model)
  const pipeline = createPipeline({
    clock,
    log: log.child({ room: 'pipeline' }),
    registry,
    ring: store.ring,
    model,
    openAlarms: await store.history.openAlarms(),
    memory: (await readLearnt({ dataDir: config.data, clock, log })) ?? undefined,
  })
  const detectorFile = new DetectorFile({ dataDir: config.data, clock, log }, () => pipeline.learnt())
  const clockProbe = systemClockProbe(EARLIEST_MS)
  const clockWatch = new ClockWatch({
    clock,
    store,
    registry,
    log: log.child({ room: 'clock' }),
    record: (event) => void pipeline.record(event),
    probe: () => clockProbe.read(),
  })
  const durability = new Durability({ clock, flush: () => store.flush() })
  const broker = gatewayBroker({ config: config.broker, clock, log: log.child({ room: 'broker' }), registry })
  const ingest = new Ingest({
    hasRoomFor: (records, bytes) => pipeline.hasRoomFor(records, bytes),
    capacity: store.ring.capacity,
    storeFailure: () => storeFailure(store.history.status()),
    record: (event) => pipeline.record(event),
    durable: () => durability.durable(),
    clock,
    isKnown: (id) => present.takesReadings(id),
    adopt: (device, sensors) =>
      reloadPresent((known) => appeared.add(known, device, sensors), {
        catalogue,
        clock,
        store,
        pipeline,
        acquisition,
        uplinks,
        present,
        appeared,
      }),
  })
  const acquisition = createAcquisition({
    clock,
    log: log.child({ room: 'acquisition' }),
    registry,
    random,
    sink: pipeline.sink,
    hasRoom: () => pipeline.hasRoom(),
    sensorQuality: (sensor) => {
      const latest = pipeline.latest.read(sensor)
      return latest === null ? null : qualityOf(latest.status)
    },
    writeJournal: {
      latest: (sensor) => pipeline.latest.read(sensor)?.value ?? null,
      record: (event) => void pipeline.record(event),
    },
    devices: acquiredDevices(extended, catalogue, model),
    originMs: clock.monotonic() + HEAD_START_MS,
    offered: {
      gateway: config.gateway.id,
      dataDir: config.data,
      durable: () => durability.whenDurable(),
      hasRoom: () => pipeline.hasRoom(),
      ...(broker ? { broker } : {}),
      inbox: ingest,
    },
  })
  let desk: ConfigurationDesk | null = null
  const audit: AuditSink = { record: (change) => api.audit.record(change) }
  const lent = { audit, model: () => present.model, configuration: () => desk }
  const traces = await openGatewayTraces(config, clock)
  const uplinks = createUplinks({
    clock,
    log: log.child({ room: 'uplinks' }),
    registry,
    random,
    journal: store.journal,
    model: () => present.model,
    gateway: config.gateway.id,
    factory: model.factories[0]!.id,
    uplinks: uplinkDefinitions(config, catalogue),
    expected: options.expectedUplinks ?? [],
    ports: uplinkPorts({ config, store, pipeline, devices: acquisition, traces: traces.records, ...lent }),
  })
  const health = () => gatewayHealth({ store, pipeline, acquisition, uplinks, clockWatch })
  const { source } = options
  const changeable = { config, catalogue, clock, log: log.child({ room: 'configuration' }), present, reasons: health }
  const configuration = source
    ? await gatewayConfiguration({ ...changeable, source, store, pipeline, acquisition, uplinks, appeared })
    : null
  const watched = configuration && withAuditedOutcomes(configuration, audit)
  desk = watched && auditedDesk(watched, audit, (origin) => (origin === 'file' ? 'local' : origin))
  const forSecrets = { catalogue, dataDir: config.data, log: log.child({ room: 'secrets' }) }
  const typed =
    source && configuration && watched
      ? await secretDoors({ source, configuration, desk: watched, ...forSecrets })
      : null
  const seen = { store, pipeline, acquisition, uplinks, registry, ingest, present, health, typed }
  const load = async () => (await import('./gateway-api.ts')).gatewayApi(options, seen)
  const api = new LateApi(load, log.child({ room: 'api' }))
  return { store, pipeline, api, uplinks, traces, acquisition, broker, clockWatch, configuration, desk, detectorFile }
}
