// The main job, as a user meets it: the demo in a process of its own, looked at from outside.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasSocat } from '#test/sim/serial-pty.ts'
import { startDemo, type Demo } from './demo-process.ts'

interface ReadingItem {
  time: string
  value: number | string | null
  quality: string
}
interface List<T> {
  items: T[]
  next: string | null
}

vi.setConfig({ testTimeout: 120_000 }) // each test starts a whole plant, some of them twice

let dataDir = ''
const demos: Demo[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'telemetryx-demo-'))
})
afterEach(async () => {
  for (const demo of demos.splice(0))
    if (demo.process.exitCode === null && demo.process.signalCode === null) await demo.end('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

async function demo(...more: string[]): Promise<Demo> {
  const started = await startDemo({ dataDir, more })
  demos.push(started)
  return started
}

describe('the demo', () => {
  it('shows live values of every sensor within seconds', async () => {
    const running = await demo('--no-faults')
    const { items: sensors } = await running.get<List<{ id: string }>>('/sensors?limit=1000')
    expect(sensors.length).toBeGreaterThan(30)
    await vi.waitFor(async () => {
      for (const { id } of sensors) {
        const latest = await running.get<{ quality: string; value: unknown }>(`/sensors/${id}/latest`)
        expect([id, latest.quality]).toEqual([id, 'good'])
      }
    }, EVENTUALLY)
    const { items: devices } = await running.get<List<{ state: string; driver: string }>>('/devices')
    const drivers = new Set(devices.map(({ driver }) => driver))
    expect([...drivers].toSorted()).toEqual(['modbus', 'mqtt', 'opcua', ...(hasSocat ? ['serial'] : [])])
    expect(devices.length).toBeGreaterThanOrEqual(8)
    expect(new Set(devices.map(({ state }) => state))).toEqual(new Set(['up']))
  })

  it('keeps a 64-bit counter exact from the register to the API and to the history', async () => {
    const running = await demo('--no-faults')
    const energy = await vi.waitFor(async () => {
      const { items } = await running.get<List<ReadingItem>>('/sensors/meter.energy/readings?from=-1m&limit=100')
      // Odd numbers beyond 2^53: a double on the way would have made all of them even.
      expect(items.some(({ value }) => BigInt(value ?? 0) % 2n === 1n)).toBe(true)
      return items
    }, EVENTUALLY)
    for (const { value } of energy) {
      expect(value).toMatch(/^90071992\d{8}$/)
      expect(BigInt(value!)).toBeGreaterThan(2n ** 53n)
    }
  })

  it('sends changes over the WebSocket', async () => {
    const running = await demo('--no-faults')
    const socket = new WebSocket(`${running.url.replace('http', 'ws')}/api/v1/live?sensors=press-1.power`)
    const values = new Set<unknown>()
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (text: Buffer) => {
        const message = JSON.parse(text.toString()) as { type: string; readings?: { sensor: string; value: unknown }[] }
        for (const reading of message.readings ?? []) {
          expect(reading.sensor).toBe('press-1.power')
          values.add(reading.value)
        }
        if (values.size >= 3) resolve()
      })
    })
    socket.close()
    expect(values.size).toBeGreaterThanOrEqual(3)
  })

  it('raises an alarm when press 2 overheats, and its story is in the history', async () => {
    const running = await demo()
    const alarm = await vi.waitFor(async () => {
      const { items } = await running.get<List<{ sensor: string; id: string; active: boolean }>>('/alarms?state=active')
      const found = items.find(({ sensor }) => sensor === 'press-2.oil-temperature')
      expect(found).toBeDefined()
      return found!
    }, EVENTUALLY)
    await vi.waitFor(async () => {
      const { items } = await running.get<List<{ id: string }>>('/sensors/press-2.oil-temperature/alerts?from=-5m')
      expect(items.map(({ id }) => id)).toContain(alarm.id)
    }, EVENTUALLY)
  })

  it('keeps the history over a kill -9 and a new start', async () => {
    const first = await demo('--no-faults')
    const before = await vi.waitFor(async () => {
      const { items } = await first.get<List<ReadingItem>>('/sensors/press-1.vibration/readings?from=-5m&limit=1000')
      expect(items.length).toBeGreaterThan(8)
      return items
    }, EVENTUALLY)
    expect((await first.end('SIGKILL')).signal).toBe('SIGKILL')
    const second = await demo('--no-faults')
    const { items: after } = await second.get<List<ReadingItem>>(
      '/sensors/press-1.vibration/readings?from=-5m&limit=1000',
    )
    // The last second may be lost, by contract (store.flushInterval); at two polls a second that is four readings at the most.
    expect(after.slice(0, before.length - 4)).toEqual(before.slice(0, -4))
  })

  it('loses nothing and exits with 0 on SIGTERM and on Ctrl-C', async () => {
    const first = await demo('--no-faults')
    const before = await vi.waitFor(async () => {
      const { items } = await first.get<List<ReadingItem>>('/sensors/press-1.vibration/readings?from=-5m&limit=1000')
      expect(items.length).toBeGreaterThan(4)
      return items
    }, EVENTUALLY)
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const second = await demo('--no-faults')
    const { items: after } = await second.get<List<ReadingItem>>(
      '/sensors/press-1.vibration/readings?from=-5m&limit=1000',
    )
    expect(after.slice(0, before.length)).toEqual(before)
    expect(await second.end('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('takes a free port when the usual one is taken', async () => {
    const occupant = createServer().listen(0, '127.0.0.1')
    await once(occupant, 'listening')
    const { port } = occupant.address() as { port: number }
    const running = await demo('--port', String(port))
    expect(running.url).not.toContain(`:${port}`)
    expect(await running.get('/machines')).toMatchObject({ items: expect.any(Array) as unknown })
    occupant.close()
  })
})
