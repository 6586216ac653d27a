import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { Leaves, Outline } from '#config/outline.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'

const catalogue = createCatalogue({ clock: systemClock })

function outline(yaml: string, env: Record<string, string> = {}, file = '/nowhere/gateway.yaml'): Outline {
  const text = `gateway: { id: edge-01, factory: Plant A }\n${yaml}`
  const parsed = parseGatewayConfig(text, { file, catalogue, env })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.outline
}

const shown = (leaves: Leaves | undefined): Record<string, string> =>
  Object.fromEntries([...(leaves ?? [])].map(([key, leaf]) => [key, leaf.shown]))

const press = (more: string): string =>
  `devices:\n  - { id: press-1, driver: modbus, connection: { transport: tcp, host: h }, ${more} }\n`

describe('The outline of a configuration', () => {
  it('names each value by its key, checks by their type or id', () => {
    const { devices, sensors } = outline(
      press(
        'sensors: [ { id: a, register: holding, address: 7, checks: [ { type: threshold, high: 5 }, { type: threshold, id: soft, high: 4 } ] } ]',
      ),
    )
    expect(shown(devices.get('press-1'))).toMatchObject({ 'connection.host': 'h', driver: 'modbus', poll: '1s' })
    expect(shown(sensors.get('press-1.a'))).toMatchObject({
      address: '7',
      'checks.threshold.high': '5',
      'checks.soft.high': '4',
    })
  })

  it('takes a default that is written out for the same as one that is not', () => {
    const settings = (yaml: string): Record<string, string> => shown(outline(yaml).settings)
    expect(settings('http: { port: 8080 }\nstore: { retention: { raw: 30d } }')).toEqual(settings(''))
  })

  it('shows references instead of what they stand for, and nothing of a secret, wherever it is written', () => {
    const uplink = (more: string, env = {}) =>
      outline(`uplinks: [ { id: hq, type: mqtt, url: "mqtt://h:1883", topic: "{sensor}", ${more} } ]`, env)
    const literal = uplink('username: me, password: hunter2').uplinks.get('hq')
    const one = uplink('username: me, password: "${PW}"', { PW: 'hunter2' }).uplinks.get('hq')
    const other = uplink('username: me, password: "${PW}"', { PW: 'other' }).uplinks.get('hq')
    expect(shown(literal)).toMatchObject({ password: '(hidden)', url: 'mqtt://h:1883' })
    expect(shown(one)).toMatchObject({ password: '${PW}' })
    expect(shown(other)).toEqual(shown(one))
    expect(other?.get('password')?.digest).not.toBe(one?.get('password')?.digest)
    expect(one?.get('password')?.digest).toBe(literal?.get('password')?.digest)
    expect(JSON.stringify([shown(literal), shown(one)])).not.toContain('hunter2')
  })

  it('tells lists apart whose elements hold commas, and takes a reference for the value behind it', () => {
    const publish = (rules: string) =>
      outline(`broker: { users: [ { name: line, password: p, publish: ${rules} } ] }`).settings.get(
        'broker.users.line.publish',
      )?.digest
    expect(publish('["a,b"]')).not.toBe(publish('["a", "b"]'))
    const host = (value: string) =>
      outline(`http: { host: "${value}" }`, { HOST: '127.0.0.1' }).settings.get('http.host')?.digest
    expect(host('${HOST}')).toBe(host('127.0.0.1'))
  })

  it('knows the secrets of nested and listed keys', () => {
    const { devices, settings } = outline(
      'broker: { users: [ { name: line, password: hunter2, publish: ["#"] } ] }\n' +
        'devices: [ { id: plc, driver: opcua, connection: { endpoint: "opc.tcp://h:4840", user: { name: a, password: hunter2 } }, sensors: [ { id: x, node: "ns=2;s=x" } ] } ]\n',
    )
    expect(shown(settings)).toMatchObject({
      'broker.users.line.password': '(hidden)',
      'broker.users.line.publish': '[#]',
    })
    expect(shown(devices.get('plc'))).toMatchObject({ 'connection.user.password': '(hidden)' })
  })

  it('holds the rows of a sensors file as if they stood in the text, and gives the file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-outline-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 's.csv'), 'id,register,address\nb,holding,9\n')
    const text = `gateway: { id: edge-01, factory: Plant A }\n${press('sensorsFile: s.csv')}`
    const options = { file: join(folder, 'gateway.yaml'), catalogue, env: {} }
    const parsed = parseGatewayConfig(text, options)
    expect(parsed.ok && shown(parsed.outline.sensors.get('press-1.b'))).toMatchObject({ address: '9' })
    expect(parsed.ok && parsed.files).toEqual([
      { path: join(folder, 's.csv'), text: 'id,register,address\nb,holding,9\n' },
    ])
    const older = parseGatewayConfig(text, { ...options, fileText: () => 'id,register,address\nb,holding,1\n' })
    expect(older.ok && shown(older.outline.sensors.get('press-1.b'))).toMatchObject({ address: '1' })
  })
})
