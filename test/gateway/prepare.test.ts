import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
import { EVENTUALLY } from '#test/eventually.ts'

const HEAD = `gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
devices:
`
const modbus = (id: string): string =>
  `  - { id: ${id}, driver: modbus, connection: { host: 127.0.0.1, port: 9 }, sensors: [ { id: x, register: holding, address: 1 } ] }\n`
const opcua = (id: string): string =>
  `  - { id: ${id}, driver: opcua, connection: { endpoint: "opc.tcp://127.0.0.1:9" }, sensors: [ { id: x, node: "ns=2;s=A" } ] }\n`

/** A gateway that tells which drivers were prepared and which devices connect, in order. */
async function running(devices: string) {
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
        seen.push(`connects ${setup.id}`)
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
  const catalogue = { ...known, drivers: new Map([...known.drivers].map(([kind, driver]) => [kind, told(driver)])) }
  const file = join(folder, 'gateway.yaml')
  const write = (text: string): void => writeFileSync(file, HEAD + text)
  write(devices)
  const parsed = parseGatewayConfig(HEAD + devices, { file, catalogue, env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const gateway = await startGateway({
    config: parsed.config,
    catalogue,
    clock: systemClock,
    log: silentLogger,
    random: seededRandom(1),
    source: { file, env: {}, loaded: parsed },
  })
  onTestFinished(() => gateway.stop({ deadlineMs: 5000 }))
  return { gateway, seen, write }
}

it('has its drivers load what takes long before the first device connects, and only those that it uses', async () => {
  const { seen } = await running(modbus('a') + opcua('b') + modbus('c'))
  await expect.poll(() => seen, EVENTUALLY).toContain('connects b')
  expect(seen.slice(0, 2)).toEqual(['prepared modbus', 'prepared opcua'])
  expect(seen.filter((words) => words.startsWith('prepared'))).toHaveLength(2)
})

it('has them do so before a device that came later connects', async () => {
  const { gateway, seen, write } = await running(modbus('a'))
  expect(seen).not.toContain('prepared opcua')
  write(modbus('a') + opcua('b'))
  await gateway.configuration!.reload('test')
  await expect.poll(() => seen, EVENTUALLY).toContain('connects b')
  expect(seen.indexOf('prepared opcua')).toBeGreaterThan(0)
  expect(seen.indexOf('prepared opcua')).toBeLessThan(seen.indexOf('connects b'))
})
