// A driver of a third party: an npm package in a folder of its own, named in the YAML, checked and run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadGatewayConfig } from '#config/load.ts'
import { loadCatalogue } from '#gateway/driver-packages.ts'
import { startGateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { telemetryx } from '#test/cli/run-command.ts'
import { EVENTUALLY } from '#test/eventually.ts'

/** The example of docs/writing-a-driver.md, in short. */
const DRIVER = `
export function driver({ Type, strictObject, durationSchema, Status, NO_TIME, TelemetryError }) {
  return {
    kind: 'dice',
    deviceSchema: strictObject({ sides: Type.Integer({ minimum: 2, default: 6 }), timeout: Type.Optional(durationSchema({})) }),
    sensorSchema: strictObject({ offset: Type.Optional(Type.Integer()) }),
    valueType: () => 'number',
    problems: ({ sides }) => sides === 13 ? [{ path: ['sides'], message: 'There are no such dice' }] : [],
    open({ id, config, groups }) {
      let isOpen = false
      return {
        bus: 'dice:' + id,
        async connect() { isOpen = true },
        async poll(group, sink) {
          if (!isOpen) throw new TelemetryError('CONNECTION_LOST', 'The dice are not there', { retryable: true })
          for (const { sensor, config: own } of groups[group].points)
            sink.number(sensor.number, config.sides + (own.offset ?? 0), Status.Good, NO_TIME)
          return { requests: 1 }
        },
        async close() { isOpen = false },
      }
    },
  }
}
`
const yaml = (drivers: string, sides = 20): string => `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, auth: none }
drivers: [ ${drivers} ]
devices: [ { id: d, driver: dice, sides: ${sides}, poll: 50ms, sensors: [ { id: a }, { id: b, offset: 5 } ] } ]
`

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-driver-'))
  file = join(folder, 'gateway.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function install(name: string, text: string): void {
  const home = join(folder, 'node_modules', name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }))
  writeFileSync(join(home, 'index.js'), text)
}

describe('a driver from a package', () => {
  it('reads sensors in a gateway', async () => {
    install('telemetryx-dice', DRIVER)
    writeFileSync(file, yaml('telemetryx-dice'))
    const catalogue = await loadCatalogue(file, { clock: systemClock })
    const loaded = await loadGatewayConfig(file, { catalogue, env: {} })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const options = { catalogue, clock: systemClock, log: silentLogger, random: seededRandom(1) }
    const gateway = await startGateway({ config: loaded.config, ...options })
    onTestFinished(() => gateway.stop({ deadlineMs: 2000 }))
    await vi.waitFor(async () => {
      const latest = await fetch(`${gateway.url}/api/v1/sensors/d.b/latest`)
      expect(await latest.json()).toMatchObject({ value: 25, quality: 'good' })
    }, EVENTUALLY)
  })

  it('is checked like those of the house, by the command too', async () => {
    install('@acme/dice', DRIVER)
    writeFileSync(file, yaml('"@acme/dice"'))
    expect(await telemetryx(['check', file])).toMatchObject({ code: 0 })
    writeFileSync(file, yaml('"@acme/dice"', 13))
    const refused = await telemetryx(['check', file])
    expect(refused).toMatchObject({ code: 78 })
    expect(refused.stderr + refused.stdout).toContain('there are no such dice')
  })

  it('may be a file beside the configuration', async () => {
    writeFileSync(join(folder, 'dice.mjs'), DRIVER)
    writeFileSync(file, yaml('./dice.mjs'))
    expect((await loadCatalogue(file, { clock: systemClock })).drivers.has('dice')).toBe(true)
  })

  it.each([
    ['is not installed', null, 'telemetryx-dice'],
    ['exports something else', 'export const x = 1', 'exports no function "driver"'],
    ['throws', 'export function driver() { throw new Error("no luck") }', 'no luck'],
    ['returns nothing', 'export function driver() {}', 'does not return a driver'],
    ['lacks a part', DRIVER.replace('open({', 'close({'), 'it has no open()'],
    ['has the kind of another', DRIVER.replace("kind: 'dice'", "kind: 'modbus'"), 'a driver "modbus" already'],
    ['has no word as kind', DRIVER.replace("kind: 'dice'", "kind: 'A B'"), 'its kind must be a word'],
  ])('is refused by name when it %s', async (_why, text, message) => {
    if (text !== null) install('telemetryx-dice', text)
    writeFileSync(file, yaml('telemetryx-dice'))
    const loading = loadCatalogue(file, { clock: systemClock })
    await expect(loading).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toThrow('"telemetryx-dice" cannot be used')
  })
})
