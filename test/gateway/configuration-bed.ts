// A configuration desk over real acquisition, pipeline and uplinks on simulated devices, in the time of a ManualClock, with its
// file and revisions in a folder of its own.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createAcquisition, type Acquisition } from '#acquisition/acquisition.ts'
import { parseGatewayConfig } from '#config/load.ts'
import type { EventEntry } from '#domain/alarm.ts'
import type { HealthReason } from '#domain/component.ts'
import { qualityOf } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { Configuration } from '#gateway/configuration.ts'
import { startRevision } from '#gateway/configuration-start.ts'
import { acquiredDevices } from '#gateway/devices.ts'
import { buildModel, sensorKeys } from '#gateway/model.ts'
import { Present } from '#gateway/present.ts'
import { reload } from '#gateway/reload.ts'
import { RevisionStore } from '#gateway/revision-store.ts'
import { uplinkDefinitions } from '#gateway/uplink-definitions.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { createPipeline, type Pipeline } from '#pipeline/pipeline.ts'
import { createUplinks, type Uplinks } from '#uplinks/uplinks.ts'
import { ModelJournal } from '../uplinks/model-journal.ts'
import { SimulatedPlant } from './simulated-plant.ts'

export interface BedOptions {
  /** To go on with the folder of another bed. */
  readonly folder?: string
  readonly env?: Record<string, string>
}

/** The head of every text: line 1 to 3. */
export const HEAD =
  'gateway: { id: edge-01, factory: Plant A }\nbuffer: { capacity: 65536 }\nconfiguration: { watch: 30s }\n'

export class ConfigurationBed {
  readonly clock = new ManualClock()
  readonly plant = new SimulatedPlant()
  readonly journal = new ModelJournal()
  readonly events: EventEntry[] = []
  readonly env: Record<string, string>
  readonly folder: string
  readonly file: string
  reasons: HealthReason[] = []
  pipeline!: Pipeline
  acquisition!: Acquisition
  uplinks!: Uplinks
  present!: Present
  desk!: Configuration
  revisions!: RevisionStore
  /** Called before a configuration is brought in; may throw. */
  beforeBringIn: () => void = () => {}
  readonly #numbers = new Map<string, SensorNumber>()

  constructor({ folder, env }: BedOptions = {}) {
    this.env = env ?? {}
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'telemetryx-configuration-'))
    this.file = join(this.folder, 'gateway.yaml')
    if (folder === undefined) onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** Starts on what is in the file; `text` is written into it first. */
  async start(text?: string): Promise<this> {
    if (text !== undefined) writeFileSync(this.file, text)
    const { clock, plant, file, env } = this
    const written = readFileSync(this.file, 'utf8')
    const loaded = parseGatewayConfig(written, { file, catalogue: plant.catalogue, env })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const { config } = loaded
    this.#compose(loaded.config)
    const registerSensors = this.#register
    const source = { file, env, loaded }
    this.revisions = await RevisionStore.open(join(this.folder, 'revisions'), () => 100, silentLogger)
    const head = await startRevision(this.revisions, source, { clock, log: silentLogger })
    const appeared = { extend: <T>(config: T): T => config }
    const parts = { catalogue: plant.catalogue, clock, store: { registerSensors }, appeared }
    const { pipeline, acquisition, uplinks, present } = this
    this.desk = new Configuration(
      {
        source,
        config,
        catalogue: plant.catalogue,
        clock,
        log: silentLogger,
        revisions: this.revisions,
        bringIn: async (next) => {
          this.beforeBringIn()
          const appeared = { extend: (config: typeof next) => config }
          await reload(next, { ...parts, pipeline, acquisition, uplinks, present, appeared })
        },
        health: () => ({ devices: acquisition.list(), uplinks: uplinks.list(), reasons: this.reasons }),
        record: (event) => void this.events.push(event),
        parse: async ({ text, files }) => {
          const texts = new Map(files.map((named) => [named.path, named.text]))
          return parseGatewayConfig(text, {
            file,
            catalogue: plant.catalogue,
            env,
            fileText: (path) => texts.get(path),
          })
        },
      },
      head,
    )
    const never = new AbortController().signal
    await uplinks.start(never)
    await acquisition.start(never)
    this.desk.start()
    onTestFinished(() => this.end())
    await clock.advance(3000)
    return this
  }

  async end(): Promise<void> {
    await this.desk.stop()
    await this.during(this.acquisition.stop(AbortSignal.abort()))
    await this.during(this.uplinks.stop(AbortSignal.abort()))
    this.pipeline.close()
  }

  /** Lets time pass until `work` is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const end = (): void => void (isDone = true)
    work.then(end, end)
    while (!isDone) await this.clock.advance(1)
    return work
  }

  apply(text: string, more: { comment?: string; ifMatch?: string; by?: string } = {}) {
    const { comment = null, ifMatch = null, by = 'engineer' } = more
    return this.during(this.desk.apply({ text, by, origin: 'api', comment, ifMatch }))
  }

  get onDisk(): string {
    return readFileSync(this.file, 'utf8')
  }

  value(id: string): unknown {
    const sensor = this.present.model.sensor(id)
    return sensor && this.pipeline.latest.read(sensor.number)?.value
  }

  /** Types of the events since the last look. */
  eventTypes(): string[] {
    return this.events.splice(0).map(({ type }) => type)
  }

  readonly #register = (keys: readonly { id: string; valueType: string }[]): Promise<SensorNumber[]> =>
    Promise.resolve(keys.map((key) => this.#numberOf(`${key.id} ${key.valueType}`)))

  #numberOf(key: string): SensorNumber {
    const number = this.#numbers.get(key) ?? this.#numbers.size
    this.#numbers.set(key, number)
    return number
  }

  #compose(config: ConstructorParameters<typeof Present>[0]): void {
    const { clock, plant, journal } = this
    const registry = new Registry()
    const keys = sensorKeys(config).map(({ id, valueType }) => this.#numberOf(`${id} ${valueType}`))
    this.present = new Present(config, buildModel(config, keys))
    const { model } = this.present
    const ring = new RingProducer({ memory: allocateRing(65_536), epoch: 1, whenFull: 'dropOldest' })
    this.pipeline = createPipeline({ clock, log: silentLogger, registry, ring, model, openAlarms: [] })
    const { pipeline } = this
    this.acquisition = createAcquisition({
      clock,
      log: silentLogger,
      registry,
      random: () => 0.5,
      sink: pipeline.sink,
      hasRoom: () => true,
      sensorQuality: (sensor) => {
        const latest = pipeline.latest.read(sensor)
        return latest === null ? null : qualityOf(latest.status)
      },
      devices: acquiredDevices(config, plant.catalogue, model),
    })
    this.uplinks = createUplinks({
      clock,
      log: silentLogger,
      registry,
      random: () => 0.5,
      journal,
      model: () => this.present.model,
      gateway: 'edge-01',
      factory: 'plant-a',
      uplinks: uplinkDefinitions(config, plant.catalogue),
    })
  }
}
