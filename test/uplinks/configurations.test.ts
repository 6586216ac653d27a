// The configurations in the READMEs of the kinds are read by the gateway's own parser; mistakes are told with their place.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'

const HEAD = `version: 1
gateway: { id: edge-01, factory: Plant A }
devices:
  - { id: press-1, driver: http, sensors: [ { id: jobs, field: jobs } ] }
`

function problemsOf(uplinks: string): string[] {
  const env = { MQTT_PASSWORD: 'x', CENTRAL_TOKEN: 'y', BRAIN_TOKEN: 'z' }
  const catalogue = createCatalogue({ clock: systemClock })
  const parsed = parseGatewayConfig(HEAD + uplinks, { file: 'test.yaml', catalogue, env })
  return parsed.ok ? [] : parsed.problems.map(({ line, message }) => `${line}: ${message}`)
}

describe('The configuration of an uplink', () => {
  it.each(['sparkplug', 'central'])('is accepted as the README of %s has it', (type) => {
    const readme = readFileSync(join(import.meta.dirname, '../../src/uplinks', type, 'README.md'), 'utf8')
    const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readme)!
    expect(problemsOf(yaml!)).toEqual([])
  })

  it.each([
    ['type: sparkplug, url: "mqtt://a"', /group/],
    ['type: sparkplug, url: "mqtt://a", group: "a/b"', /group/],
    ['type: sparkplug, url: "mqtt://a", group: "a+"', /group/],
    ['type: sparkplug, url: "mqtt://a", group: a, node: "#"', /node/],
    ['type: sparkplug, url: "mqtt://a", group: a, primaryHost: "a/b"', /primaryHost/],
    ['type: sparkplug, url: "http://a", group: a', /url/],
    ['type: sparkplug, url: "mqtt://a", group: a, qos: 1', /unknown key/],
    ['type: central, url: "ftp://a"', /url/],
    ['type: central, url: "https://me:secret@a"', /url/],
    ['type: central, url: "https://a/?x=1"', /url/],
    ['type: central, url: "https://a", format: xml', /format/],
    ['type: central, url: "https://a", token: "two words"', /token/],
    ['type: central, url: "https://a", configuration: { accept: maybe }', /accept/],
  ])('is refused with its place: %s', (keys, what) => {
    const problems = problemsOf(`uplinks:\n  - { id: hq, ${keys} }\n`)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^6: /)
    expect(problems[0]).toMatch(what)
    expect(problems[0]).not.toContain('secret')
  })
})
