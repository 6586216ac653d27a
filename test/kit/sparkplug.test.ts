// One codec for the driver and the uplink: what the encoder writes, the decoder reads; the generated code is that of the schema.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, describe } from 'vitest'
import { DATATYPE_OF, encodePayload, metricValueOf } from '#kit/sparkplug/encode.ts'
import { decodePayload, metricValue } from '#kit/sparkplug/payload.ts'
import type { Value } from '#domain/value.ts'

const ROOT = join(import.meta.dirname, '../..')

describe('The Sparkplug codec', () => {
  it('writes a payload byte for byte as the schema says', () => {
    const bytes = encodePayload({
      timestamp: 1n,
      seq: 3n,
      metrics: [{ name: 'T', timestamp: 2n, datatype: 10, value: { case: 'doubleValue', value: 21.5 } }],
    })
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0801' + '1210' + '0a0154' + '1802' + '200a' + '690000000000803540' + '1803',
    )
  })

  it('gives back every value of every type to the last bit', () => {
    const values = fc.oneof(
      fc.double({ noNaN: true }).map((value): [number, Value] => [DATATYPE_OF.number!, value]),
      fc.boolean().map((value): [number, Value] => [DATATYPE_OF.boolean!, value]),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value): [number, Value] => [DATATYPE_OF.int64!, value]),
      fc.bigInt(0n, 2n ** 64n - 1n).map((value): [number, Value] => [DATATYPE_OF.uint64!, value]),
      fc.string({ unit: 'grapheme' }).map((value): [number, Value] => [DATATYPE_OF.string!, value]),
    )
    fc.assert(
      fc.property(fc.array(values, { maxLength: 20 }), fc.nat(), (list, time) => {
        const metrics = list.map(([datatype, value], index) => ({
          alias: BigInt(index),
          timestamp: BigInt(time),
          datatype,
          value: metricValueOf(value),
        }))
        const decoded = decodePayload(encodePayload({ timestamp: BigInt(time), metrics, seq: 1n, uuid: 'g/1/1' }))
        expect(decoded.timestamp).toBe(time)
        expect(decoded.metrics.map(({ alias, timestamp }) => [alias, timestamp])).toEqual(
          metrics.map(({ alias }) => [alias, time]),
        )
        expect(decoded.metrics.map(({ raw, datatype }) => metricValue(raw, datatype!))).toEqual(
          list.map(([, value]) => value),
        )
      }),
    )
  })

  it('has the code that the schema generates', { timeout: 120_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-generate-'))
    const bin = join(ROOT, 'node_modules/.bin')
    try {
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
      const words = ['generate', '--template', 'third-party/sparkplug/buf.gen.yaml', '-o', folder]
      execFileSync(join(bin, 'buf'), words, { cwd: ROOT, env })
      const made = join(folder, 'src/kit/sparkplug/generated')
      execFileSync(join(bin, 'oxfmt'), ['--config', join(ROOT, '.oxfmtrc.json'), '--write', made], { cwd: ROOT, env })
      for (const name of ['sparkplug_b_pb.js', 'sparkplug_b_pb.d.ts']) {
        const present = readFileSync(join(ROOT, 'src/kit/sparkplug/generated', name), 'utf8')
        expect(readFileSync(join(made, name), 'utf8') === present, `${name}: run npm run generate`).toBe(true)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
