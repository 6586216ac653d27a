// Secrets planted wherever a configuration can hold one: none may be left.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCatalogue } from '#gateway/catalogue.ts'
import { redactConfig, redactTable, redactText, schemasOf, secretKeys } from '#gateway/redaction.ts'
import { systemClock } from '#kit/clock.ts'

const KEYS = secretKeys(schemasOf(createCatalogue({ clock: systemClock })))
/** Marked, so that each can be found again; with characters that YAML, JSON and URLs write in other ways. */
const secret = (n: number): string => `s3cr3t-${n}-"'\\\\é`
const inUrl = (n: number): string => encodeURIComponent(secret(n))

const PLANTED = `# an old password: ${secret(0)}
version: 1
gateway: { id: edge-01, factory: Plant A } # ${secret(1)}
broker:
  users:
    - { name: cell, password: ${JSON.stringify(secret(2))}, publish: ["#"] }
devices:
  - id: plc
    driver: opcua
    connection:
      endpoint: "opc.tcp://192.0.2.20:4840"
      user: { name: edge, password: ${JSON.stringify(secret(3))} }
    # ${secret(4)}
    sensors: [ { id: speed, node: "ns=2;s=Line1.Speed" } ]
  - id: vibration
    driver: mqtt
    connection: { url: "mqtt://edge:${inUrl(5)}@192.0.2.30:1883", username: edge, password: &shared ${JSON.stringify(secret(6))} }
    sensors: [ { id: rms, topic: t } ]
  - id: other
    driver: of-a-third-party
    connection: { host: h, apiKey: ${JSON.stringify(secret(7))}, auth: { pin: 84736251, token: [ ${JSON.stringify(secret(8))} ] } }
uplinks:
  - { id: hq, type: mqtt, url: "mqtts://${inUrl(9)}@mq.example:8883", password: *shared }
  - id: scada
    type: sparkplug
    url: "mqtts://a:p@ss-${inUrl(10)}@mq.example:8883"
    password: >-
      ${secret(11)}
  - { id: central, type: central, url: "https://central.example/x?token=${inUrl(12)}&v=1", token: "\${CENTRAL_TOKEN}" }
  - { id: mixed, type: central, token: "tx_\${PART}${inUrl(13)}" }
`

describe('a redacted configuration', () => {
  const { text, secrets } = redactConfig(PLANTED, KEYS)

  it('holds no secret, in whatever position it was', () => {
    expect(text).not.toMatch(/s3cr3t|84736251/)
    expect(text!.match(/\[redacted\]/g)!.length).toBeGreaterThanOrEqual(11)
  })

  it('still tells everything else, and where a secret comes from', () => {
    for (const kept of ['edge-01', 'Plant A', 'opc.tcp://192.0.2.20:4840', 'ns=2;s=Line1.Speed', '192.0.2.30:1883'])
      expect(text).toContain(kept)
    for (const kept of ['mq.example:8883', 'name: edge', 'username: edge', '${CENTRAL_TOKEN}', 'central.example/x'])
      expect(text).toContain(kept)
  })

  it('gives what was taken out, so that it is found in other texts too', () => {
    for (const n of [2, 3, 6, 7, 8, 11]) expect(secrets).toContain(secret(n))
    for (const n of [5, 9, 12]) expect(secrets).toEqual(expect.arrayContaining([secret(n), inUrl(n)]))
    const elsewhere = [
      `{"reason":${JSON.stringify(`refused for ${secret(3)}`)}}`,
      `bus: mqtt://edge:${inUrl(5)}@192.0.2.30`,
      `frame ${Buffer.from(`PW ${secret(6)}`).toString('hex')}`,
      'authorization: Bearer abcdef0123456789, at mqtt://new:unheard@host/x',
      secret(8),
    ]
    const left = redactText(elsewhere.join('\n'), secrets)
    expect(left).not.toMatch(/s3cr3t|unheard|abcdef0123456789/)
    expect(left).not.toContain(Buffer.from('s3cr3t').toString('hex'))
    expect(left).toContain('192.0.2.30')
  })

  it('is not given for a text that is no YAML', () => {
    expect(redactConfig('password: "abc\n x: [', KEYS)).toEqual({ text: null, secrets: [] })
  })

  it('never holds the value of a secret key, whatever the value is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.constantFrom('password', 'token', 'secret'), (value, key) => {
        const marked = `<<${value}>>!`
        const redacted = redactConfig(`a: { ${key}: ${JSON.stringify(marked)}, b: 1 }\n`, KEYS)
        expect(redacted.text).toBe(`a: { ${key}: "[redacted]", b: 1 }\n`)
      }),
    )
  })

  it('leaves out the secret columns of a file of sensors', () => {
    const table = redactTable('id,topic,connection.password\nrms,"a,b",hunter2\nx,c,\n', KEYS)
    expect(table).toBe('id,topic,connection.password\nrms,"a,b",[redacted]\nx,c,\n')
  })
})

describe('the names of secrets', () => {
  it('come from the schemas of all drivers and uplinks', () => {
    expect([...KEYS].toSorted()).toEqual(expect.arrayContaining(['password', 'url']))
  })
})
