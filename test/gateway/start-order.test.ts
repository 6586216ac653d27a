// In which order a gateway starts: devices are read while the API's code still loads, and nothing that the API keeps watch over
// happens before it.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { Device, DeviceSetup } from '#domain/driver.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { EVENTUALLY } from '#test/eventually.ts'

/** Its devices' calls, its log and whoever else is given `seen` tell in which order things happen. */
function starting(seen: string[], port: number, more = ''): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-order-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const known = createCatalogue({ clock: systemClock })
  const modbus = known.drivers.get('modbus')!
  const drivers = new Map(known.drivers).set('modbus', { ...modbus, open: (setup) => constant(setup, seen) })
  const text = `gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { host: 127.0.0.1, port: ${port}, auth: none }
devices:
  - { id: plc, driver: modbus, poll: 1s, connection: { host: 127.0.0.1, port: 9 }, sensors: [ { id: x, register: holding, address: 1 } ] }
${more}`
  const file = join(folder, 'gateway.yaml')
  const parsed = parseGatewayConfig(text, { file, catalogue: { ...known, drivers }, env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return startGateway({
    config: parsed.config,
    catalogue: { ...known, drivers },
    clock: systemClock,
    log: createLogger({ destination: { write: (line) => void seen.push((JSON.parse(line) as { msg: string }).msg) } }),
    random: seededRandom(1),
    afterLoading: () => seen.push('everything is loaded'),
  })
}

/** A device whose one sensor is always 7. */
function constant({ groups }: DeviceSetup, seen: string[]): Device {
  return {
    bus: 'test:plc',
    connect: async () => void seen.push('the device is connected'),
    poll: async (group, sink) => {
      seen.push('the device is read')
      for (const { sensor } of groups[group]!.points) sink.number(sensor.number, 7, Status.Good, NO_TIME)
      return { requests: 1 }
    },
    close: async () => {},
  }
}

it('reads its devices before the code of the API is loaded, and connects uplinks after it', async () => {
  const seen: string[] = []
  const broker = createServer((socket) => {
    seen.push('the uplink connects')
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void broker.close())
  await once(broker, 'listening')
  const { port } = broker.address() as AddressInfo
  const uplinks = `uplinks: [ { id: hq, type: mqtt, url: "mqtt://127.0.0.1:${port}", topic: "{sensor}" } ]\n`
  const gateway = await starting(seen, 0, uplinks)
  onTestFinished(() => gateway.stop({ deadlineMs: 2000 }))
  await expect.poll(() => seen, EVENTUALLY).toContain('the uplink connects')
  await expect.poll(() => seen, EVENTUALLY).toContain('the device is read')
  const order = ['the device is connected', 'The API listens', 'everything is loaded', 'Gateway is running']
  expect(seen.filter((words) => order.includes(words))).toEqual(order)
  expect(seen.indexOf('the uplink connects')).toBeGreaterThan(seen.indexOf('The API listens'))
})

it('touches no device when another program has the port of its API', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const seen: string[] = []
  await expect(starting(seen, port)).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: `Port ${port} on 127.0.0.1 is already in use; choose another one as http.port`,
  })
  expect(seen).not.toContain('the device is connected')
})
