// Whatever a file holds: no exception, places that exist, and no secret in any message.

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseGatewayConfig, type ConfigProblemAt } from '#config/load.ts'
import { benchCatalogue } from './bench-driver.ts'

function parse(text: string, env: Record<string, string> = {}): readonly ConfigProblemAt[] {
  const result = parseGatewayConfig(text, { file: 'gateway.yaml', catalogue: benchCatalogue, env })
  return result.ok ? [] : result.problems
}

/** Every problem stands within the text, says something, and none is repeated. */
function expectSane(text: string, problems: readonly ConfigProblemAt[]): void {
  const lines = text.split('\n')
  const insane = problems.filter(({ file, line, column, message }, index) => {
    const isWithin = line >= 1 && column >= 1 && column <= (lines[line - 1]?.length ?? -1) + 1
    const isFirst = problems.findIndex((other) => isDeepStrictEqual(other, problems[index])) === index
    return (
      file !== 'gateway.yaml' ||
      !isWithin ||
      !isFirst ||
      /^$|undefined|\[object|must match|[\p{Cc}\u2028]/u.test(message)
    )
  })
  expect(insane).toEqual([])
}

/** Pieces that YAML gives a meaning to, so that random texts reach deep. */
const piece = fc.oneof(
  fc.constantFrom(
    'gateway',
    'id',
    'factory',
    'devices',
    'driver',
    'bench',
    'sensors',
    'checks',
    'type',
    'threshold',
    'uplinks',
    '<<',
  ),
  fc.constantFrom(
    ': ',
    ':\n  ',
    '\n- ',
    '\n  - ',
    '\n',
    '{',
    '}',
    '[',
    ']',
    ', ',
    '&a ',
    '*a',
    '!t ',
    '"',
    "'",
    '|\n',
    '#',
    '---\n',
    '\t',
  ),
  fc.constantFrom(
    '1',
    '-0',
    '1e999',
    '.nan',
    'true',
    'null',
    '~',
    '5ms',
    '${X}',
    '${Y}',
    '${',
    '$${',
    '%YAML 1.1\n',
    '\u0000',
    '\uFEFF',
    '\r',
  ),
)

const keys = [
  'gateway',
  'id',
  'factory',
  'devices',
  'driver',
  'connection',
  'transport',
  'sensors',
  'address',
  'scale',
  'factor',
]
const moreKeys = [
  'checks',
  'type',
  'low',
  'high',
  'hysteresis',
  'poll',
  'uplinks',
  'url',
  'include',
  'store',
  'maxSize',
  'http',
  'machine',
]

/** Values in the shape of a configuration, with right and wrong keys and words. */
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      'bench',
      'wire',
      'tcp',
      'rtu',
      'threshold',
      'zscore',
      '1s',
      '8GiB',
      'a',
      'wire://h',
      '*.x',
      'none',
      '0.0.0.0',
    ),
    fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys, ...moreKeys), fc.string()), tie('value'), { maxKeys: 6 }),
  ),
})).value

describe('reading a configuration', () => {
  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('')
        expectSane(text.replace(/^\uFEFF/, ''), parse(text, { X: 'x', Y: '7' }))
      }),
      { numRuns: 1500 },
    )
  })

  it('never throws, whatever the values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys, ...moreKeys), tree, { maxKeys: 8 }), (values) => {
        const text = stringify(values)
        expectSane(text, parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it('never throws at random bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
        expectSane(text.replace(/^\uFEFF/, ''), parse(text)),
      ),
    )
  })

  it('gives up on a text that is nested a hundred thousand deep', () => {
    for (const text of ['['.repeat(100_000), `${'{a: '.repeat(100_000)}`, '- '.repeat(20_000)]) {
      expect(parse(text)).toMatchObject([{ line: 1, message: 'this is nested too deeply' }])
    }
  })

  it('never shows what a reference stands for', () => {
    const secret = fc.string({ minLength: 6, maxLength: 40 }).map((text) => `s3cr3t${text}`)
    const place = fc.constantFrom(
      'gateway: { id: "S", factory: f }',
      'gateway: { id: a, factory: "S" }',
      'data: "S"',
      'version: "S"',
      'http: { port: "S" }',
      'http: { host: "S", auth: none }',
      'buffer: { whenFull: "S" }',
      'store: { maxSize: "S" }',
      'store: { flushInterval: "S" }',
      'devices: "S"',
      'devices: [ "S" ]',
      'devices: [ { driver: "S" } ]',
      'devices: [ { id: "S", driver: bench }, { id: "S" } ]',
      'devices: [ { id: a, driver: bench, connection: { transport: "S" } } ]',
      'devices: [ { id: a, driver: bench, connection: { transport: tcp, host: "cursedS" } } ]',
      'devices: [ { id: a, driver: bench, connection: { transport: rtu, path: "S", parity: "S" } } ]',
      'devices: [ { id: a, machine: "S", driver: bench, login: { name: "S", password: "S" } }, { id: b, machine: " S" } ]',
      'devices: [ { id: a, driver: bench, sensorsFile: "S" } ]',
      'devices: [ { id: a, driver: bench, sensors: [ { id: "S", unit: "S", checks: [ { type: "S" } ] } ] } ]',
      'devices: [ { id: a, driver: bench, sensors: [ { checks: [ { type: threshold, id: "S" }, { type: zscore, id: "S" } ] } ] } ]',
      'devices: [ { id: a, driver: bench, sensors: [ { id: x, poll: "S", scale: "S", deadband: { absolute: "S" } } ] } ]',
      'uplinks: [ { id: "S", type: "S" }, { id: "S", type: wire, url: "S", token: "S", include: [ "S" ], replay: "S" } ]',
    )
    fc.assert(
      fc.property(secret, place, fc.boolean(), (value, line, isEmbedded) => {
        const text = line.replaceAll('S', isEmbedded ? 'x${SECRET}x' : '${SECRET}')
        const problems = parse(text, { SECRET: value })
        expect(JSON.stringify(problems)).not.toContain('s3cr3t')
      }),
      { numRuns: 600 },
    )
  })

  it('keeps a problem on one line, and the terminal safe', () => {
    const problems = parse('gateway: { id: a, factory: f }\n"red\\e[31m\\nnext": 1')
    expect(problems).toMatchObject([{ line: 2, message: 'red\\u001b[31m\\u000anext: unknown key' }])
  })

  it('shows no password that stands in the file itself', () => {
    const text =
      'gateway: { id: a, factory: f }\ndevices: [ { id: a, driver: bench, login: { name: n, password: abc } } ]'
    const problems = parse(text).map(({ message }) => message)
    expect(problems).toContain('devices[0].login.password: expected text that is not empty, found another value')
  })
})
