// A gateway at run time: starts its parts in order and stops them without losing anything.
//
//   start: pipeline → broker → drivers → API → uplinks        (the store runs already)
//   stop: broker → drivers → pipeline → commit → uplinks → traces → API → store

import { checkListening } from '#api/listen.ts'
import type { HealthReason } from '#domain/component.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { GatewayOptions, GatewayParts } from './gateway-options.ts'
import { gatewayHealth } from './health.ts'
import { prepareDrivers } from './prepare-drivers.ts'
import { ProgressWatch } from './progress-watch.ts'

/** Long enough for devices that answer at all; the API of a gateway whose devices are silent comes so much later. */
const FIRST_RECORD_MS = 300

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

export class RunningGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #parts: GatewayParts
  #stopping: Promise<void> | null = null

  constructor(options: GatewayOptions, parts: GatewayParts) {
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
    const { catalogue, config, log } = this.#options
    await checkListening(config.http) // another gateway's port: then no device is touched
    await broker?.start(never)
    // Loading a library takes the process for some tenths of a second: better now than amid polls.
    await prepareDrivers(config, catalogue, (driver, err) =>
      log.warn({ driver, err }, 'A driver could not be prepared'),
    )
    await acquisition.start(never)
    await this.#firstRecord()
    await api.start(never)
    await uplinks.start(never) // the audit log is open for what they are told to do
    this.#options.afterLoading?.()
    this.#parts.configuration?.start()
    this.#options.log.info({ url: this.url, epoch: store.epoch }, 'Gateway is running')
  }

  /** The first answers are taken before the API's code is loaded, which holds the process up. */
  async #firstRecord(): Promise<void> {
    const { store } = this.#parts
    const { clock, config } = this.#options
    if (config.devices.length === 0) return
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        timer.cancel()
        unsubscribe()
        resolve()
      }
      const unsubscribe = store.journal.onAppend(goOn)
      const timer = clock.after(FIRST_RECORD_MS, goOn)
    })
  }

  stop(options: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(options.deadlineMs)
    return this.#stopping
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { api, uplinks, acquisition, pipeline, store, broker, traces } = this.#parts
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
    await step('traces', () => traces.close())
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
