// Watches the wall clock: is it trusted, and does it step? A Raspberry Pi has no battery clock: it wakes up in the past and
// is set once the network is there. Until then, what is stamped is held in the journal and stamped anew after the step.

import type { EventEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { collectedGauge, type Registry } from '#kit/metrics.ts'
import type { Store } from '#store/store.ts'

/** What tells whether the wall clock can be trusted. */
export interface ClockProbe {
  /** The operating system says that it was synchronised since the boot. */
  readonly isSynchronized: boolean
  /** A service is there that will synchronise it. */
  readonly willSynchronize: boolean
  /** The machine has a clock that runs on without power. */
  readonly hasBatteryClock: boolean
}

/** Before this, no TelemetryX gateway ran. Unix milliseconds. */
export const EARLIEST_MS = Date.UTC(2026, 0, 1)
const LOOK_MS = 1000
/** Smaller differences are slewing and late timers, not steps. */
const STEP_MS = 1000

/** Trusted when it was synchronised, or when it can only be right: a battery clock, or nobody who would set it later. */
export function isTrusted(probe: ClockProbe, nowMs: number): boolean {
  if (nowMs < EARLIEST_MS) return false
  return probe.isSynchronized || probe.hasBatteryClock || !probe.willSynchronize
}

export interface ClockWatchOptions {
  readonly clock: Clock
  readonly store: Pick<Store, 'ring' | 'restamp' | 'setClockTrusted'>
  readonly registry: Registry
  readonly log: Log
  readonly record: (event: EventEntry) => void
  readonly probe: () => ClockProbe
}

export class ClockWatch {
  readonly #options: ClockWatchOptions
  #trusted: boolean
  /** Wall clock less monotonic clock at the last look. */
  #lead: number
  /** Records up to here were stamped before the last look. */
  #seen = 0
  /** First record that was stamped by a clock that was not trusted. */
  #from = 1
  #timer: Timer | undefined
  /** Steps are worked off one after another. */
  #restamping: Promise<void> = Promise.resolve()

  constructor(options: ClockWatchOptions) {
    const { clock, registry, store, probe } = options
    this.#options = options
    this.#lead = clock.now() - clock.monotonic()
    this.#trusted = isTrusted(probe(), clock.now())
    collectedGauge({
      registry,
      name: 'telemetryx_clock_trusted',
      help: '1 when the wall clock is trusted',
      collect: () => [{ value: this.#trusted ? 1 : 0 }],
    })
    if (this.#trusted) return
    this.#from = store.ring.written + 1
    store.setClockTrusted(false)
  }

  /** False while stamps may have to be corrected. */
  get isTrusted(): boolean {
    return this.#trusted
  }

  start(): void {
    if (!this.#trusted)
      this.#tell(
        'clock-untrusted',
        'warning',
        'The clock has not been set since the start: times may be corrected later',
      )
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      this.#look()
      this.#schedule()
    })
  }

  #look(): void {
    const { clock, store, probe } = this.#options
    const now = clock.now()
    const lead = now - clock.monotonic()
    const offsetMs = Math.round(lead - this.#lead)
    if (Math.abs(offsetMs) >= STEP_MS) this.#stepped(offsetMs, now)
    this.#lead = lead // follows slewing
    this.#seen = store.ring.written
    if (this.#trusted || !isTrusted(probe(), now)) return
    this.#trusted = true
    void this.#restamping.then(() => store.setClockTrusted(true)) // never rejects
    this.#tell('clock-trusted', 'info', 'The clock is set')
  }

  #stepped(offsetMs: number, now: number): void {
    const { store, log } = this.#options
    const seconds = (offsetMs / 1000).toFixed(1)
    if (this.#trusted) {
      this.#tell('clock-stepped', 'warning', `The clock was set by ${seconds} s; earlier times stay as they are`, {
        offsetMs,
      })
      return
    }
    const span = { from: this.#from, sure: this.#seen, to: store.ring.written, offsetMs, now }
    const stampAnew = async (): Promise<void> => {
      try {
        const records = await store.restamp(span)
        const message = `The clock was set by ${seconds} s; ${records} records since the start were stamped anew`
        this.#tell('clock-stepped', 'info', message, { offsetMs, records })
      } catch (error) {
        log.error({ err: error, offsetMs }, 'Records could not be stamped anew')
      }
    }
    this.#restamping = this.#restamping.then(stampAnew)
  }

  #tell(type: string, severity: EventEntry['severity'], message: string, data?: Record<string, unknown>): void {
    const { record, clock } = this.#options
    record({ kind: 'event', type, severity, time: clock.now(), message, source: 'gateway', ...(data ? { data } : {}) })
  }
}
