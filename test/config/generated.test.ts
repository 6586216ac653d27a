// The generated files are up to date, and the JSON Schema judges as `telemetryx check` does.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Schema from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { generatedFiles } from '#cli/generate-reference.ts'
import { gatewayJsonSchema } from '#config/json-schema.ts'
import { loadGatewayConfig, parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'
import { benchCatalogue } from './bench-driver.ts'
import { check, device, gatewayWith, problemsOf, sensor, uplink } from './parse.ts'

const catalogue = createCatalogue({ clock: systemClock })
const configFolder = join(PACKAGE_ROOT, 'config')
/** Configurations of other roles, which have tests of their own. */
const OTHER_ROLES = ['brain.yaml', 'central.yaml']
const examples = readdirSync(join(configFolder, 'examples'))
  .filter((name) => name.endsWith('.yaml') && !OTHER_ROLES.includes(name))
  .map((name) => join('examples', name))

describe('generated files', () => {
  it.each([...generatedFiles()])('%s is what `npm run generate` writes', (path, text) => {
    expect(readFileSync(join(PACKAGE_ROOT, path), 'utf8')).toBe(text)
  })

  it('name every key of every driver and uplink in the reference', () => {
    const page = generatedFiles().get('docs/configuration.md') ?? ''
    for (const driver of catalogue.drivers.values()) {
      for (const key of [
        ...Object.keys(driver.deviceSchema.properties),
        ...Object.keys(driver.sensorSchema.properties),
      ]) {
        expect(page).toContain(`| \`${key}\` |`)
      }
    }
    for (const key of ['whenFull', 'hysteresis', 'sensorsFile', 'maxRate', 'url'])
      expect(page).toContain(`| \`${key}\` |`)
  })
})

describe('configurations that come along', () => {
  it.each(['gateway.yaml', ...examples])('%s is valid', async (name) => {
    const result = await loadGatewayConfig(join(configFolder, name), { catalogue, env: { MQTT_PASSWORD: 'secret' } })
    expect(result).toMatchObject({ ok: true })
  })

  it('has a default without devices, so that it starts on any machine', async () => {
    const result = await loadGatewayConfig(join(configFolder, 'gateway.yaml'), { catalogue, env: {} })
    expect(result).toMatchObject({
      ok: true,
      config: { devices: [], uplinks: [], http: { host: '127.0.0.1', auth: 'required' } },
    })
  })

  it('has examples in the comments of the default that are valid once taken out', () => {
    const text = readFileSync(join(configFolder, 'gateway.yaml'), 'utf8')
    const opened = text.replaceAll(/^#(?= {2})/gm, '').replaceAll(': []', ':')
    const result = parseGatewayConfig(opened, { file: 'gateway.yaml', catalogue, env: {} })
    expect(result).toMatchObject({ ok: true, config: { devices: [{ sensors: [{}, {}] }], uplinks: [{}] } })
  })

  it.each(['gateway.yaml', ...examples])('%s points editors to the schema', (name) => {
    const [first] = readFileSync(join(configFolder, name), 'utf8').split('\n')
    const file = /^# yaml-language-server: \$schema=(.*)$/.exec(first ?? '')?.[1] ?? 'none'
    expect(join(configFolder, name, '..', file)).toBe(join(configFolder, 'gateway.schema.json'))
  })
})

describe('the JSON Schema', () => {
  const real = Schema.Compile(gatewayJsonSchema(catalogue))
  const bench = Schema.Compile(gatewayJsonSchema(benchCatalogue))

  it.each(['gateway.yaml', ...examples])('accepts %s', (name) => {
    expect(real.Check(parse(readFileSync(join(configFolder, name), 'utf8')))).toBe(true)
  })

  it('is plain JSON without keywords of our own', () => {
    const text = JSON.stringify(gatewayJsonSchema(benchCatalogue))
    expect(text).not.toContain('secret')
    expect(text).not.toContain('telemetryx-')
    expect(JSON.parse(text)).toEqual(gatewayJsonSchema(benchCatalogue))
  })

  it.each([
    [
      'a full sensor',
      sensor('unit: bar, poll: 0.5s, scale: { factor: 2 }, checks: [ { type: threshold, high: 1, onDelay: 0 } ]'),
    ],
    ['a device by its transport', device('{ id: a, driver: bench, connection: { transport: rtu, path: /dev/tty1 } }')],
    ['an uplink', uplink('{ id: a, type: wire, url: "wire://h", replay: { order: inOrder } }')],
  ])('accepts %s, as the reader does', (_, yaml) => {
    expect(problemsOf(yaml)).toEqual([])
    expect(bench.Check(parse(yaml))).toBe(true)
  })

  it.each([
    ['an unknown key', gatewayWith('htpp: 1')],
    [
      'an unknown key of a driver',
      device('{ id: a, driver: bench, zebra: 1, connection: { transport: tcp, host: h } }'),
    ],
    ['an unknown driver', device('{ id: a, driver: zebra }')],
    ['no driver', device('{ id: a }')],
    ['a missing key of a driver', device('{ id: a, driver: bench }')],
    [
      'a key of another branch',
      device('{ id: a, driver: bench, connection: { transport: rtu, host: h, path: /dev/x } }'),
    ],
    ['a missing choice', device('{ id: a, driver: bench, connection: { host: h } }')],
    ['an unknown key of a sensor', sensor('adress: 2')],
    ['a wrong duration', sensor('poll: 5 s')],
    ['a number out of range', gatewayWith('http: { port: 70000 }')],
    ['a key of another check', check('{ type: zscore, high: 1 }')],
    ['a missing key of an uplink', uplink('{ id: a, type: wire }')],
  ])('refuses %s, as the reader does', (_, yaml) => {
    expect(problemsOf(yaml)).not.toEqual([])
    expect(bench.Check(parse(yaml))).toBe(false)
  })
})
