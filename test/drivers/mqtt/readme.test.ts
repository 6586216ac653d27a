// The configurations in the README and the example are read by the gateway's own parser; mistakes are told with their place.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { setupsOf } from './mqtt-device.ts'

const root = join(import.meta.dirname, '../../..')
const readme = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(root, 'drivers/mqtt/README.md'), 'utf8'))![1]!
const example = readFileSync(join(root, 'config/examples/mqtt-devices.yaml'), 'utf8')

function parse(text: string) {
  const driver = mqttDriver({ clock: systemClock })
  const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
  return parseGatewayConfig(text, { file: 'test.yaml', catalogue, env: { MQTT_PASSWORD: 'x' } })
}

describe('the configuration of an mqtt device', () => {
  it('is accepted as the README and the example have it', () => {
    for (const text of [readme, example]) expect(parse(text)).toMatchObject({ ok: true })
  })

  it.each([
    ['{ id: a, topic: "a/#/b" }', 'topic'],
    ['{ id: a, topic: "a/b+" }', 'topic'],
    ['{ id: a, topic: a, value: v }', 'value'],
    ['{ id: a, topic: "a/+", value: "$.{2}" }', 'value'],
    ['{ id: a, topic: a, payload: number, value: $.v }', 'value'],
    ['{ id: a, topic: a, timeUnit: s }', 'timeUnit'],
    ['{ id: a, topic: a, payload: text, type: number }', 'type'],
    ['{ id: a, topic: a, metric: T }', 'metric'],
    ['{ id: a, topic: a, payload: sparkplug, metric: T }', 'topic'],
    ['{ id: a, topic: "spBv1.0/g/+/n", payload: sparkplug }', 'topic'],
    ['{ id: a, topic: "spBv1.0/g/+/n", payload: sparkplug, metric: T, time: $.t }', 'time'],
  ])('is refused with its place: %s', (sensor, key) => {
    const yaml = `  - { id: d, driver: mqtt, connection: { url: "mqtt://127.0.0.1" }, sensors: [ ${sensor} ] }\n`
    expect(() => setupsOf(yaml)).toThrow(new RegExp(`sensors\\[0\\]\\.${key}`))
  })

  it.each([
    'connection: { url: "mqtt://127.0.0.1", tls: {} }',
    'connection: { url: "mqtt://127.0.0.1", timeout: 0s }',
    'connection: { username: someone }',
    'connection: { url: "mqtts://127.0.0.1", tls: { cert: a.pem } }',
    'connection: { url: "http://127.0.0.1" }',
  ])('is refused: %s', (connection) => {
    expect(() => setupsOf(`  - { id: d, driver: mqtt, ${connection}, sensors: [] }\n`)).toThrow(/connection/)
  })
})
