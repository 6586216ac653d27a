// Expressions and derived sensors in the configuration: what is accepted, and where each mistake is reported.

import { describe, expect, it } from 'vitest'
import { configOf, problemsOf } from './parse.ts'

const DEVICE = `gateway: { id: edge-01, factory: plant-a }
devices:
  - id: press-1
    driver: bench
    connection: { transport: tcp, host: h }
    sensors:
      - { id: power, address: 1, unit: kW, checks: [ { type: expression, when: "value > 60 && press-1.flow < 1" } ] }
      - { id: flow, address: 2, checks: [ { type: threshold, low: 1, suppressWhen: press-1.power < 1 } ] }
`

describe('derived sensors', () => {
  it('are told all that is wrong at once: an unset variable in a device hides no wrong sensor of an expression', () => {
    const text = `${DEVICE.replace('host: h', 'host: "${NOPE}"')}
derived:
  - { id: a.b, expression: press-1.pwer + 1 }
  - { id: a.c, expression: press-1.power + 1 }
  - { id: a.d, window: { of: press-1.flw, figure: mean, size: 10s } }
  - { id: a.e, expression: a.c > 1 }
`
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('the environment variable NOPE is not set'),
      expect.stringContaining('derived[0].expression: there is no sensor "press-1.pwer"'),
      expect.stringContaining('derived[2].window.of: there is no sensor "press-1.flw"'),
    ])
  })

  it('takes the machine of its first sensor, and the type of its expression', () => {
    const { derived } = configOf(`${DEVICE}
derived:
  - { id: press-1.specific-power, expression: "press-1.power / max(press-1.flow, 0.1)", unit: kW/m3 }
  - { id: press-1.is-hot, expression: press-1.specific-power > 3, machine: Press 9 }
  - { id: press-1.power-mean, window: { of: press-1.power, figure: mean, size: 10m, every: 1m, lateness: 5s } }
`)
    expect(derived).toMatchObject([
      {
        id: 'press-1.specific-power',
        machine: 'press-1',
        valueType: 'number',
        unit: 'kW/m3',
        derivation: { kind: 'expression', text: 'press-1.power / max(press-1.flow, 0.1)' },
      },
      { id: 'press-1.is-hot', machine: 'Press 9', valueType: 'boolean' },
      {
        valueType: 'number',
        derivation: {
          kind: 'window',
          window: { of: 'press-1.power', figure: 'mean', sizeMs: 600_000, everyMs: 60_000, latenessMs: 5000 },
        },
      },
    ])
  })

  it.each([
    [
      '{ id: a.b, expression: press-1.pwer + 1 }',
      '11:30: derived[0].expression: there is no sensor "press-1.pwer"; did you mean "press-1.power"?',
    ],
    ['{ id: a.b, expression: "press-1.power +" }', '11:46: derived[0].expression: it ends too early'],
    ['{ id: a.b, expression: a.b + 1 }', '11:30: derived[0].expression: there is no sensor "a.b"'],
    ['{ id: a.b }', '11:7: derived[0]: a derived sensor needs either an expression or a window'],
    [
      '{ id: press-1.flow, expression: "1" }',
      '11:13: derived[0].id: must not be the id of another sensor, found press-1.flow',
    ],
    [
      '{ id: a.b, window: { of: press-1.flow, figure: mean, size: 10s, every: 3s } }',
      '11:78: derived[0].window.every: must be at least 1s, and go into size a whole number of times, at most 1000, found 3s',
    ],
    [
      '{ id: a.b, window: { of: press-1.flw, figure: mean, size: 10s } }',
      '11:32: derived[0].window.of: there is no sensor "press-1.flw"; did you mean "press-1.flow"?',
    ],
  ])('reports %s', (entry, problem) => {
    expect(problemsOf(`${DEVICE}\nderived:\n    - ${entry}\n`)).toEqual([problem])
  })
})

describe('rules of checks', () => {
  it.each([
    ['type: rate', '7:54: devices[0].sensors[0].checks[0]: a rate needs at least one of low, high'],
    [
      'type: rate, low: 2, high: 1',
      '7:82: devices[0].sensors[0].checks[0].high: must be greater than low (2), found 1',
    ],
    ['type: stale, for: 0', '7:74: devices[0].sensors[0].checks[0].for: must be longer than 0, found 0'],
  ])('reports %s', (keys, problem) => {
    expect(problemsOf(DEVICE.replace(/type: expression, when: "[^"]*"/, keys))).toEqual([problem])
  })
})

describe('expressions of checks', () => {
  it.each([
    [
      'when: "value > 60 && press-2.flow < 1"',
      '7:95: devices[0].sensors[0].checks[0].when: there is no sensor "press-2.flow"; did you mean "press-1.flow"?',
    ],
    [
      'when: "value + 60"',
      '7:81: devices[0].sensors[0].checks[0].when: the result must be true or false, and is a number',
    ],
    ['when: "true", suppressWhen: "value >"', '7:110: devices[0].sensors[0].checks[0].suppressWhen: it ends too early'],
  ])('reports %s', (keys, problem) => {
    expect(problemsOf(DEVICE.replace(/when: "value > 60 && press-1.flow < 1"/, keys))).toEqual([problem])
  })
})
