// The composition root of the gateway: makes every part, starts them in order and stops them without losing anything.
//
//   start: store → pipeline → API → uplinks → broker → drivers
//   stop: broker → drivers → pipeline → commit → uplinks → API → store

import { existsSync } from 'node:fs'
import { createAcquisition, type Acquisition } from '#acquisition/acquisition.ts'
import type { EventEntry } from '#domain/alarm.ts'
import type { AuditSink } from '#domain/audit.ts'
import { createApi, type Api } from '#api/server.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { HealthReason } from '#domain/component.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import { qualityOf } from '#domain/quality.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { checkDesk } from './backtest.ts'
import { createPipeline, type Pipeline } from '#pipeline/pipeline.ts'
import { openStore, type Store } from '#store/store.ts'
import { createUplinks, type Uplinks } from '#uplinks/uplinks.ts'
import { auditedDesk, withAuditedOutcomes } from './audited-doors.ts'
import { CommandArchives } from './archives.ts'
import { AppearedSensors } from './appeared-sensors.ts'
import { gatewayBroker, type EmbeddedBroker } from './broker.ts'
import { systemClockProbe } from './clock-probe.ts'
import { ClockWatch, EARLIEST_MS } from './clock-watch.ts'
import type { Configuration } from './configuration.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import { DetectorFile, readLearnt } from './detector-file.ts'
import { acquiredDevices } from './devices.ts'
import { Durability } from './durability.ts'
import { gatewayConfiguration } from './gateway-configuration.ts'
import { gatewayHealth, storeFailure } from './health.ts'
import { Ingest } from './ingest.ts'
import { reloadPresent } from './reload.ts'
import { buildModel, sensorKeys } from './model.ts'
import { Present } from './present.ts'
import { ProgressWatch } from './progress-watch.ts'
import { uplinkDefinitions } from './uplink-definitions.ts'
import { uplinkPorts } from './uplink-ports.ts'
import { StoreAlarms } from './store-alarms.ts'
import { packageVersion, PACKAGE_ROOT } from './version.ts'

export interface GatewayOptions {
  readonly config: GatewayConfig
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly log: Logger
  /** Uniform in [0, 1); for jitter. */
  readonly random: () => number
  /** Where `config` was read from; absent: it cannot be changed while the gateway runs. */
  readonly source?: ConfigurationSource
  /** The last lines that `log` wrote, oldest first. */
  readonly recentLog?: () => readonly string[]
  /** Folder of the built dashboard; default: dist/ui. */
  readonly dashboardDir?: string
}

export interface StopOptions {
  /** Milliseconds for the whole stop: three quarters softly, then whatever still runs is aborted. */
  readonly deadlineMs: number
}

/** A running gateway. */
export interface Gateway {
  /** Where the dashboard is. */
  readonly url: string
  /** One-time link that creates the first user; null when there is one, or no authentication. */
  readonly setupUrl: string | null
  /** Changes it while it runs; null without a source. */
  readonly configuration: ConfigurationDesk | null
  health(): readonly HealthReason[]
  /** Whether the pipeline moves, for a watchdog; `patienceMs`: what may wait so long besides its due time. */
  progress(patienceMs: number): ProgressWatch
  /** Safe to call twice. */
  stop(options: StopOptions): Promise<void>
}

interface Parts {
  readonly clockWatch: ClockWatch
  readonly store: Store
  readonly pipeline: Pipeline
  readonly api: Api
  readonly uplinks: Uplinks
  readonly acquisition: Acquisition
  readonly configuration: Configuration | null
  /** The same, told to the audit log. */
  readonly desk: ConfigurationDesk | null
  readonly broker: EmbeddedBroker | null
  readonly detectorFile: DetectorFile
}

/** Starts a gateway; resolves once it serves, whether or not devices and uplinks can be reached. Throws PORT_IN_USE, STORE_LOCKED, … */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, clock, log } = options
  const registry = new Registry()
  const early: EventEntry[] = []
  let record: (event: EventEntry) => void = (event) => void early.push(event)
  const store = await openStore({
    dataDir: config.data,
    ...config.store,
    buffer: config.buffer,
    clock,
    log: log.child({ room: 'store' }),
    registry,
    onEvent: (event) => record(event),
  })
  const parts = await composeParts(options, store, registry).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const alarms = new StoreAlarms(parts.pipeline, store.history.status())
  record = (event) => {
    parts.pipeline.record(event)
    alarms.hear(event)
  }
  for (const event of early) record(event)
  const running = new RunningGateway(options, parts)
  try {
    await running.start()
  } catch (error) {
    await running.stop({ deadlineMs: 5000 })
    throw error
  }
  return running
}

async function composeParts(options: GatewayOptions, store: Store, registry: Registry): Promise<Parts> {
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
    ports: uplinkPorts({ config, store, pipeline, devices: acquisition, ...lent }),
  })
  const health = () => gatewayHealth({ store, pipeline, acquisition, uplinks, clockWatch })
  const { source } = options
  const changeable = { config, catalogue, clock, log: log.child({ room: 'configuration' }), present, reasons: health }
  const configuration = source
    ? await gatewayConfiguration({ ...changeable, source, store, pipeline, acquisition, uplinks, appeared })
    : null
  const watched = configuration && withAuditedOutcomes(configuration, audit)
  desk = watched && auditedDesk(watched, audit, (origin) => (origin === 'file' ? 'local' : origin))
  const startedAt = clock.now()
  const dashboardDir = options.dashboardDir ?? `${PACKAGE_ROOT}dist/ui`
  const api = createApi({
    http: config.http,
    dataDir: config.data,
    info: {
      id: config.gateway.id,
      version: packageVersion(),
      epoch: store.epoch,
      startedAt,
      health,
      model: () => present.model,
    },
    latest: pipeline.latest,
    alarms: pipeline.alarms,
    alarmOperators: () => present.config.alarms.operators,
    history: store.history,
    checks: checkDesk({ pipeline, model: () => present.model, log }),
    devices: acquisition,
    uplinks,
    registry,
    ingest,
    ...(watched && { configuration: watched }),
    dashboardDir: existsSync(dashboardDir) ? dashboardDir : null,
    clock,
    log: log.child({ room: 'api' }),
    archives: new CommandArchives({ dataDir: config.data, configFile: source?.file ?? null, history: store.history }),
    ...(options.recentLog && { recentLog: options.recentLog }),
  })
  return { store, pipeline, api, uplinks, acquisition, broker, clockWatch, configuration, desk, detectorFile }
}

class RunningGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #parts: Parts
  #stopping: Promise<void> | null = null

  constructor(options: GatewayOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  get url(): string {
    return this.#parts.api.url
  }

  get setupUrl(): string | null {
    return this.#parts.api.setupUrl
  }

  get configuration(): ConfigurationDesk | null {
    return this.#parts.desk
  }

  health(): readonly HealthReason[] {
    return gatewayHealth(this.#parts)
  }

  progress(patienceMs: number): ProgressWatch {
    const { store, acquisition } = this.#parts
    const { clock, config } = this.#options
    return new ProgressWatch({
      clock,
      written: () => store.ring.written,
      beat: () => store.beat(),
      flushIntervalMs: config.store.flushIntervalMs,
      lateMs: () => acquisition.lateMs,
      patienceMs,
    })
  }

  async start(): Promise<void> {
    const { api, uplinks, acquisition, store, broker } = this.#parts
    const never = new AbortController().signal
    this.#record('gateway-started', `Gateway ${this.#options.config.gateway.id} started`, { epoch: store.epoch })
    this.#parts.clockWatch.start()
    this.#parts.detectorFile.start()
    await api.start(never)
    await uplinks.start(never)
    await broker?.start(never)
    await acquisition.start(never)
    this.#parts.configuration?.start()
    this.#options.log.info({ url: this.url, epoch: store.epoch }, 'Gateway is running')
  }

  stop(options: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(options.deadlineMs)
    return this.#stopping
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { api, uplinks, acquisition, pipeline, store, broker } = this.#parts
    const { clock, log, config } = this.#options
    const abort = new AbortController()
    const timer = clock.after(deadlineMs * 0.75, () => {
      abort.abort(new TelemetryError('TIMEOUT', `The stop took longer than ${deadlineMs * 0.75} ms`))
    })
    const step = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        log.error({ part: name, err: error }, 'A part did not stop cleanly')
      }
    }
    await step('configuration', async () => this.#parts.configuration?.stop())
    // First: what is published from now on would be acknowledged with nobody there to take it.
    await step('broker', async () => broker?.stop(abort.signal))
    this.#parts.clockWatch.stop()
    await step('acquisition', () => acquisition.stop(abort.signal))
    this.#record('gateway-stopping', `Gateway ${config.gateway.id} is stopping`, { epoch: store.epoch })
    await step('detectors', () => this.#parts.detectorFile.stop())
    await step('store', () => store.flush(abort.signal))
    await step('uplinks', () => uplinks.stop(abort.signal))
    await step('api', () => api.stop(abort.signal))
    pipeline.close()
    await step('store', () => store.close())
    timer.cancel()
    log.info({}, 'Gateway has stopped')
  }

  #record(type: string, message: string, data: Record<string, unknown>): void {
    const time = this.#options.clock.now()
    this.#parts.pipeline.record({ kind: 'event', type, severity: 'info', time, message, source: 'gateway', data })
  }
}
