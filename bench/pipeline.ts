// How fast is the way of a reading: 10,000 sensors with scale, deadband, threshold and z-score, through the ring into the
// store, on a real disk. First flat out until all is durable, then at 100,000 readings/s for the latencies.
//
// Every reading passes the deadband (the worst case), so each one is journalled. The flat-out figure is compared with a
// bare loop that does the same arithmetic on plain arrays and keeps nothing, in the same run.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import { systemClock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { createPipeline, type Pipeline } from '#pipeline/pipeline.ts'
import { openStore, type Store } from '#store/store.ts'

export interface PipelineBenchOptions {
  /** How long each of the two measurements takes. */
  readonly seconds: number
}

const SENSORS = 10_000
const SENSORS_PER_DEVICE = 100
const OFFERED_PER_SECOND = 100_000
/** Sustained operation is measured: not the compiler, nor the first collection of what the start made. */
const WARM_UP_SECONDS = 2
const DAY_MS = 86_400_000
const FACTOR = 0.1
const OFFSET = -40
const DEADBAND = 0.2
const LOW = -30
const HIGH = 75
const WINDOW = 300
const SIGMA = 4
const CAPACITY = 262_144

interface Bed {
  readonly store: Store
  readonly pipeline: Pipeline
  /** Most memory seen since it was set to 0. */
  rssBytes: number
}

/** Figures of the whole way; rates per second, latencies in milliseconds, memory in bytes (rssBytes: at 100,000 readings/s). */
export async function run(options: PipelineBenchOptions): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  try {
    const bed = await openBed(dataDir)
    await measureOffered(bed, WARM_UP_SECONDS)
    bed.rssBytes = 0
    const offered = await measureOffered(bed, options.seconds)
    const rssBytes = bed.rssBytes
    const flat = await measureFlatOut(bed, options.seconds)
    bed.pipeline.close()
    await bed.store.close()
    // Last, so that its arrays do not count as memory of the way.
    const bareLoopPerSecond = bareLoop(Math.min(2, options.seconds))
    const ratioToBareLoop = flat.readingsPerSecond / bareLoopPerSecond
    return { ...flat, bareLoopPerSecond, ratioToBareLoop, rssFlatOutBytes: bed.rssBytes, ...offered, rssBytes }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Raw register value of a sensor in its n-th round: a slow wave with noise that always passes the deadband. */
function rawValue(wave: Int16Array, sensor: number, round: number): number {
  return 600 + wave[(sensor * 31 + round) & (wave.length - 1)]! + (round & 1) * 8
}

function makeWave(): Int16Array {
  return Int16Array.from({ length: 65_536 }, (_, at) => Math.sin((at * 2 * Math.PI) / 4096) * 50 + ((at * 7919) % 4))
}

/** Readings per second of the arithmetic alone: scale, limits, sliding z-score, deadband, three columns written. */
function bareLoop(seconds: number): number {
  const wave = makeWave()
  const windows = new Float64Array(SENSORS * WINDOW)
  const sums = new Float64Array(SENSORS)
  const squares = new Float64Array(SENSORS)
  const passed = new Float64Array(SENSORS)
  const values = new Float64Array(CAPACITY)
  const sensors = new Uint32Array(CAPACITY)
  const times = new Float64Array(CAPACITY)
  let findings = 0
  let written = 0
  let round = 0
  const started = performance.now()
  for (; performance.now() - started < seconds * 1000; round++) {
    for (let sensor = 0; sensor < SENSORS; sensor++) {
      const value = rawValue(wave, sensor, round) * FACTOR + OFFSET
      const cell = sensor * WINDOW + (round % WINDOW)
      const mean = sums[sensor]! / WINDOW
      const variance = squares[sensor]! / WINDOW - mean * mean
      if (value <= LOW || value >= HIGH || (value - mean) ** 2 > SIGMA ** 2 * variance) findings += 1
      sums[sensor]! += value - windows[cell]!
      squares[sensor]! += value * value - windows[cell]! * windows[cell]!
      windows[cell] = value
      if (Math.abs(value - passed[sensor]!) < DEADBAND) continue
      passed[sensor] = value
      const at = written++ & (CAPACITY - 1)
      values[at] = value
      sensors[at] = sensor
      times[at] = started
    }
  }
  if (written === 0 || findings === 0) throw new Error('The bare loop did nothing')
  return (round * SENSORS) / ((performance.now() - started) / 1000)
}

async function openBed(dataDir: string): Promise<Bed> {
  const registry = new Registry()
  const log = silentLogger
  const clock = systemClock
  const store = await openStore({
    dataDir,
    flushIntervalMs: 1000,
    sync: 'normal',
    retention: { rawMs: 30 * DAY_MS, minuteMs: 365 * DAY_MS, hourMs: 3650 * DAY_MS },
    maxBytes: 8 * 1024 ** 3,
    buffer: { capacity: CAPACITY, whenFull: 'block' },
    clock,
    log,
    registry,
    onEvent: () => {},
  })
  const ids = Array.from({ length: SENSORS }, (_, at) => `device-${Math.floor(at / SENSORS_PER_DEVICE)}.sensor-${at}`)
  const numbers = await store.registerSensors(ids.map((id) => ({ id, valueType: 'number' })))
  const model = buildModel(ids, numbers)
  const pipeline = createPipeline({ clock, log, registry, ring: store.ring, model, openAlarms: [] })
  return { store, pipeline, rssBytes: 0 }
}

function buildModel(ids: readonly string[], numbers: readonly SensorNumber[]): Model {
  const sensors = ids.map((id, at): Sensor => {
    const [device = '', name = ''] = id.split('.')
    return {
      number: numbers[at]!,
      id,
      device,
      name,
      description: '',
      machine: device,
      valueType: 'number',
      unit: 'degC',
      writable: false,
      scale: { factor: FACTOR, offset: OFFSET },
      deadband: { absolute: DEADBAND, maxIntervalMs: 60_000 },
      checks: [
        { type: 'threshold', low: LOW, high: HIGH, highHigh: 90, hysteresis: 2, onDelay: 3000 },
        { type: 'zscore', window: WINDOW, sigma: SIGMA },
      ],
    }
  })
  const byNumber = new Map(sensors.map((sensor) => [sensor.number, sensor]))
  const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
  const factories = [{ id: 'bench', name: 'Bench' }]
  return {
    gateway: 'bench',
    factories,
    machines: [],
    sensors,
    sensor: (id) => byId.get(id),
    sensorAt: (number) => byNumber.get(number),
  }
}

/** As fast as the ring takes it: like acquisition, it asks for room before each device's answer. */
async function measureFlatOut(
  bed: Bed,
  seconds: number,
): Promise<{ readingsPerSecond: number; journalledPerSecond: number }> {
  const { pipeline, store } = bed
  const wave = makeWave()
  const writtenBefore = store.ring.written
  let count = 0
  let round = 0
  let sensor = 0
  const started = performance.now()
  while (performance.now() - started < seconds * 1000) {
    while (pipeline.hasRoom() && performance.now() - started < seconds * 1000) {
      for (let of = 0; of < SENSORS_PER_DEVICE; of++, sensor++) {
        pipeline.sink.number(sensor, rawValue(wave, sensor, round), Status.Good, NO_TIME)
      }
      count += SENSORS_PER_DEVICE
      if (sensor < SENSORS) continue
      sensor = 0
      round += 1
      break // one turn of the event loop for each round, as answers come in
    }
    bed.rssBytes = Math.max(bed.rssBytes, process.memoryUsage.rss())
    await nextTurn()
  }
  await store.flush()
  const elapsedSeconds = (performance.now() - started) / 1000
  const journalled = store.ring.written - writtenBefore
  return { readingsPerSecond: count / elapsedSeconds, journalledPerSecond: journalled / elapsedSeconds }
}

/** Offers 100,000 readings/s in slices of about a millisecond and watches when they are live and when they are durable. */
async function measureOffered(bed: Bed, seconds: number): Promise<Record<string, number>> {
  const { pipeline, store } = bed
  const wave = makeWave()
  const live = new LatencyHistogram()
  const durable = new LatencyHistogram()
  /** When the oldest reading that listeners have not heard of was given, by sensor; 0: none. */
  const givenAt = new Float64Array(SENSORS)
  const stop = pipeline.latest.subscribe((changed, count) => {
    const now = performance.now()
    for (let at = 0; at < count; at++) {
      live.record(now - givenAt[changed[at]!]!)
      givenAt[changed[at]!] = 0
    }
  })
  const slices: { readonly upTo: number; readonly at: number; readonly count: number }[] = []
  const settle = (): void => {
    const now = performance.now()
    const { epoch, seq } = store.journal.span().durable
    while (slices.length > 0 && epoch === store.epoch && slices[0]!.upTo <= seq) {
      const slice = slices.shift()!
      durable.record(now - slice.at, slice.count)
    }
  }
  let count = 0
  const started = performance.now()
  for (let now = started; now - started < seconds * 1000; now = performance.now()) {
    const due = Math.floor(((now - started) / 1000) * OFFERED_PER_SECOND)
    const before = count
    for (; count < due; count++) {
      const sensor = count % SENSORS
      if (givenAt[sensor] === 0) givenAt[sensor] = performance.now()
      pipeline.sink.number(sensor, rawValue(wave, sensor, Math.floor(count / SENSORS)), Status.Good, NO_TIME)
    }
    if (count > before) slices.push({ upTo: store.ring.written, at: now, count: count - before })
    settle()
    if (slices.length % 64 === 0) bed.rssBytes = Math.max(bed.rssBytes, process.memoryUsage.rss())
    await new Promise<void>((resolve) => setTimeout(resolve, 1))
  }
  const elapsedSeconds = (performance.now() - started) / 1000
  stop()
  await store.flush()
  await nextTurn()
  settle()
  return {
    offeredPerSecond: count / elapsedSeconds,
    liveP50Ms: live.quantile(0.5),
    liveP99Ms: live.quantile(0.99),
    durableP50Ms: durable.quantile(0.5),
    durableP99Ms: durable.quantile(0.99),
  }
}
