// The store by itself: how fast it takes readings, what it writes and keeps for each, how fast it answers and opens.
// Figures named written come from /proc/self/io: what the kernel was given to write to the disk.

import Database from 'better-sqlite3'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore, type Store } from '#store/store.ts'

const YEAR_MS = 31_536_000_000
const START = Date.UTC(2026, 0, 1)
const SENSORS = 1000

export async function run({ seconds }: { readonly seconds: number }): Promise<Record<string, number>> {
  return {
    ...(await measureRate(seconds)),
    ...(await measureBytes()),
    ...(await measureDay()),
    ...(await measureCommits(seconds)),
    ...(await measureYear()),
    ...(await measureOpening()),
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function open(dataDir: string, sensors: number, flushIntervalMs = 1000): Promise<Store> {
  const store = await openStore({
    dataDir,
    flushIntervalMs,
    sync: 'normal',
    retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
    maxBytes: 64 * 2 ** 30,
    buffer: { capacity: 262_144, whenFull: 'block' },
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    onEvent: () => {},
  })
  await store.registerSensors(
    Array.from({ length: sensors }, (_, n) => ({ id: `bench.s${n}`, valueType: 'number' as const })),
  )
  return store
}

/** Values as plants send them: random walks with a few decimals, counters, and floats that fill all bits. */
class Plant {
  readonly #state: Float64Array
  #seed = 12_345

  constructor(sensors: number) {
    this.#state = new Float64Array(sensors).map((_, sensor) => 200 + (sensor % 700))
  }

  next(sensor: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0
    const noise = (this.#seed >>> 16) % 7
    if (sensor % 10 === 9) return (this.#state[sensor]! += noise)
    if (sensor % 10 === 8) return Math.fround((this.#state[sensor]! += (noise - 3) * 0.01))
    this.#state[sensor]! += noise - 3
    return this.#state[sensor]! / (sensor % 2 === 0 ? 10 : 100)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Pushes until the time is over, as fast as the ring takes it; counts until all is durable. */
async function measureRate(seconds: number): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const store = await open(folder, SENSORS)
    const plant = new Plant(SENSORS)
    const start = performance.now()
    let pushed = 0
    let time = START
    while (performance.now() - start < seconds * 1000) {
      for (let sensor = 0; sensor < SENSORS; sensor++) {
        const value = plant.next(sensor)
        while (!store.ring.pushNumber(sensor, Status.Good, NO_TIME, time, value)) await turn()
      }
      pushed += SENSORS
      time += 1000
    }
    await store.flush()
    const elapsed = performance.now() - start
    const rssBytes = process.memoryUsage().rss
    // Compaction may lag behind a short rush; what can be kept up for good is the rate with all of it done.
    await store.compact()
    const whole = performance.now() - start
    await store.close()
    return {
      readingsPerSecond: Math.round((pushed / elapsed) * 1000),
      readingsPerSecondCompacted: Math.round((pushed / whole) * 1000),
      rssBytes,
    }
  })
}

function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? Number.NaN)
}

/** 1000 sensors at 1 Hz with a flush each second, ten simulated minutes. */
async function measureBytes(): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const store = await open(folder, SENSORS, 3_600_000)
    const plant = new Plant(SENSORS)
    const before = writtenBytes()
    const rounds = 600
    for (let round = 0; round < rounds; round++) {
      for (let sensor = 0; sensor < SENSORS; sensor++) {
        const jitter = (round * 7 + sensor * 3) % 4
        store.ring.pushNumber(sensor, Status.Good, NO_TIME, START + round * 1000 + sensor + jitter, plant.next(sensor))
      }
      await store.flush()
    }
    await store.compact()
    const handed = store.history.status().writtenBytes
    await store.close()
    const readings = rounds * SENSORS
    const file = statSync(join(folder, 'telemetryx.db')).size
    return {
      bytesWritten: (writtenBytes() - before) / readings,
      bytesHandedToDatabase: handed / readings,
      bytesAtRest: usedBytes(join(folder, 'telemetryx.db')) / readings,
      bytesOfFile: file / readings,
    }
  })
}

/** Bytes of the pages that are in use: the rest of the file is reused by what comes next. */
function usedBytes(file: string): number {
  const db = new Database(file, { readonly: true })
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }))
  const bytes = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  db.close()
  return bytes
}

async function push(store: Store, sensor: number, time: number, value: number): Promise<void> {
  while (!store.ring.pushNumber(sensor, Status.Good, NO_TIME, time, value)) await turn()
}

async function median(times: number, work: () => Promise<void>): Promise<number> {
  const taken: number[] = []
  for (let n = 0; n < times; n++) {
    const start = performance.now()
    await work()
    taken.push(performance.now() - start)
  }
  return taken.sort((a, b) => a - b)[times >> 1]!
}

/** A day of one sensor at 1 Hz, among ten, all 86,400 readings. */
async function measureDay(): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const store = await open(folder, 10)
    const plant = new Plant(10)
    for (let second = 0; second < 86_400; second++) {
      for (let sensor = 0; sensor < 10; sensor++) await push(store, sensor, START + second * 1000, plant.next(sensor))
    }
    await store.compact()
    const queryDayMs = await median(5, async () => {
      let count = 0
      for (let cursor: string | null = null; ;) {
        const page = await store.history.readings({
          sensor: 'bench.s3',
          from: START,
          to: START + 86_400_000,
          limit: 10_000,
          cursor,
        })
        count += page.items.length
        cursor = page.next
        if (cursor === null) break
      }
      if (count !== 86_400) throw new Error(`The day has ${count} readings`)
    })
    await store.close()
    return { queryDayMs }
  })
}

/**
 * How much longer a commit takes while eight clients query without a pause: pages of readings, buckets made from raw
 * readings, statistics. The delay is the difference of the 99th percentiles with and without queries: what the disk and
 * other processes do is in both, what the main thread does with the answers is in the delay.
 */
async function measureCommits(seconds: number): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const store = await open(folder, 10)
    const plant = new Plant(10)
    let time = START
    for (; time < START + 86_400_000; time += 1000) {
      for (let sensor = 0; sensor < 10; sensor++) await push(store, sensor, time, plant.next(sensor))
    }
    await store.compact()
    const alone = await commits(store, seconds * 500, time)
    let queries = 0
    let isOver = false
    const clients = Array.from({ length: 8 }, async (_, client) => {
      const range = { sensor: `bench.s${client}`, from: START + client, to: time, cursor: null }
      for (; !isOver; queries++) {
        if (queries % 3 === 0) await store.history.readings({ ...range, limit: 1000 })
        else if (queries % 3 === 1) await store.history.buckets({ ...range, limit: 100, everyMs: 10_000 })
        else await store.history.statistics(range.sensor, range.from, range.to)
      }
    })
    const beside = await commits(store, seconds * 1000, time)
    isOver = true
    await Promise.all(clients)
    await store.close()
    return {
      commitMs: at(alone, 0.5),
      commitMsP99: at(alone, 0.99),
      commitMsP99UnderQueries: at(beside, 0.99),
      commitMsMaxUnderQueries: at(beside, 1),
      commitDelayMsUnderQueries: at(beside, 0.99) - at(alone, 0.99),
      commitsMeasured: beside.length,
      queriesPerSecondBeside: queries / seconds,
    }
  })
}

/** Milliseconds that each of many commits of 100 readings takes, ascending. */
async function commits(store: Store, forMs: number, time: number): Promise<number[]> {
  const taken: number[] = []
  const end = performance.now() + forMs
  while (performance.now() < end) {
    for (let n = 0; n < 100; n++) await push(store, n % 10, time + n, n)
    const start = performance.now()
    await store.flush()
    taken.push(performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return taken.sort((a, b) => a - b)
}

function at(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))]!
}

/** A year of one sensor at one reading a minute, in buckets of an hour. */
async function measureYear(): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const store = await open(folder, 1)
    const plant = new Plant(1)
    for (let minute = 0; minute < 525_600; minute++) await push(store, 0, START + minute * 60_000, plant.next(0))
    await store.compact()
    const query = { sensor: 'bench.s0', from: START, to: START + YEAR_MS, limit: 10_000, cursor: null }
    const queryYearByHourMs = await median(5, async () => {
      const { items } = await store.history.buckets({ ...query, everyMs: 3_600_000 })
      if (items.length !== 8760) throw new Error(`The year has ${items.length} hours`)
    })
    const statisticsYearMs = await median(
      5,
      async () => void (await store.history.statistics('bench.s0', START, START + YEAR_MS)),
    )
    await store.close()
    return { queryYearByHourMs, statisticsYearMs }
  })
}

const GIGABYTE = 1e9
const TEXT_SENSOR = SENSORS

/**
 * After a power cut with a database of 1 GB: from the start to the first answer, and to the first new reading durable.
 * The files are copied while the store works, as a power cut leaves them: with a write-ahead log and blocks that wait.
 */
async function measureOpening(): Promise<Record<string, number>> {
  return inFolder(async (folder) => {
    const grown = join(folder, 'grown')
    let store = await open(grown, SENSORS)
    await store.registerSensors([{ id: 'bench.text', valueType: 'string' }])
    let time = START
    for (let n = 0; n < 4_000_000; n++) await pushNoise(store, n % SENSORS, time++)
    while (store.history.status().bytes < GIGABYTE) {
      const text = randomBytes(3000).toString('base64')
      while (!store.ring.pushText(TEXT_SENSOR, Status.Good, NO_TIME, time, text)) await turn()
      time += 1
    }
    await store.compact()
    for (let n = 0; n < 500_000; n++) await pushNoise(store, n % SENSORS, time++)
    await store.flush()
    const cut = join(folder, 'cut')
    cpSync(grown, cut, { recursive: true })
    await store.close()
    rmSync(grown, { recursive: true })
    const files = ['telemetryx.db', 'telemetryx.db-wal'].map((name) => statSync(join(cut, name)).size)
    const start = performance.now()
    store = await open(cut, SENSORS)
    const openMs = performance.now() - start
    const range = { from: 0, to: START * 2, limit: 1, cursor: null, order: 'newestFirst' } as const
    const { items } = await store.history.readings({ sensor: 'bench.s3', ...range })
    if (items.length !== 1) throw new Error('The newest reading is gone')
    const recoverMs = performance.now() - start
    await pushNoise(store, 3, time++)
    await store.flush()
    const firstDurableMs = performance.now() - start
    await store.close()
    return { openMs, recoverMs, firstDurableMs, recoveredBytes: files[0]!, recoveredLogBytes: files[1]! }
  })
}

function pushNoise(store: Store, sensor: number, time: number): Promise<void> | void {
  const value = Math.random()
  if (!store.ring.pushNumber(sensor, Status.Good, NO_TIME, time, value)) return push(store, sensor, time, value)
}
