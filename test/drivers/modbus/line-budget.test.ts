// What `telemetryx check` says about a serial line, word by word.

import { expect, describe, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'

interface Line {
  readonly path?: string
  readonly connection?: string
  readonly poll?: string
  readonly sensors?: string
  readonly more?: string
}

const ONE = '{ id: a, register: holding, address: 0 }'
/** 60 registers. */
const MANY = '{ id: a, register: holding, address: 0, type: string, length: 120 }'

function check(...devices: readonly Line[]): string[] {
  const driver = modbusDriver({ clock: new ManualClock() })
  const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
  const entries = devices.map(
    ({ path = '/dev/ttyS0', connection = '', poll = '1s', sensors = ONE, more = '' }, index) => `
  - id: meter-${index + 1}
    driver: modbus
    connection: { transport: rtu, path: ${path}, unit: ${index + 1}${connection} }
    poll: ${poll}
    ${more}
    sensors: [${sensors}]`,
  )
  const text = `version: 1\ngateway: { id: edge, factory: Plant }\ndevices:${entries.join('')}\n`
  const result = parseGatewayConfig(text, { file: 'gateway.yaml', catalogue, env: {} })
  return result.ok ? [] : result.problems.map(({ line, message }) => `${line}: ${message}`)
}

describe('devices on one serial line', () => {
  it('must agree on its settings', () => {
    expect(check({}, { connection: ', baudRate: 19200, parity: even' }, { connection: ', echo: true' })).toEqual([
      '12: devices[1].connection.baudRate: meter-1 uses the same serial port with baudRate 9600, not 19200',
      '12: devices[1].connection.parity: meter-1 uses the same serial port with parity none, not even',
      '18: devices[2].connection.echo: meter-1 uses the same serial port with echo false, not true',
    ])
  })

  it('are accepted while the line can carry their polls', () => {
    expect(check(...Array.from({ length: 20 }, () => ({})))).toEqual([])
  })

  it('are refused when it cannot, with the arithmetic', () => {
    // 8 + 125 bytes: 138.5 ms at 1.0417 ms a character, and twice 3.65 ms of silence.
    expect(check(...Array.from({ length: 7 }, () => ({ sensors: MANY })), { poll: '500ms' })).toEqual([
      '7: devices[0].poll: the line /dev/ttyS0 cannot carry its polls: they take 1067 ms of each second. ' +
        '9 requests of 8 devices, 961 bytes: 1001 ms at 9600 baud and 10 bits a character, ' +
        '65.6 ms of silence between frames, 0 ms of delayAfterRequest. ' +
        'meter-1 takes most, 146 ms: poll less often, or raise the baud rate',
    ])
    expect(check(...Array.from({ length: 7 }, () => ({ sensors: MANY, connection: ', baudRate: 19200' })))).toEqual([])
  })

  it('count the delays that a device needs, and the sensors that are polled at another pace', () => {
    const slow = {
      more: 'quirks: { delayAfterRequest: 300ms }',
      sensors: `${ONE}, { id: b, register: input, address: 0 }`,
    }
    expect(check(slow)).toEqual([])
    expect(check(slow, slow)[0]).toContain('of silence between frames, 1200 ms of delayAfterRequest')
    expect(check({ ...slow, poll: '2s' }, { ...slow, poll: '2s' })).toEqual([])
    const fast = { more: slow.more, sensors: '{ id: a, register: holding, address: 0, poll: 200ms }' }
    expect(check(fast)[0]).toContain('5 requests of 1 device')
  })

  it('are refused when an answer takes longer than the timeout', () => {
    expect(check({ connection: ', baudRate: 1200, timeout: 1s', sensors: MANY, poll: '10s' })).toEqual([
      '6: devices[0].connection.timeout: an answer of 125 bytes takes 1042 ms at 1200 baud, longer than the timeout of 1000 ms: ' +
        'a longer timeout, or a smaller reads.maxRegisters',
    ])
  })

  it('are not one line when their ports differ', () => {
    expect(check({}, { path: '/dev/ttyS1', connection: ', baudRate: 19200' })).toEqual([])
  })
})
