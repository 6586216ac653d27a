import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { DEFAULT_HTTP_LIMITS } from '#config/http-limits.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { makeAlarm, makeSensor } from '../fakes.ts'
import { call, openLive, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const SENSORS = Array.from({ length: 2000 }, (_, index) => makeSensor(index, `line.sensor-${index}`))

async function start(): Promise<Fixture & { clock: ManualClock }> {
  const clock = new ManualClock(NOON)
  return { ...(await startApi({ clock, sensors: SENSORS })), clock }
}

/** All sensors get the value, in several calls; then the messages go out. */
async function putAll(api: Fixture & { clock: ManualClock }, value: number): Promise<void> {
  for (let first = 0; first < SENSORS.length; first += 500) {
    api.latest.put(NOON, Object.fromEntries(SENSORS.slice(first, first + 500).map(({ id }) => [id, value])))
  }
  await api.clock.advance(50)
}

const liveClients = async (api: Fixture): Promise<string> =>
  /telemetryx_live_clients (\d+)/.exec((await call(api.url, '/metrics')).text)![1]!

/** Bytes in use after a full collection: what a garbage collector leaves lying about is none of our business. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('slow live clients', () => {
  it('get the latest values only, every alarm, and hold up nobody else', async () => {
    const api = await start()
    const slow = await openLive(api)
    const quick = await openLive(api)
    await vi.waitFor(() => expect(slow.messages.length + quick.messages.length).toBe(2), EVENTUALLY)
    slow.socket.pause()
    let sentBytes = 0
    quick.socket.on('message', (data: Buffer) => (sentBytes += data.length))
    for (let value = 1; value <= 150; value++) await putAll(api, value)
    api.alarms.put(makeAlarm('3-1', 'line.sensor-1'))
    api.alarms.put(makeAlarm('3-1', 'line.sensor-1', { acknowledged: true }))
    await vi.waitFor(() => expect(quick.values.get('line.sensor-1999')).toBe(150), EVENTUALLY)
    expect(quick.messages.filter(({ type }) => type === 'readings').length).toBeGreaterThanOrEqual(151)

    let receivedBytes = 0
    slow.socket.on('message', (data: Buffer) => (receivedBytes += data.length))
    slow.socket.resume()
    await vi.waitFor(
      () => expect(slow.messages.some(({ type, alarm }) => type === 'alarm' && alarm.acknowledged)).toBe(true),
      EVENTUALLY,
    )
    await vi.waitFor(() => expect(SENSORS.every(({ id }) => slow.values.get(id) === 150)).toBe(true), EVENTUALLY)
    expect(receivedBytes).toBeLessThan(sentBytes / 2)

    await putAll(api, 151)
    await vi.waitFor(() => expect(slow.values.get('line.sensor-7')).toBe(151), EVENTUALLY)
  })

  it('are cut off after 30 s without taking anything, and memory stays bounded until then', async () => {
    const api = await start()
    const stuck = await openLive(api)
    stuck.socket.on('error', () => {})
    stuck.socket.pause()
    await putAll(api, 0)
    const before = memoryInUse()
    for (let value = 1; value <= 550; value++) await putAll(api, value)
    // 550 × 2000 readings are 147 MB of text.
    expect(memoryInUse() - before).toBeLessThan(30e6)
    expect(await liveClients(api)).toBe('1')
    for (let second = 0; second < 30; second += 10) await api.clock.advance(10_000)
    await vi.waitFor(async () => expect(await liveClients(api)).toBe('0'), EVENTUALLY)
  })
})

describe('many live clients', () => {
  it('are turned away beyond the limit, and served up to it', async () => {
    const api = await start()
    const clients = await Promise.all(
      Array.from({ length: DEFAULT_HTTP_LIMITS.addressLiveClients }, () => openLive(api, '?sensors=line.sensor-1')),
    )
    await expect(openLive(api)).rejects.toThrow('refused with 503')
    api.latest.put(NOON, { 'line.sensor-1': 42, 'line.sensor-2': 1 })
    await vi.waitFor(
      () => expect(clients.every(({ values }) => values.get('line.sensor-1') === 42)).toBe(true),
      EVENTUALLY,
    )
    clients[0]!.socket.terminate()
    await vi.waitFor(() => openLive(api), EVENTUALLY)
  })

  it('that vanish without a word are noticed by their missing pongs', async () => {
    const api = await start()
    await rawClient(api)
    expect(await liveClients(api)).toBe('1')
    for (let second = 0; second < 30; second += 10) await api.clock.advance(10_000)
    await vi.waitFor(async () => expect(await liveClients(api)).toBe('0'), EVENTUALLY)
  })

  it('that answer pings stay', async () => {
    const api = await start()
    const live = await openLive(api)
    for (let second = 0; second < 60; second += 10) {
      const pinged = new Promise((resolve) => live.socket.once('ping', resolve))
      await api.clock.advance(10_000)
      await pinged
      // The pong was sent while the ping was received; a request of its own afterwards lets the server read it first.
      await call(api.url, '/healthz')
    }
    expect(live.socket.readyState).toBe(live.socket.OPEN)
  })
})

/** A WebSocket made by hand that reads but never answers. */
async function rawClient(api: Fixture): Promise<Socket> {
  const { hostname, port, host } = new URL(api.url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(
    `GET /api/v1/live HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.resume()
  return socket
}
