// A report that brain.yaml asks for, from the readings of a gateway to the file, by a brain as it is started.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { brainServices } from '#brain/services.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { BrainBed } from '../brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }
const DAY = 86_400_000

describe('A report of brain.yaml', () => {
  let postgres: PostgresPeer | null = null
  let bed: BrainBed
  beforeAll(async () => {
    postgres = hasPostgres ? await startPostgres() : null
    const report = {
      name: 'daily',
      tenant: 'plant-a',
      title: 'Presses',
      sensors: ['press-*.*'],
      everyMs: DAY,
      mailTo: [],
    }
    bed = new BrainBed({ databaseUrl: postgres?.url ?? null, reports: [report] }, () => brainServices(bed.config))
    await bed.start()
  })
  afterAll(async () => {
    await bed.close()
    await postgres?.stop()
  })

  it('that was missed is written at the next start, of the last whole day', async () => {
    const line = bed.line()
    line.hello()
    const today = Math.floor(Date.now() / DAY) * DAY
    // Of both days: midnight may come before the next start.
    line.readings(1, [20, 21, 25], 0, today - DAY / 2)
    line.readings(4, [20, 21, 25], 0, today + DAY / 2)
    await vi.waitFor(() => expect(line.acknowledged).toEqual([3, 6]), WAIT)
    await bed.restart()
    const folder = join(bed.folder, 'reports', 'plant-a')
    await vi.waitFor(() => expect(readdirSync(folder).filter((name) => name.endsWith('.md'))).toHaveLength(1), WAIT)
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.md'))
    expect(file).toMatch(/^daily-\d{4}-\d\d-\d\dT00-00-00Z\.md$/)
    const text = readFileSync(join(folder, file!), 'utf8')
    expect(text).toContain('# Presses')
    expect(text).toMatch(/press-1\.oil-temperature.*\b3\b.*\b20\b.*\b25\b/)
    await bed.restart()
    expect(readFileSync(join(folder, file!), 'utf8')).toBe(text)
  })
})
