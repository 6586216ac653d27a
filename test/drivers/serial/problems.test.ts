// What is wrong with a serial device's YAML is told at its place.

import { describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { BusDevice } from '#domain/driver.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import type { SerialDeviceConfig } from '#drivers/serial/schema.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const driver = serialDriver({ clock: new ManualClock() })
const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }

const GOOD = {
  connection: '{ path: /dev/ttyUSB0, baudRate: 9600, parity: none, dataBits: 8, stopBits: 1 }',
  framing: '{ delimiter: "\\r\\n", maxBytes: 4096 }',
  request: '{ send: "P\\r\\n", every: 1s, timeout: 500ms }',
  parse: '{ pattern: "^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$" }',
  checksum: '',
  sensor: 'field: weight',
}

function load(changes: Partial<typeof GOOD>) {
  const { sensor, ...keys } = { ...GOOD, ...changes }
  const lines = Object.entries(keys).flatMap(([key, value]) => (value === '' ? [] : [`    ${key}: ${value}`]))
  const text = [
    'version: 1',
    'gateway: { id: edge-01, factory: Plant A }',
    'devices:',
    '  - id: scale-1',
    '    driver: serial',
    ...lines,
    '    sensors:',
    `      - { id: weight, ${sensor} }`,
    '',
  ].join('\n')
  const result = parseGatewayConfig(text, { file: 'gateway.yaml', catalogue, env: {} })
  const messages = result.ok
    ? []
    : result.problems.map(({ line, message }) => `${text.split('\n')[line - 1]!.trim().split(':')[0]}: ${message}`)
  return { result, messages }
}

describe('the YAML of a serial device', () => {
  it('is accepted as the contract has it, its escapes decoded', () => {
    const { result, messages } = load({})
    expect(messages).toEqual([])
    if (!result.ok) throw new Error('refused')
    const config = result.config.devices[0]!.config as SerialDeviceConfig
    expect(config.framing.delimiter).toBe('\r\n')
    expect(config.request).toEqual({ send: 'P\r\n', every: 1000, timeout: 500 })
    expect(driver.pollMs?.(config)).toBe(1000)
    expect(driver.sendsByItself?.(config)).toBe(false)
  })

  it('is accepted without a request: the device then sends by itself', () => {
    const { result } = load({ request: '' })
    if (!result.ok) throw new Error('refused')
    expect(driver.sendsByItself?.(result.config.devices[0]!.config)).toBe(true)
  })

  it('is accepted with marks, a checksum, a map and a column number', () => {
    const changes = {
      framing: '{ start: "\\x02", end: "\\x03" }',
      checksum: '{ type: xor, format: binary, position: afterEnd, includeEnd: true }',
      parse: '{ type: csv }',
      sensor: 'field: 2, type: boolean, map: { S: true, U: false }, write: { send: "W{value}\\r", expect: "^OK" }',
    }
    expect(load(changes).messages).toEqual([])
  })

  it.each([
    [{ sensor: 'field: mass' }, 'The pattern has no group "mass"; it has stable, weight, unit'],
    [{ parse: '{ pattern: "^([0-9]+)$" }' }, 'The pattern has no named group'],
    [{ parse: '{ pattern: "^(?<weight>" }' }, 'This is no regular expression'],
    [{ parse: '{ pattern: "(?<weight>.)", type: csv }' }, 'either by pattern or by type'],
    [{ parse: '{ decimal: "," }' }, 'either by pattern or by type'],
    [{ parse: '{ type: csv, columns: [a, b] }' }, 'There is no column "weight"; there are a, b'],
    [{ parse: '{ type: csv }' }, 'the number of its column'],
    [{ parse: '{ type: json }', sensor: 'field: "a..b"' }, 'no path into JSON'],
    [{ parse: '{ pattern: "(?<weight>.)", separator: ";" }' }, 'separator belongs to type csv'],
    [{ framing: '{ delimiter: "\\n", length: 3 }' }, 'one of: delimiter; length; start and end'],
    [{ framing: '{ maxBytes: 3 }' }, 'one of: delimiter; length; start and end'],
    [{ framing: '{ start: "<" }' }, 'start and end belong together'],
    [{ framing: '{ start: "~", end: "~" }' }, 'end must differ from start'],
    [{ framing: '{ delimiter: "€" }' }, 'none beyond \\xff'],
    [{ framing: '{ length: 4, maxBytes: 5 }' }, 'leave maxBytes out'],
    [{ framing: '{ delimiter: "\\n", maxPause: 0 }' }, 'A pause of 0'],
    [{ checksum: '{ type: xor, position: afterEnd }' }, 'needs framing by start and end'],
    [{ checksum: '{ type: xor, includeEnd: true }' }, 'unless position is afterEnd'],
    [{ framing: '{ length: 2 }', checksum: '{ type: xor }' }, 'no room'],
    [{ request: '{ send: "P", timeout: 0 }' }, 'A timeout of 0'],
    [{ request: '{ send: "P", every: 1ms }' }, 'every must be from 10ms'],
    [{ request: '{ every: 1s }' }, 'send is missing'],
    [{ request: '', sensor: 'field: weight, send: "T"' }, 'The device sends by itself'],
    [{ request: '', sensor: 'field: weight, write: { send: "W{value}" }' }, 'needs a request'],
    [{ sensor: 'field: weight, write: { send: "W" }' }, 'It must hold {value}'],
    [{ sensor: 'field: weight, map: { S: heavy }' }, '"heavy" is no number'],
    [{ connection: '{ path: /dev/ttyUSB0, parity: some }' }, 'parity'],
  ])('is told what is wrong: %j', (changes, words) => {
    const { messages } = load(changes)
    expect(messages).toHaveLength(1)
    expect(messages[0]?.toLowerCase()).toContain(words.toLowerCase())
  })

  it('is told everything at once', () => {
    expect(load({ framing: '{ maxBytes: 3 }', sensor: 'field: mass' }).messages).toHaveLength(2)
  })
})

describe('devices on one port', () => {
  const device = (id: string, changes: Partial<SerialDeviceConfig> = {}): BusDevice => ({
    id,
    config: {
      connection: { path: '/dev/ttyUSB0' },
      framing: { delimiter: '\n' },
      request: { send: id },
      parse: { type: 'json' },
      ...changes,
    },
    sensors: [],
  })

  it('may be several that are asked', () => {
    expect(driver.busProblems?.([device('a'), device('b')])).toEqual([])
  })

  it('must all be asked, and agree on its settings', () => {
    const other = device('c', { connection: { path: '/dev/ttyUSB0', baudRate: 19_200 } })
    const problems = driver.busProblems?.([device('a'), device('b', { request: undefined }), other])
    expect(problems?.map((problem) => problem.device)).toEqual([1, 2])
    expect(problems?.[0]?.message).toContain('a is on this port')
    expect(problems?.[1]?.message).toContain('9600 baud')
  })

  const asking = (id: string, intervalMs: number, sends: readonly (string | undefined)[]): BusDevice => ({
    ...device(id, { framing: { length: 20 }, request: { send: 'READ?\r\n' } }),
    sensors: sends.map((send) => ({ intervalMs, config: { field: 'x', ...(send !== undefined && { send }) } })),
  })

  it('must leave time for what is asked: 9600 baud carry 960 characters a second', () => {
    // 27 characters for each exchange: 35 of them in a second are 945.
    const within = [asking('a', 40, [undefined, undefined]), asking('b', 100, ['READ!\r\n'])]
    expect(driver.busProblems?.(within)).toEqual([])
    const beyond = [asking('a', 40, [undefined, 'READ?\r\n']), asking('b', 90, ['READ!\r\n'])]
    expect(driver.busProblems?.(beyond)).toEqual([
      {
        device: 0,
        path: ['connection', 'path'],
        message:
          '/dev/ttyUSB0 cannot carry what is asked on it: at least 1016 ms of each second. 36.1 requests of 2 devices, ' +
          '975 bytes with the shortest answers. a takes most, 703 ms: ask less often, or raise the baud rate',
      },
    ])
  })

  it('is judged by the interval at which the device is really asked, and not where it sends by itself', () => {
    const { messages } = load({ request: '{ send: "PPPPPPPPPP", every: 10ms }' })
    expect(messages).toEqual([expect.stringContaining('cannot carry what is asked on it')])
    const silent = asking('a', 1, [undefined])
    expect(driver.busProblems?.([{ ...silent, config: { ...(silent.config as object), request: undefined } }])).toEqual(
      [],
    )
  })
})
