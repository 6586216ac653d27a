// How fast each kind of uplink forwards, from a real store to a real receiver on loopback, beside the bare client library with
// the same window in the same run: live, replaying a backlog of `--readings` from disk, and the age of a record when it is
// acknowledged at 10,000 readings/s. Each kind is a file in uplink/; those whose receiver is not here are left out.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TelemetryError } from '#domain/errors.ts'
import type { Journal } from '#domain/journal.ts'
import { NO_TIME } from '#domain/reading.ts'
import { strictObject } from '#domain/schema.ts'
import type { UplinkKind } from '#domain/uplink.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore, type Store } from '#store/store.ts'
import { modelOf } from '#test/uplinks/model-journal.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { SENSOR_IDS, SENSORS, WINDOW, type Contender, type OpenContender } from './uplink/contender.ts'

const OFFERED_PER_SECOND = 10_000
const SLICE_MS = 5
const DAY_MS = 86_400_000

const MODEL = modelOf(SENSOR_IDS)
const never = new AbortController().signal
const folder = new URL('./uplink/', import.meta.url)

interface Options {
  readonly seconds: number
  /** Readings of the backlog. */
  readonly readings: number
}

/** Figures begin with the kind: `mqttLiveReadingsPerSecond`. `BENCH_UPLINK=mqtt,grpc` runs some of the kinds only. */
export async function run(options: Options): Promise<Record<string, number>> {
  const wanted = process.env['BENCH_UPLINK']?.split(',')
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'contender.ts')
  const figures: Record<string, number> = {}
  for (const file of files.toSorted()) {
    const { contender } = (await import(new URL(file, folder).href)) as { readonly contender?: Contender }
    if (!contender || contender.missing !== null || wanted?.includes(contender.type) === false) continue
    for (const [name, value] of Object.entries(await measure(contender, options)))
      figures[`${contender.type}${name[0]!.toUpperCase()}${name.slice(1)}`] = value
  }
  return figures
}

async function measure(contender: Contender, { seconds, readings }: Options): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  const open = await contender.open()
  try {
    const bare = await measureBare(open, seconds)
    const live = await measureLive(open, join(dataDir, 'live'), seconds)
    const replay = await measureReplay(open, join(dataDir, 'replay'), readings)
    const age = await measureAge(open, join(dataDir, 'age'), seconds)
    const bareAgain = await measureBare(open, seconds)
    const barePerSecond = Math.max(bare.perSecond, bareAgain.perSecond)
    return {
      bareReadingsPerSecond: barePerSecond,
      bareCpuMicrosecondsPerReading: Math.min(bare.cpuMicroseconds, bareAgain.cpuMicroseconds),
      ...live,
      liveRatioToBare: live.liveReadingsPerSecond / barePerSecond,
      ...replay,
      replayRatioToBare: replay.replayReadingsPerSecond / barePerSecond,
      ...age,
    }
  } finally {
    await open.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function measureBare(open: OpenContender, seconds: number) {
  const meter = startMeter()
  return meter(await open.bare(seconds))
}

async function measureLive(open: OpenContender, dataDir: string, seconds: number) {
  const bed = await openBed(open, dataDir)
  await bed.uplinks.start(never)
  await waitUntil(() => bed.status().state === 'online')
  const meter = startMeter()
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    if (bed.status().pending < 4 * WINDOW) push(bed.store, 1000)
    await nextTurn()
  }
  await waitUntil(() => bed.status().pending === 0)
  const { perSecond, cpuMicroseconds } = meter(bed.status().delivered)
  await bed.close()
  return { liveReadingsPerSecond: perSecond, liveCpuMicrosecondsPerReading: cpuMicroseconds }
}

/** The backlog of an earlier run, from disk. */
async function measureReplay(open: OpenContender, dataDir: string, readings: number) {
  const before = await openBed({ kind: DEAD, config: {} }, dataDir)
  await before.uplinks.start(never)
  for (let pushed = 0; pushed < readings; pushed += 1000) {
    push(before.store, Math.min(1000, readings - pushed))
    if (pushed % 50_000 === 0) await before.store.flush()
  }
  await before.close()

  const bed = await openBed(open, dataDir)
  const meter = startMeter()
  await bed.uplinks.start(never)
  await waitUntil(() => bed.status().pending === 0)
  const { delivered } = bed.status()
  const { perSecond, cpuMicroseconds } = meter(delivered)
  await bed.close()
  if (delivered !== readings) throw new Error(`${delivered} of ${readings} were delivered`)
  return {
    replayReadings: readings,
    replayReadingsPerSecond: perSecond,
    replayCpuMicrosecondsPerReading: cpuMicroseconds,
  }
}

/** Received → acknowledged by the receiver, milliseconds. */
async function measureAge(open: OpenContender, dataDir: string, seconds: number) {
  const ages = new LatencyHistogram()
  const pushedAt: number[] = []
  let settled = 0
  const bed = await openBed(open, dataDir, (journal) => ({
    ...journal,
    settle: (reader, position, note) => {
      const now = performance.now()
      for (; settled < position.seq; settled++) ages.record(now - pushedAt[settled]!)
      journal.settle(reader, position, note)
    },
  }))
  await bed.uplinks.start(never)
  await waitUntil(() => bed.status().state === 'online')
  const began = performance.now()
  while (performance.now() - began < seconds * 1000) {
    const due = Math.floor(((performance.now() - began) * OFFERED_PER_SECOND) / 1000) - pushedAt.length
    const now = performance.now()
    push(bed.store, due)
    for (let n = 0; n < due; n++) pushedAt.push(now)
    await sleep(systemClock, SLICE_MS)
  }
  await waitUntil(() => bed.status().pending === 0)
  await bed.close()
  return {
    offeredPerSecond: OFFERED_PER_SECOND,
    ageP50Ms: ages.quantile(0.5),
    ageP99Ms: ages.quantile(0.99),
    ageMaxMs: ages.max,
  }
}

/** A receiver that is never there. */
const DEAD: UplinkKind = {
  type: 'dead',
  schema: strictObject({}),
  open: () => ({
    connect: () => Promise.reject(new TelemetryError('CONNECTION_FAILED', 'Nobody is there', { retryable: true })),
    deliver: () => Promise.reject(new TelemetryError('CONNECTION_LOST', 'Nobody is there', { retryable: true })),
    close: () => Promise.resolve(),
  }),
}

async function openBed(
  { kind, config }: Pick<OpenContender, 'kind' | 'config'>,
  dataDir: string,
  wrap: (journal: Journal) => Journal = (journal) => journal,
) {
  const shared = { clock: systemClock, log: silentLogger, registry: new Registry() }
  const store = await openStore({
    ...shared,
    dataDir,
    flushIntervalMs: 1000,
    sync: 'normal',
    retention: { rawMs: DAY_MS, minuteMs: DAY_MS, hourMs: DAY_MS },
    maxBytes: 8e9,
    buffer: { capacity: 262_144, whenFull: 'block' },
    onEvent: () => {},
  })
  await store.registerSensors(SENSOR_IDS.map((id) => ({ id, valueType: 'number' as const })))
  const uplinks = createUplinks({
    ...shared,
    random: Math.random,
    journal: wrap(store.journal),
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [{ id: 'hq', kind, config, include: ['*'], exclude: [], maxRate: null }],
  })
  const close = async (): Promise<void> => {
    await uplinks.stop(never)
    await store.close()
  }
  return { store, uplinks, status: () => uplinks.list()[0]!, close }
}

function push(store: Store, count: number): void {
  const now = Date.now()
  for (let n = 0; n < count; n++) {
    const seq = store.ring.written
    store.ring.pushNumber(seq % SENSORS, 0, NO_TIME, now, (seq % 1000) / 10)
  }
}

/** Answers, when called with a number of readings: how many a second, and how much CPU each took (all threads). */
function startMeter(): (readings: number) => { perSecond: number; cpuMicroseconds: number } {
  const began = performance.now()
  const cpu = process.cpuUsage()
  return (readings) => {
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: (readings * 1000) / (performance.now() - began), cpuMicroseconds: (user + system) / readings }
  }
}

async function waitUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(systemClock, 1)
}
