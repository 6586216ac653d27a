// What the live feed costs: 200 WebSocket clients, 1000 updates/s. Counted is the processor time of this process, in percent of
// one core; the clients are another process. Beside it, in the same run, a bare ws server that sends the same updates with the
// same pace (20 messages/s to each client) and does nothing else.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { createApi } from '#api/server.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { FakeHistory } from '#test/api/fake-history.ts'
import { FakeAlarms, FakeDevices, FakeInfo, FakeLatest, FakeUplinks, makeModel, makeSensor } from '#test/api/fakes.ts'
import type { Received } from './live/clients.ts'

const CLIENTS = 200
const UPDATES_PER_SECOND = 1000
const SENSORS = 1000
const SLICE_MS = 10
const MESSAGE_MS = 50
const WARM_UP_MS = 2000
const IDS = Array.from({ length: SENSORS }, (_, index) => `line-${index % 10}.sensor-${index}`)

interface Options {
  readonly seconds: number
}

interface Server {
  /** `ws://…` */
  readonly url: string
  /** Sensors with these numbers have new values. */
  update(numbers: readonly number[], value: number): void
  close(): Promise<void>
}

/** Percent of one core, latencies in milliseconds, bytes in a second. */
export async function run({ seconds }: Options): Promise<Record<string, number>> {
  const feed = await measure(await startFeed(), seconds)
  const bare = await measure(await startBare(), seconds)
  return {
    clients: CLIENTS,
    updatesPerSecond: UPDATES_PER_SECOND,
    corePercent: feed.corePercent,
    messagesPerSecond: feed.messagesPerSecond,
    bytesPerSecond: feed.bytesPerSecond,
    latencyMsP50: feed.latencyMsP50,
    latencyMsP99: feed.latencyMsP99,
    bareCorePercent: bare.corePercent,
    bareMessagesPerSecond: bare.messagesPerSecond,
    bareLatencyMsP99: bare.latencyMsP99,
    ratioToBare: feed.corePercent / bare.corePercent,
  }
}

async function measure(server: Server, seconds: number) {
  const clients = fork(fileURLToPath(new URL('./live/clients.ts', import.meta.url)), [server.url, String(CLIENTS)])
  try {
    await heard(clients)
    const stop = produce(server)
    await sleep(systemClock, WARM_UP_MS)
    await received(clients)
    const before = process.cpuUsage()
    const startedAt = performance.now()
    await sleep(systemClock, seconds * 1000)
    const { user, system } = process.cpuUsage(before)
    const elapsedMs = performance.now() - startedAt
    const { messages, bytes, latencyMs } = await received(clients)
    stop()
    if (latencyMs.length === 0) throw new TelemetryError('INTERNAL', 'The clients received nothing')
    const sorted = latencyMs.toSorted((first, second) => first - second)
    return {
      corePercent: (user + system) / 10 / elapsedMs,
      messagesPerSecond: (messages / elapsedMs) * 1000,
      bytesPerSecond: (bytes / elapsedMs) * 1000,
      latencyMsP50: sorted[Math.floor(sorted.length * 0.5)]!,
      latencyMsP99: sorted[Math.floor(sorted.length * 0.99)]!,
    }
  } finally {
    clients.disconnect()
    await once(clients, 'exit')
    await server.close()
  }
}

async function heard(clients: ChildProcess): Promise<unknown> {
  const [message]: unknown[] = await once(clients, 'message')
  return message
}

async function received(clients: ChildProcess): Promise<Received> {
  const answer = heard(clients)
  clients.send('report')
  return (await answer) as Received
}

/** Goes on at the rate whatever the timers do; answers how to stop it. */
function produce(server: Server): () => void {
  const startedAt = performance.now()
  let produced = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * UPDATES_PER_SECOND) - produced
    const numbers = Array.from({ length: due }, (_, index) => (produced + index) % SENSORS)
    produced += due
    if (due > 0) server.update(numbers, produced / 10)
  }, SLICE_MS)
  return () => clearInterval(timer)
}

async function startFeed(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-bench-live-'))
  const info = new FakeInfo(makeModel(IDS.map((id, index) => makeSensor(index, id, { unit: 'degC' }))))
  const latest = new FakeLatest(info)
  const api = createApi({
    http: { host: '127.0.0.1', port: 0, auth: 'none' },
    dataDir,
    info,
    latest,
    alarms: new FakeAlarms(systemClock),
    history: new FakeHistory(),
    devices: new FakeDevices([]),
    uplinks: new FakeUplinks(),
    registry: new Registry(),
    dashboardDir: null,
    clock: systemClock,
    log: silentLogger,
  })
  await api.start(new AbortController().signal)
  return {
    url: `${api.url.replace('http', 'ws')}/api/v1/live`,
    update: (numbers, value) => {
      const values: Record<string, Value> = {}
      for (const number of numbers) values[IDS[number]!] = value
      latest.put(Date.now(), values)
    },
    close: async () => {
      await api.stop(AbortSignal.timeout(2000))
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** As little as a server can do that sends the same. */
async function startBare(): Promise<Server> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await once(server, 'listening')
  let waiting: object[] = []
  const timer = setInterval(() => {
    if (waiting.length === 0) return
    const message = Buffer.from(JSON.stringify({ type: 'readings', readings: waiting }))
    waiting = []
    for (const client of server.clients) client.send(message, { binary: false })
  }, MESSAGE_MS)
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    update: (numbers, value) => {
      const receivedAt = new Date().toISOString()
      for (const number of numbers)
        waiting.push({ sensor: IDS[number], value, quality: 'good', status: 'Good', time: receivedAt, receivedAt })
    },
    close: async () => {
      clearInterval(timer)
      for (const client of server.clients) client.terminate()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
