import { describe, expect, it } from 'vitest'
import { configOf, problemsOf, withSensors } from './parse.ts'

/** Line 9, where the sensors press-1.a and press-1.b are there; the keys begin in column 45. */
const withUplink = (keys: string): string =>
  `${withSensors('{ id: a, address: 1 }', '{ id: b, address: 2 }')}uplinks:\n  - { id: hq, type: wire, url: "wire://h", ${keys} }\n`

describe('The common keys of an uplink', () => {
  it('are decoded, durations in milliseconds', () => {
    const keys = [
      'replay: { order: liveFirst }, batch: { records: 50, delay: 200ms }, inFlight: 2, deadLetters: { max: 7 }',
      'commands: { allow: [ write ] }, map: [ { sensor: "press-*.a", as: "p*.x", machine: line } ]',
    ]
    expect(configOf(withUplink(keys.join(', '))).uplinks).toMatchObject([
      {
        replay: { order: 'liveFirst', maxRate: null },
        batch: { records: 50, delayMs: 200 },
        inFlight: 2,
        commands: { allow: ['write'], write: ['*'], maxAgeMs: 30_000 },
        map: [{ sensor: 'press-*.a', as: 'p*.x', machine: 'line' }],
        deadLetters: { max: 7 },
      },
    ])
  })

  it.each([
    ['batch: { delay: 2m }', 'batch.delay: must be at most 1m'],
    ['commands: { allow: [ read ], maxAge: 2d }', 'commands.maxAge: must be between 1s and 1d'],
    [
      'map: [ { sensor: press-1.a, as: "*.a" } ]',
      'map[0].as: has more "*" than "press-1.a": there is nothing for them to stand for',
    ],
    ['map: [ { sensor: "press-1.*", as: line.x } ]', 'map: would name both press-1.a and press-1.b "line.x"'],
    [
      'map: [ { sensor: "press-1.*", as: "Line.*" } ]',
      'map: would name press-1.a "Line.a", which is no full sensor id (device.sensor)',
    ],
    ['map: [ { sensor: press-1.a, as: press-1.b } ]', 'map: would name both press-1.a and press-1.b "press-1.b"'],
  ])('are refused where they make no sense: %s', (keys, problem) => {
    const problems = problemsOf(withUplink(keys)).map((text) => text.replace(/^\d+:\d+: uplinks\[0\]\./, ''))
    expect(problems).toEqual([problem])
  })
})
