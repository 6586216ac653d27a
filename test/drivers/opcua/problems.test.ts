// What `telemetryx check` says about OPC UA devices, and node ids as people write them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { formatNodeAddress, namespaceIndex, parseNodeAddress } from '#drivers/opcua/node-address.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'

const catalogue = createCatalogue({ clock: systemClock })

function problems(device: string): string[] {
  const text = `version: 1\ngateway: { id: edge-01, factory: Plant A }\ndevices:\n  - { id: plc, driver: opcua, ${device} }\n`
  const parsed = parseGatewayConfig(text, { file: 'gateway.yaml', catalogue, env: {} })
  return parsed.ok ? [] : parsed.problems.map(({ message }) => message)
}

const connected = (more: string): string => `connection: { endpoint: "opc.tcp://192.0.2.20:4840"${more} }, sensors: []`
const reading = (sensor: string): string =>
  `connection: { endpoint: "opc.tcp://192.0.2.20:4840" }, sensors: [ { id: a, ${sensor} } ]`

describe('the configuration of an OPC UA device', () => {
  it.each([
    connected(''),
    connected(', security: { policy: Aes256 }'),
    connected(', security: { policy: Basic256Sha256, mode: Sign }'),
    connected(', user: { name: edge, password: x }'),
    reading('node: "nsu=http://example.org/a;s=x;y", type: uint64, index: 3, serverDeadband: 0.5'),
    `mode: poll, ${reading('node: "i=2258"')}`,
  ])('is accepted: %s', (device) => {
    expect(problems(device)).toEqual([])
  })

  it.each([
    ['connection: { endpoint: "http://192.0.2.20:4840" }, sensors: []', /opc\.tcp:\/\/host:4840/],
    ['connection: { endpoint: "opc.tcp://edge:secret@192.0.2.20:4840" }, sensors: []', /belong to connection\.user/],
    [connected(', timeout: 1m'), /between 1ms and 7s/],
    [connected(', security: { mode: Sign }'), /Sign needs a policy/],
    [connected(', security: { policy: Aes128, mode: None }'), /Aes128_Sha256_RsaOaep needs mode/],
    [connected(', security: { policy: Basic128Rsa15 }'), /Basic128Rsa15|Basic256Sha256/],
    [connected(', user: { name: edge }'), /name and password belong together/],
    [connected(', user: { certificate: /a.pem }'), /certificate and key belong together/],
    [connected(', user: { certificate: a.pem, key: /k.pem }'), /whole path of certificate/],
    [connected(', user: { name: e, password: x, certificate: /a.pem, key: /k.pem }'), /either name and password/],
    [`publishInterval: 1ms, ${connected('')}`, /between 10ms and 1m/],
    [reading('node: "Line1.Speed"'), /is no node id/],
    [reading('node: "ns=2;i=x"'), /no number/],
    [reading('node: "ns=70000;i=1"'), /ends at 65535/],
    [reading('node: "ns=1;g=123"'), /no GUID/],
    [reading('node: "ns=1;b=a?"'), /no base64/],
    [reading('node: "i=1", type: string, serverDeadband: 1'), /has no deadband/],
  ])('is refused: %s', (device, message) => {
    expect(problems(device).join('\n')).toMatch(message)
  })

  it('never shows the password', () => {
    expect(problems(connected(', timeout: 1m, user: { name: edge, password: hush, key: x }')).join('\n')).not.toContain(
      'hush',
    )
  })
})

it('accepts the configuration of the README', () => {
  const readme = readFileSync(join(PACKAGE_ROOT, 'drivers/opcua/README.md'), 'utf8')
  const yaml = /```yaml\n([^]*?)```/.exec(readme)![1]!
  const env = { OPCUA_PASSWORD: 'x' }
  expect(parseGatewayConfig(yaml, { file: 'README.yaml', catalogue, env })).toMatchObject({ ok: true })
})

describe('a node id', () => {
  it('finds its namespace by name, wherever the server has it', () => {
    const address = parseNodeAddress('nsu=http://example.org/line;s=Speed')
    if ('problem' in address) throw new Error(address.problem)
    expect(namespaceIndex(address, ['http://opcfoundation.org/UA/', 'urn:x', 'http://example.org/line'])).toBe(2)
    expect(namespaceIndex(address, ['http://opcfoundation.org/UA/', 'http://example.org/line'])).toBe(1)
    expect(namespaceIndex(address, [])).toBeNull()
  })

  it('is read as the specification writes it', () => {
    expect(parseNodeAddress('i=2258')).toMatchObject({ namespace: 0, identifier: { kind: 'numeric', value: 2258 } })
    expect(parseNodeAddress('ns=10;s=Hello:World')).toMatchObject({
      namespace: 10,
      identifier: { value: 'Hello:World' },
    })
    expect(parseNodeAddress('ns=1;b=M/RbKBsRVkePCePcx24oRA==')).toMatchObject({ identifier: { kind: 'opaque' } })
    expect(parseNodeAddress('g=09087e75-8e5e-499b-954f-f2a9603db28a')).toMatchObject({
      identifier: { kind: 'guid', value: '09087E75-8E5E-499B-954F-F2A9603DB28A' },
    })
  })

  it('survives being written and read, whatever the names', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (uri, value) => {
        const text = formatNodeAddress(uri, { kind: 'string', value })
        expect(parseNodeAddress(text)).toMatchObject({ namespace: uri, identifier: { kind: 'string', value } })
      }),
    )
  })

  it('is never more than refused, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseNodeAddress(text)))
  })
})
