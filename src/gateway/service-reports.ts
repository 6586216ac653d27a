// Reports a running gateway to its service manager: a status line now and then, and progress while the pipeline makes some.

import type { HealthReason } from '#domain/component.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Gateway } from './gateway.ts'
import type { ProgressWatch } from './progress-watch.ts'
import type { ServiceManager } from './service-manager.ts'

/** Looks per watchdog time: some may come late, or fail once. */
const LOOKS = 4
const STATUS_EVERY_MS = 30_000

export interface ServiceReportsOptions {
  readonly gateway: Pick<Gateway, 'health' | 'progress'>
  readonly manager: ServiceManager
  readonly clock: Clock
  readonly log: Log
}

export class ServiceReports {
  readonly #options: ServiceReportsOptions
  readonly #watch: ProgressWatch | null
  readonly #everyMs: number
  #timer: Timer | null = null
  #isLooking = false
  #isStopped = false
  #told = ''
  #stuck: string | null = null

  constructor(options: ServiceReportsOptions) {
    const { watchdogMs } = options.manager
    this.#options = options
    this.#everyMs = watchdogMs === null ? STATUS_EVERY_MS : watchdogMs / LOOKS
    this.#watch = watchdogMs === null ? null : options.gateway.progress(watchdogMs / 2)
  }

  /** Tells that the gateway serves, and goes on reporting. */
  start(): void {
    void this.ready()
    this.#schedule()
  }

  /** It serves (again). */
  ready(): Promise<void> {
    this.#told = statusOf(this.#options.gateway.health())
    return this.#options.manager.ready(this.#told)
  }

  /** The last message; from now on the time that systemd gives a stop counts. */
  stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    return this.#options.manager.stopping()
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#everyMs, () => {
      if (this.#watch === null) this.#tellStatus(statusOf(this.#options.gateway.health()))
      else if (this.#isLooking) this.#judge(this.#watch.silence)
      else void this.#look(this.#watch)
      this.#schedule()
    })
  }

  async #look(watch: ProgressWatch): Promise<void> {
    this.#isLooking = true
    const stuck = await watch.look()
    this.#isLooking = false
    if (this.#isStopped) return
    if (stuck !== null) {
      this.#judge(stuck)
      return
    }
    if (this.#stuck !== null) this.#options.log.info({}, 'The pipeline makes progress again')
    this.#stuck = null
    this.#told = statusOf(this.#options.gateway.health())
    await this.#options.manager.alive(this.#told)
  }

  #judge(stuck: string | null): void {
    if (stuck === null) return
    if (this.#stuck === null)
      this.#options.log.error({ reason: stuck }, 'The pipeline makes no progress: the watchdog will start it anew')
    this.#stuck = stuck
    this.#tellStatus(`No progress: ${stuck}`)
  }

  #tellStatus(text: string): void {
    if (text === this.#told) return
    this.#told = text
    void this.#options.manager.status(text)
  }
}

/** How it is, in a sentence; what blocks comes first in `reasons`. */
export function statusOf(reasons: readonly HealthReason[]): string {
  const [first, ...others] = reasons
  if (first === undefined) return 'Running: all is well'
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return `${first.blocking ? 'Not working' : 'Running'}: ${first.message}${more}`
}
