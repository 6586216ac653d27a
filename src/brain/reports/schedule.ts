// Reports that are written by themselves, as a file in the data folder and as an e-mail when one is asked for. Which was the last one is
// told by the files: what a stopped brain has missed is written when it starts, the last one only.

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { replaceFile } from '#kit/replace-file.ts'
import { sensorMatcher } from '../rules/sensor-glob.ts'
import type { SendMail } from '../service.ts'
import type { ReportRange } from './run-report.ts'

/** As configured. */
export interface ReportSchedule {
  readonly name: string
  readonly tenant: string
  readonly title: string
  /** Patterns on full sensor ids. */
  readonly sensors: readonly string[]
  /** A report covers so much, and is written at each whole multiple of it since 1970, UTC. Milliseconds. */
  readonly everyMs: number
  readonly mailTo: readonly string[]
}

export interface SchedulerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly sendMail: SendMail | null
  /** Where the files go: `FOLDER/TENANT/NAME-2026-11-20T00-00-00Z.md`. */
  readonly folder: string
  readonly schedules: readonly ReportSchedule[]
  run(range: ReportRange, signal: AbortSignal): Promise<string>
}

/** The longest delay of a timer. */
const MAX_DELAY_MS = 3_600_000
const RETRY_MS = 60_000

export class ReportScheduler {
  readonly #options: SchedulerOptions
  readonly #timers = new Map<string, Timer>()
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  start(): void {
    for (const schedule of this.#options.schedules) this.#plan(schedule, 0)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const timer of this.#timers.values()) timer.cancel()
    await Promise.allSettled(this.#running)
  }

  #plan(schedule: ReportSchedule, delayMs: number): void {
    if (this.#stopping.signal.aborted) return
    const timer = this.#options.clock.after(Math.min(MAX_DELAY_MS, delayMs), () => {
      const running = this.#runDue(schedule).then((waitMs) => {
        this.#running.delete(running)
        this.#plan(schedule, waitMs)
      })
      this.#running.add(running)
    })
    this.#timers.set(`${schedule.tenant}/${schedule.name}`, timer)
  }

  /** Writes the report of the last whole period unless it is there. Answers when to look again. */
  async #runDue(schedule: ReportSchedule): Promise<number> {
    const { clock, log } = this.#options
    const { everyMs, name, tenant } = schedule
    const end = Math.floor(clock.now() / everyMs) * everyMs
    try {
      await this.#write(schedule, end)
    } catch (cause) {
      if (this.#stopping.signal.aborted) return RETRY_MS
      const isEmpty = isTelemetryError(cause, 'NOT_FOUND')
      if (!isEmpty) log.warn({ err: cause, report: name, tenant }, 'A report could not be written; it is tried again')
      return Math.min(RETRY_MS, Math.max(0, end + everyMs - clock.now()))
    }
    return Math.max(0, end + everyMs - clock.now())
  }

  async #write({ everyMs, mailTo, name, sensors, tenant, title }: ReportSchedule, end: number): Promise<void> {
    const { folder, log, sendMail } = this.#options
    const file = reportFile(name, end)
    const place = join(folder, tenant)
    await mkdir(place, { recursive: true, mode: 0o700 })
    if ((await readdir(place)).includes(file)) return
    const patterns = sensors.map(sensorMatcher)
    const text = await this.#options.run(
      { tenant, patterns, title, from: end - everyMs, to: end },
      this.#stopping.signal,
    )
    if (mailTo.length > 0) {
      if (sendMail === null) log.warn({ report: name }, 'A report has recipients, but no mail server is configured')
      else await sendMail({ tenant, to: mailTo, subject: title, text })
    }
    // Last: while it is not there the report counts as not written.
    await replaceFile(join(place, file), text, { mode: 0o600 })
    log.info({ report: name, tenant, file: join(place, file) }, 'Report written')
  }
}

/** A name that file systems take. */
export function reportFile(name: string, end: number): string {
  return `${name}-${new Date(end)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')}.md`
}
