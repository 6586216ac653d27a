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
import { blocksOf } from '#test/docs/blocks.ts'
import { EVENTUALLY } from '#test/eventually.ts'

/** The example of the manual, as it stands there. */
const [DRIVER = ''] = blocksOf('docs/writing-a-driver.md')
  .filter(({ language }) => language === 'js')
  .map(({ text }) => text)
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
      const { value, quality } = (await latest.json()) as { readonly value: number; readonly quality: string }
      expect(quality).toBe('good')
      expect(value).toBeOneOf(Array.from({ length: 20 }, (_, roll) => 5 + 1 + roll))
    }, EVENTUALLY)
  })

  it('is checked like those of the house, by the command too', async () => {
    install('@example/dice', DRIVER)
    writeFileSync(file, yaml('"@example/dice"'))
    expect(await telemetryx(['check', file])).toMatchObject({ code: 0 })
    writeFileSync(file, yaml('"@example/dice"', 13))
    const refused = await telemetryx(['check', file])
    expect(refused).toMatchObject({ code: 78 })
    expect(refused.stderr + refused.stdout).toContain('there are no such dice')
  })

  it('is found however the key is spelt', async () => {
    writeFileSync(join(folder, 'dice.mjs'), DRIVER)
    writeFileSync(file, yaml('./dice.mjs').replace('drivers:', '"\\x64rivers":'))
    expect((await loadCatalogue(file, { clock: systemClock })).drivers.has('dice')).toBe(true)
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
