// Writes through the whole gateway to a slave of another implementation: what reaches its registers, what is refused, and
// what the journal tells of each.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { ALL_TIME, HistoryReader } from '#store/export-reader.ts'
import { SqlHistory } from '#store/sql.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasPymodbus, startPymodbusSlave, type PymodbusSlave } from '#test/sim/modbus-peers.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

let folder = ''
let slave: PymodbusSlave | undefined
let gateway: Gateway | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-write-'))
})
afterEach(async () => {
  await gateway?.stop({ deadlineMs: 5000 })
  await slave?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const yaml = (port: number): string => `devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 5s }
    poll: 100ms
    sensors:
      - { id: setpoint, register: holding, address: 10, type: float32, order: CDAB, writable: true, unit: bar,
          writeLimits: { min: 0, max: 250, perMinute: 20 } }
      - { id: level, register: holding, address: 20, scale: { factor: 0.1 }, writable: true }
      - { id: running, register: coil, address: 3, type: bool, writable: true }
      - { id: beyond, register: holding, address: 30000, writable: true }
      - { id: fixed, register: holding, address: 21 }
`

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Record<string, unknown>
}

async function put(sensor: string, value: unknown, more: object = {}): Promise<Answer> {
  const response = await fetch(`${gateway!.url}/api/v1/sensors/press-1.${sensor}/value`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ value, ...more }),
  })
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

async function startBoth(): Promise<PymodbusSlave> {
  slave = await startPymodbusSlave([1])
  await slave.store({ table: 'holding', address: 10, type: 'float32', order: 'CDAB', value: '12.5' })
  gateway = await startTestGateway(folder, yaml(slave.port))
  await vi.waitFor(async () => {
    const latest = await getJson(gateway!, '/api/v1/sensors/press-1.setpoint/latest')
    expect(latest).toMatchObject({ quality: 'good', value: 12.5 })
  }, EVENTUALLY)
  return slave
}

/** Stops the gateway; the events about writes that its journal kept, oldest first. */
async function writesInJournal(): Promise<Record<string, unknown>[]> {
  await gateway!.stop({ deadlineMs: 10_000 })
  const reader = new HistoryReader(join(folder, 'data'))
  const sql = new SqlHistory({ reader, units: new Map(), span: ALL_TIME, parseTime: (text) => Date.parse(text) })
  try {
    const { rows } = sql.query(
      `SELECT type, data FROM events WHERE type LIKE 'sensor-w%' AND source = 'press-1' ORDER BY epoch, seq`,
    )
    return [...rows].map(([type, data]) => ({ type, ...(JSON.parse(String(data)) as object) }))
  } finally {
    sql.close()
    reader.close()
  }
}

describe.skipIf(!hasPymodbus)('writing through the gateway (needs python3-pymodbus)', () => {
  it('reaches the registers, is read back, and the journal tells who, what and what it was before', async () => {
    const peer = await startBoth()
    expect(await put('setpoint', 100.25)).toMatchObject({ status: 200, body: { value: 100.25, requested: 100.25 } })
    expect(await peer.get('holding', 10, 2)).toEqual([0x8000, 0x42c8])
    expect(await put('level', 21.4)).toMatchObject({ status: 200, body: { value: 21.4 } })
    expect(await peer.get('holding', 20, 1)).toEqual([214])
    expect(await put('running', true)).toMatchObject({ status: 200, body: { value: true } })
    expect(await peer.get('coil', 3, 1)).toEqual([1])
    const who = { by: 'local', from: 'api 127.0.0.1', outcome: 'written', type: 'sensor-written' }
    expect(await writesInJournal()).toMatchObject([
      { ...who, sensor: 'press-1.setpoint', before: 12.5, requested: 100.25, readBack: 100.25 },
      { ...who, sensor: 'press-1.level', before: 0, requested: 21.4, readBack: 21.4 },
      { ...who, sensor: 'press-1.running', before: false, requested: true, readBack: true },
    ])
  })

  it('refuses with a reason of its own each, leaves the registers alone, and the journal tells of it', async () => {
    const peer = await startBoth()
    expect(await put('setpoint', 250.5)).toMatchObject({ status: 422, body: { code: 'OUT_OF_RANGE' } })
    expect(await put('level', 7000)).toMatchObject({ status: 422, body: { code: 'OUT_OF_RANGE' } })
    expect(await put('fixed', 1)).toMatchObject({ status: 409, body: { code: 'NOT_WRITABLE' } })
    const over = { expiresAt: '2026-01-01T00:00:00Z' }
    expect(await put('setpoint', 1, over)).toMatchObject({ status: 503, body: { code: 'EXPIRED' } })
    expect(await put('setpoint', 1, { expiresAt: 'soon' })).toMatchObject({ status: 400 })
    expect(await put('setpoint', 'much')).toMatchObject({ status: 400 })
    expect(await put('beyond', 1)).toMatchObject({ status: 502, body: { code: 'DEVICE_EXCEPTION' } })
    const limited = { status: 429, retryAfter: '3', body: { code: 'RATE_LIMITED' } }
    expect(await put('setpoint', 300)).toMatchObject(limited) // 20 a minute: two at once, then one in three seconds
    expect(await put('setpoint', 20)).toMatchObject(limited)
    expect(await peer.get('holding', 10, 2)).toEqual([0, 0x4148])
    expect(await peer.get('holding', 20, 2)).toEqual([0, 0])
    const told = (await writesInJournal()).map(({ type, sensor, code }) => [type, sensor, code])
    expect(told).toEqual([
      ['sensor-write-refused', 'press-1.setpoint', 'OUT_OF_RANGE'],
      ['sensor-write-refused', 'press-1.level', 'OUT_OF_RANGE'],
      ['sensor-write-refused', 'press-1.fixed', 'NOT_WRITABLE'],
      ['sensor-write-refused', 'press-1.setpoint', 'EXPIRED'],
      ['sensor-write-failed', 'press-1.beyond', 'DEVICE_EXCEPTION'],
      ['sensor-write-refused', 'press-1.setpoint', 'RATE_LIMITED'],
    ])
  })
})
