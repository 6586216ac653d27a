// The gateway as a whole, in this process: what must hold when devices, brokers or the disk misbehave.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { LineFaults } from '#simulate/line-faults.ts'
import { ModbusServer } from '#simulate/modbus-server.ts'
import { RegisterBank } from '#simulate/register-bank.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

const gateways: Gateway[] = []
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-gateway-'))
})
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop({ deadlineMs: 2000 })
  rmSync(folder, { recursive: true, force: true })
})

async function start(yaml: string): Promise<Gateway> {
  const gateway = await startTestGateway(folder, yaml)
  gateways.push(gateway)
  return gateway
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const device = (port: number): string => `devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 300ms }
    poll: 50ms
    sensors: [ { id: level, register: holding, address: 0, checks: [ { type: threshold, high: 100, hysteresis: 5 } ] } ]
`

describe('the gateway', () => {
  it('starts without its device and its broker, says so, and reads the device once it is there', async () => {
    const port = await closedPort()
    const uplink = `uplinks: [ { id: hq, type: mqtt, url: "mqtt://127.0.0.1:${await closedPort()}", topic: "{sensor}" } ]\n`
    const gateway = await start(device(port) + uplink)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
    await vi.waitFor(async () => {
      expect(await getJson(gateway, '/api/v1/sensors/press-1.level/latest')).toMatchObject({
        quality: 'bad',
        value: null,
      })
      expect(gateway.health().map(({ code }) => code)).toEqual(['device-down', 'uplink-down'])
    }, EVENTUALLY)
    const bank = new RegisterBank()
    bank.setHolding(0, 42)
    const server = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
    await server.listen(port)
    await vi.waitFor(async () => {
      expect(await getJson(gateway, '/api/v1/sensors/press-1.level/latest')).toMatchObject({
        quality: 'good',
        value: 42,
      })
    }, EVENTUALLY)
    await server.close()
  })

  it('marks a device that falls silent, once in the history, and its alarm is neither raised nor cleared by that', async () => {
    const unit = { bank: new RegisterBank(), faults: new LineFaults() }
    unit.bank.setHolding(0, 150)
    const server = new ModbusServer(new Map([[1, unit]]))
    const gateway = await start(device(await server.listen(0)))
    const active = (): Promise<{ items: unknown[] }> => getJson(gateway, '/api/v1/alarms?state=active')
    await vi.waitFor(async () => expect((await active()).items).toHaveLength(1), EVENTUALLY)
    unit.faults.set('silence', true)
    await vi.waitFor(async () => {
      expect(await getJson(gateway, '/api/v1/sensors/press-1.level/latest')).toMatchObject({
        quality: 'bad',
        value: null,
      })
    }, EVENTUALLY)
    const polls = async (): Promise<number> =>
      (await getJson<{ errors: Record<string, number> }>(gateway, '/api/v1/devices/press-1')).errors['timeout'] ?? 0
    await vi.waitFor(async () => expect(await polls()).toBeGreaterThan(1), EVENTUALLY)
    const { items } = await getJson<{ items: { quality: string }[] }>(
      gateway,
      '/api/v1/sensors/press-1.level/readings?from=-1m',
    )
    expect(items.filter(({ quality }) => quality === 'bad')).toHaveLength(1)
    expect((await active()).items).toHaveLength(1)
    await server.close()
  })

  it('sets a corrupt database aside under a name that it gives, and starts with a new one', async () => {
    const first = await start('')
    await first.stop({ deadlineMs: 2000 })
    const database = readdirSync(join(folder, 'data')).find(
      (name) => name.endsWith('.db') && name.startsWith('telemetryx'),
    )
    expect(database).toBeDefined()
    writeFileSync(join(folder, 'data', database!), Buffer.alloc(65_536, 'not a database '))
    const second = await start('')
    const reason = second.health().find(({ code }) => code === 'store-quarantined')
    expect(reason?.blocking).toBe(false)
    const aside = readdirSync(join(folder, 'data')).filter((name) => name.includes('corrupt'))
    expect(aside.length).toBeGreaterThan(0)
    expect(aside.some((name) => reason?.message.includes(name))).toBe(true)
  })

  it('gives each start a greater epoch', async () => {
    const first = await start('')
    const { epoch: before } = await getJson<{ epoch: number }>(first, '/api/v1/gateway')
    await first.stop({ deadlineMs: 2000 })
    const second = await start('')
    expect((await getJson<{ epoch: number }>(second, '/api/v1/gateway')).epoch).toBeGreaterThan(before)
  })

  it('refuses a data folder that another gateway uses', async () => {
    await start('')
    await expect(start('')).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  })

  it('writes to a device and answers what was read back', async () => {
    const bank = new RegisterBank()
    const server = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
    const yaml = device(await server.listen(0)).replace('address: 0,', 'address: 0, writable: true,')
    const gateway = await start(yaml)
    const put = (): Promise<Response> =>
      fetch(`${gateway.url}/api/v1/sensors/press-1.level/value`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ value: 77 }),
      })
    await vi.waitFor(async () => {
      const response = await put()
      expect([response.status, await response.json()]).toMatchObject([200, { value: 77 }])
    }, EVENTUALLY)
    expect(bank.getHolding(0)).toBe(77)
    await server.close()
  })

  it('shows every metric of the contract', async () => {
    const bank = new RegisterBank()
    const server = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
    const uplink = `uplinks: [ { id: hq, type: mqtt, url: "mqtt://127.0.0.1:${await closedPort()}", topic: "{sensor}" } ]\n`
    const gateway = await start(device(await server.listen(0)) + uplink)
    await vi.waitFor(async () => {
      const text = await (await fetch(`${gateway.url}/metrics`)).text()
      for (const name of CONTRACT_METRICS) expect(text).toMatch(new RegExp(`^${name}(_bucket)?[ {]`, 'm'))
    }, EVENTUALLY)
    await server.close()
  })
})

const CONTRACT_METRICS = [
  'telemetryx_build_info',
  'telemetryx_readings_total',
  'telemetryx_poll_duration_seconds',
  'telemetryx_poll_lag_seconds',
  'telemetryx_device_up',
  'telemetryx_ring_fill_ratio',
  'telemetryx_pipeline_latency_seconds',
  'telemetryx_store_bytes',
  'telemetryx_store_written_bytes_total',
  'telemetryx_uplink_pending',
  'telemetryx_uplink_oldest_age_seconds',
  'telemetryx_uplink_delivered_total',
  'telemetryx_alarms_active',
]
