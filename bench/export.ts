// An export to Parquet of everything that a store holds, by the command itself in a process of its own: how fast, and how
// much memory it takes at most. `--readings 100000000` is the size that the requirement names; the default is quick.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'

const YEAR_MS = 31_536_000_000
const START = Date.UTC(2026, 0, 1)
const SENSORS = 1000
const LAUNCHER = fileURLToPath(new URL('../bin/telemetryx', import.meta.url))
const LOOK_MS = 100

export async function run({ readings }: { readonly readings: number }): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  try {
    const data = join(folder, 'data')
    await fill(data, readings)
    return await exportAll(data, join(folder, 'all.parquet'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A thousand sensors at 1 Hz with the noise of a plant. */
async function fill(dataDir: string, readings: number): Promise<void> {
  const store = await openStore({
    dataDir,
    flushIntervalMs: 1000,
    sync: 'normal',
    retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
    maxBytes: 64 * 2 ** 30,
    buffer: { capacity: 262_144, whenFull: 'block' },
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    onEvent: () => {},
  })
  const ids = Array.from({ length: SENSORS }, (_, n) => ({ id: `bench.s${n}`, valueType: 'number' as const }))
  await store.registerSensors(ids)
  const state = new Float64Array(SENSORS).fill(200)
  let seed = 12_345
  for (let n = 0; n < readings; n++) {
    const sensor = n % SENSORS
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
    state[sensor]! += ((seed >>> 16) % 7) - 3
    const time = START + Math.floor(n / SENSORS) * 1000 + sensor
    while (!store.ring.pushNumber(sensor, Status.Good, NO_TIME, time, state[sensor]! / 100))
      await new Promise((resolve) => setImmediate(resolve))
  }
  await store.compact()
  await store.close()
}

async function exportAll(dataDir: string, file: string): Promise<Record<string, number>> {
  const words = ['export', '--data', dataDir, '--sensor', '*', '--format', 'parquet', '-o', file, '--json']
  const start = performance.now()
  const child = spawn(process.execPath, [LAUNCHER, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  let summary = ''
  child.stdout.on('data', (chunk) => (summary += String(chunk)))
  // The launcher becomes the tuned process by exec: the id stays, and the peak begins anew.
  let peakRssBytes = 0
  const timer = setInterval(() => (peakRssBytes = Math.max(peakRssBytes, peakOf(child.pid!))), LOOK_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(timer)
  if (code !== 0) throw new Error(`The export ended with ${code}: ${summary}`)
  const exportSeconds = (performance.now() - start) / 1000
  const { rows } = JSON.parse(summary) as { rows: number }
  return {
    exportedReadings: rows,
    exportSeconds,
    exportedPerSecond: Math.round(rows / exportSeconds),
    exportFileBytes: statSync(file).size,
    exportPeakRssBytes: peakRssBytes,
  }
}

/** The kernel's own record of the most memory that a process ever held; 0 once it is gone. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
