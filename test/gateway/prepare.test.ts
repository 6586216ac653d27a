import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { Device, Driver } from '#domain/driver.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'

it('has its drivers load what takes long before the first device connects, and only those that it uses', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-prepare-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const seen: string[] = []
  const known = createCatalogue({ clock: systemClock })
  const told = (driver: Driver): Driver => ({
    ...driver,
    prepare: async () => {
      await driver.prepare?.()
      seen.push(`prepared ${driver.kind}`)
      // What fails here is told by the devices.
      if (driver.kind === 'modbus') throw new Error('not here')
    },
    open: (setup, context) => {
      const device = driver.open(setup, context)
      const connect: Device['connect'] = (...asked) => {
        seen.push('connects')
        return device.connect(...asked)
      }
      return new Proxy(device, {
        get: (target, key) => {
          if (key === 'connect') return connect
          const member: unknown = Reflect.get(target, key, target)
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
    },
  })
  const drivers = new Map([...known.drivers].map(([kind, driver]) => [kind, told(driver)]))
  const text = `gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
devices:
  - { id: a, driver: modbus, connection: { host: 127.0.0.1, port: 9 }, sensors: [ { id: x, register: holding, address: 1 } ] }
  - { id: b, driver: opcua, connection: { endpoint: "opc.tcp://127.0.0.1:9" }, sensors: [ { id: x, node: "ns=2;s=A" } ] }
  - { id: c, driver: modbus, connection: { host: 127.0.0.1, port: 9 }, sensors: [ { id: x, register: holding, address: 2 } ] }
`
  const catalogue = { ...known, drivers }
  const parsed = parseGatewayConfig(text, { file: join(folder, 'gateway.yaml'), catalogue, env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const gateway = await startGateway({
    config: parsed.config,
    catalogue,
    clock: systemClock,
    log: silentLogger,
    random: seededRandom(1),
  })
  await expect.poll(() => seen).toContain('connects')
  await gateway.stop({ deadlineMs: 5000 })
  expect(seen.slice(0, 2)).toEqual(['prepared modbus', 'prepared opcua'])
  expect(new Set(seen.slice(2))).toEqual(new Set(['connects']))
})
