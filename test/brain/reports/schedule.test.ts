import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ReportRange } from '#brain/reports/run-report.ts'
import { ReportScheduler, type ReportSchedule } from '#brain/reports/schedule.ts'
import { TelemetryError } from '#domain/errors.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const HOUR = 3_600_000
const schedule: ReportSchedule = {
  name: 'hourly',
  tenant: 'a',
  title: 'Hourly',
  sensors: ['p.*'],
  everyMs: HOUR,
  mailTo: ['x@plant.example'],
}

const WAIT = { timeout: 60_000, interval: 20 }

describe('A scheduled report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-reports-'))
  const schedulers: ReportScheduler[] = []
  afterEach(async () => {
    for (const scheduler of schedulers.splice(0)) await scheduler.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function started(clock: ManualClock, run: (range: ReportRange) => Promise<string>) {
    const mails: { to: readonly string[]; subject: string; text: string }[] = []
    const scheduler = new ReportScheduler({
      clock,
      log: silentLogger,
      folder,
      schedules: [schedule],
      run,
      sendMail: async (mail) => void mails.push(mail),
    })
    scheduler.start()
    schedulers.push(scheduler)
    return mails
  }

  const files = (): string[] => {
    try {
      return readdirSync(join(folder, 'a'))
        .filter((name) => name.endsWith('.md'))
        .toSorted()
    } catch {
      return []
    }
  }

  it('is written for each whole period, once, by file and by mail', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 20, 12, 30))
    const ranges: ReportRange[] = []
    const mails = started(clock, async (range) => {
      ranges.push(range)
      return `from ${range.from}\n`
    })
    await clock.advance(0)
    await vi.waitFor(() => expect(files()).toEqual(['hourly-2026-11-20T12-00-00Z.md']), WAIT)
    await vi.waitFor(() => expect(clock.pending).toBe(1), WAIT)
    expect(ranges[0]).toMatchObject({
      tenant: 'a',
      title: 'Hourly',
      from: Date.UTC(2026, 10, 20, 11),
      to: Date.UTC(2026, 10, 20, 12),
    })
    expect(readFileSync(join(folder, 'a', files()[0]!), 'utf8')).toBe(`from ${Date.UTC(2026, 10, 20, 11)}\n`)
    await clock.advance(HOUR)
    await vi.waitFor(() => expect(files()).toHaveLength(2), WAIT)
    expect(mails.map(({ subject, to }) => ({ subject, to }))).toEqual(
      Array(2).fill({ subject: 'Hourly', to: ['x@plant.example'] }),
    )
    // Another start in the same hour finds it there.
    await schedulers.pop()!.stop()
    started(clock, async () => {
      throw new Error('asked again')
    })
    await clock.advance(0)
    await vi.waitFor(() => expect(clock.pending).toBe(1), WAIT)
    expect(files()).toHaveLength(2)
  })

  it('is tried again after a failure, and not while there is nothing to tell', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 20, 12, 30))
    let tries = 0
    started(clock, async () => {
      tries += 1
      if (tries === 1) throw new TelemetryError('CONNECTION_LOST', 'away', { retryable: true })
      if (tries === 2) throw new TelemetryError('NOT_FOUND', 'No sensor')
      return 'text\n'
    })
    for (const count of [1, 2, 3]) {
      await clock.advance(60_000)
      await vi.waitFor(() => expect(tries).toBeGreaterThanOrEqual(count), WAIT)
      await vi.waitFor(() => expect(clock.pending).toBe(1), WAIT)
    }
    await vi.waitFor(() => expect(files()).toHaveLength(1), WAIT)
  })
})
