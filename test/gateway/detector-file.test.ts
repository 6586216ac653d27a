// What detectors have learnt survives a restart and a kill -9, and is dropped with a word where it is of no use.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Log } from '#domain/driver.ts'
import { DetectorFile, readLearnt } from '#gateway/detector-file.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

const ROUNDS = Number(process.env['TELEMETRYX_KILL_ROUNDS'] ?? 8)
const PROCESS = new URL('./saving-process.ts', import.meta.url).pathname
const NEW_YEAR = Date.UTC(2026, 0, 1)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-learnt-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const STATE = { key: 's0', numbers: Float64Array.of(1, 2, 3) }

function options(clock = new ManualClock(NEW_YEAR)): {
  clock: ManualClock
  dataDir: string
  log: Log
  warned: string[]
} {
  const warned: string[] = []
  const log = { ...silentLogger, warn: (_fields: object, words: string) => void warned.push(words) } as Log
  return { clock, dataDir: folder, log, warned }
}

describe('the file of what detectors have learnt', () => {
  it('is whole after a kill -9 at any moment: all of one generation, no older than the last that was done', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [PROCESS, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
      let saved = 0
      for await (const line of createInterface(child.stdout)) {
        if (saved === 0) setTimeout(() => child.kill('SIGKILL'), (round * 13) % 60)
        saved = Number(line.slice(6))
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const at = options()
      const memory = await readLearnt(at)
      expect(at.warned).toEqual([])
      const generations = new Set(Array.from({ length: 20 }, (_, n) => [...memory!.take(`s${n}`)!]).flat())
      expect(generations.size).toBe(1)
      expect([...generations][0]).toBeGreaterThanOrEqual(saved)
    }
  }, 120_000)

  it('is written every quarter of an hour, and at the stop', async () => {
    const at = options()
    let generation = 0
    const file = new DetectorFile(at, () => [{ key: 's0', numbers: Float64Array.of(++generation) }])
    const stored = async (): Promise<number | undefined> => (await readLearnt(at))?.take('s0')?.[0]
    file.start()
    await at.clock.advance(899_000)
    expect(readdirSync(folder)).toEqual([])
    for (const round of [1, 2]) {
      await at.clock.advance(900_000)
      await vi.waitFor(async () => expect(await stored()).toBe(round), EVENTUALLY)
      // The next one is planned when this one is done.
      await vi.waitFor(() => expect(at.clock.pending).toBeGreaterThan(0), EVENTUALLY)
    }
    await file.stop()
    expect(await stored()).toBe(3)
  })

  it('is dropped with a line in the log when it is damaged, or a week old; its absence says nothing', async () => {
    const at = options()
    expect(await readLearnt(at)).toBeNull()
    expect(at.warned).toEqual([])
    await new DetectorFile(at, () => [STATE]).save()
    expect((await readLearnt(at))!.size).toBe(1)
    await at.clock.advance(8 * 86_400_000)
    expect(await readLearnt(at)).toBeNull()
    const path = join(folder, 'learnt.bin')
    writeFileSync(path, readFileSync(path).subarray(0, 40))
    expect(await readLearnt(options())).toBeNull()
    expect(at.warned).toEqual(['What the detectors learnt is of no use: they learn anew'])
  })

  it('leaves out what would make it larger than its bound', async () => {
    const at = options()
    const large = { key: 'large', numbers: new Float64Array(9 * 1024 ** 2) }
    await new DetectorFile(at, () => [large, STATE]).save()
    expect(at.warned).toEqual(['Some detectors will learn anew after a restart'])
    const memory = await readLearnt(at)
    expect([memory!.size, memory!.take('s0')]).toEqual([1, STATE.numbers])
  })
})

describe('a gateway', () => {
  const YAML = `devices:
  - { id: app, driver: http, sensors: [ { id: load, field: load, checks: [ { type: zscore, window: 50 }, { type: anomaly } ] } ] }
alarms: { operators: 2 }
`
  interface Check {
    learning: object | null
  }

  it('judges at once after a restart, and still knows what its alarms were and who is on duty', async () => {
    const first = await startTestGateway(folder, YAML)
    const learning = async (gateway: typeof first): Promise<(object | null)[]> =>
      (await getJson<{ checks: Check[] }>(gateway, '/api/v1/sensors/app.load')).checks.map((check) => check.learning)
    const send = (gateway: typeof first, values: readonly number[]): Promise<Response> =>
      fetch(`${gateway.url}/api/v1/ingest/app`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ readings: values.map((value) => ({ sensor: 'load', value })) }),
      })
    expect(
      (
        await send(
          first,
          Array.from({ length: 200 }, (_, n) => 5 + (n % 7)),
        )
      ).status,
    ).toBe(202)
    expect(await learning(first)).toEqual([null, null])
    await fetch(`${first.url}/api/v1/sensors/app.load/checks/anomaly/out-of-service`, { method: 'POST' })
    expect((await send(first, [500])).status).toBe(202)
    await first.stop({ deadlineMs: 5000 })
    const second = await startTestGateway(folder, YAML)
    try {
      expect(await learning(second)).toEqual([null, null])
      expect(await getJson(second, '/api/v1/alarms/measures')).toMatchObject({
        alarms: 1,
        outOfService: 1,
        operators: { count: 2, configured: true },
        top: [{ sensor: 'app.load', check: 'zscore', count: 1, share: 1 }],
      })
    } finally {
      await second.stop({ deadlineMs: 5000 })
    }
  }, 120_000)
})
