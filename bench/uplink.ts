// How fast an mqtt uplink forwards, from a real store to a real mosquitto on loopback, qos 1, beside mqtt.js alone with the
// same window in the same run: live, replaying a backlog from disk, and the age of a record when it is acknowledged at
// 10,000 readings/s. Without mosquitto it answers nothing.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { NO_TIME } from '#domain/reading.ts'
import type { Journal } from '#domain/journal.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore, type Store } from '#store/store.ts'
import { modelOf } from '#test/uplinks/model-journal.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'

const SENSORS = 1000
/** Messages under way, as many as an uplink has at most. */
const WINDOW = 2000
const BACKLOG_PER_SECOND = 30_000
const OFFERED_PER_SECOND = 10_000
const SLICE_MS = 5
const DAY_MS = 86_400_000

const IDS = Array.from({ length: SENSORS }, (_, n) => `press-${n % 20}.sensor-${n}`)
const MODEL = modelOf(IDS)
const never = new AbortController().signal

export async function run({ seconds }: { readonly seconds: number }): Promise<Record<string, number>> {
  if (!hasMosquitto) return {}
  const dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  const broker = await Mosquitto.start({ listener: ['set_tcp_nodelay true'] }) // else PUBACKs wait for our next segment (Nagle)
  try {
    const bare = await measureBare(broker.url, seconds)
    const live = await measureLive(broker.url, join(dataDir, 'live'), seconds)
    const replay = await measureReplay(broker.url, join(dataDir, 'replay'), seconds)
    const bareAgain = await measureBare(broker.url, seconds)
    const barePerSecond = Math.max(bare.perSecond, bareAgain.perSecond)
    return {
      bareReadingsPerSecond: barePerSecond,
      bareCpuMicrosecondsPerReading: Math.min(bare.cpuMicroseconds, bareAgain.cpuMicroseconds),
      ...live,
      liveRatioToBare: live.liveReadingsPerSecond / barePerSecond,
      ...replay,
      replayRatioToBare: replay.replayReadingsPerSecond / barePerSecond,
      ...(await measureAge(broker.url, join(dataDir, 'age'), seconds)),
    }
  } finally {
    await broker.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** mqtt.js alone: a payload that is ready, always WINDOW messages under way. */
async function measureBare(url: string, seconds: number): Promise<{ perSecond: number; cpuMicroseconds: number }> {
  const client = await connectAsync(url, { clientId: 'bare' })
  const payload = '{"t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good","id":"edge-01/3/100042"}'
  const topics = IDS.map((id) => `plant-a/${id.replace('.', '/')}`)
  const meter = startMeter()
  const end = performance.now() + seconds * 1000
  let sent = 0
  let acknowledged = 0
  await new Promise<void>((resolve) => {
    const publish = (): void => void client.publish(topics[sent++ % SENSORS]!, payload, { qos: 1 }, onAcknowledged)
    const onAcknowledged = (): void => {
      acknowledged += 1
      if (performance.now() < end) publish()
      else if (acknowledged === sent) resolve()
    }
    for (let n = 0; n < WINDOW; n++) publish()
  })
  const result = meter(acknowledged)
  await client.endAsync()
  return result
}

async function measureLive(url: string, dataDir: string, seconds: number) {
  const bed = await openBed(url, dataDir)
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
async function measureReplay(url: string, dataDir: string, seconds: number) {
  const backlog = BACKLOG_PER_SECOND * seconds
  const before = await openBed('mqtt://127.0.0.1:1', dataDir)
  await before.uplinks.start(never)
  for (let pushed = 0; pushed < backlog; pushed += 1000) {
    push(before.store, 1000)
    if (pushed % 50_000 === 0) await before.store.flush()
  }
  await before.close()

  const bed = await openBed(url, dataDir)
  const meter = startMeter()
  await bed.uplinks.start(never)
  await waitUntil(() => bed.status().pending === 0)
  const { delivered } = bed.status()
  const { perSecond, cpuMicroseconds } = meter(delivered)
  await bed.close()
  if (delivered !== backlog) throw new Error(`${delivered} of ${backlog} were delivered`)
  return {
    replayReadings: backlog,
    replayReadingsPerSecond: perSecond,
    replayCpuMicrosecondsPerReading: cpuMicroseconds,
  }
}

/** Received → acknowledged by the broker, milliseconds. */
async function measureAge(url: string, dataDir: string, seconds: number) {
  const ages = new LatencyHistogram()
  const pushedAt: number[] = []
  let settled = 0
  const bed = await openBed(url, dataDir, (journal) => ({
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

async function openBed(url: string, dataDir: string, wrap: (journal: Journal) => Journal = (journal) => journal) {
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
  await store.registerSensors(IDS.map((id) => ({ id, valueType: 'number' as const })))
  const uplinks = createUplinks({
    ...shared,
    random: Math.random,
    journal: wrap(store.journal),
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [{ id: 'hq', kind: mqttUplink, config: { url }, include: ['*'], exclude: [], maxRate: null }],
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
