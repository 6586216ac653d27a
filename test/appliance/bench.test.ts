// How figures of benchmarks are compared with the stored baseline.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { kindOf, ratioOf, readBaseline, updateBaseline, type Figures } from '../../bench/compare/baseline.ts'
import { between, calibrate, speedOf, type Calibration } from '../../bench/compare/calibration.ts'
import { run } from '../cli/run-command.ts'

const machine = (speed: number): Calibration => ({ arithmetic: 1000 * speed, objects: 500 * speed, disk: 100 })
const measured = (figures: Figures, speed = 1) => ({ figures, calibration: machine(speed) })

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-baseline-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a figure beside the baseline', () => {
  it.each([
    ['readingsPerSecond', 'rate'],
    ['startToFirstReadingMs', 'time'],
    ['nanosecondsPerReading', 'time'],
    ['restRssBytes', 'size'],
    ['offeredPerSecond', 'plain'],
    ['durableP50Ms', 'plain'],
    ['ratioToBareLoop', 'plain'],
  ])('%s is a %s', (name, kind) => {
    expect(kindOf(name)).toBe(kind)
  })

  it('is the same on a machine of half the speed, when the program is', () => {
    const then = measured({ readsPerSecond: 100, startMs: 10 })
    const now = measured({ readsPerSecond: 50, startMs: 20 }, 0.5)
    expect(ratioOf('readsPerSecond', now, then)).toBeCloseTo(1)
    expect(ratioOf('startMs', now, then)).toBeCloseTo(1)
  })

  it('tells a program that became slower, or larger, on the same machine', () => {
    const then = measured({ readsPerSecond: 100, startMs: 10, rssBytes: 100 })
    const now = measured({ readsPerSecond: 50, startMs: 20, rssBytes: 200 })
    for (const name of ['readsPerSecond', 'startMs', 'rssBytes']) expect(ratioOf(name, now, then)).toBeCloseTo(0.5)
    expect(ratioOf('unheardOf', now, then)).toBeNull()
  })
})

describe('the calibration', () => {
  it('measures every loop, and stands between two measurements', () => {
    const now = calibrate()
    for (const value of Object.values(now)) expect(value).toBeGreaterThan(0)
    expect(speedOf(now, now)).toBe(1)
    expect(between(machine(1), machine(3))).toEqual({ arithmetic: 2000, objects: 1000, disk: 100 })
  })
})

describe('the baseline', () => {
  it('keeps what was not measured again', () => {
    const file = join(folder, 'baseline.json')
    expect(readBaseline(file)).toBeNull()
    updateBaseline(file, 'first', { store: measured({ a: 1 }), modbus: measured({ b: 2 }) })
    updateBaseline(file, 'second', { modbus: measured({ b: 3 }) })
    const { machine: words, benchmarks } = readBaseline(file)!
    expect(words).toBe('second')
    expect(Object.keys(benchmarks)).toEqual(['modbus', 'store'])
    expect(benchmarks['modbus']!.figures).toEqual({ b: 3 })
  })

  it('that is committed names benchmarks that exist, each told in the README', () => {
    const names = readdirSync(join(PACKAGE_ROOT, 'bench')).flatMap((name) =>
      /^\w+\.ts$/.test(name) && name !== 'run.ts' ? [name.slice(0, -3)] : [],
    )
    const stored = readBaseline(join(PACKAGE_ROOT, 'bench', 'baseline.json'))
    expect(names).toEqual(expect.arrayContaining(Object.keys(stored?.benchmarks ?? {})))
    const manual = readFileSync(join(PACKAGE_ROOT, 'bench', 'README.md'), 'utf8')
    for (const name of ['appliance', 'pipeline', 'store', 'export', 'uplink', 'live', 'modbus', 'detector']) {
      expect(names).toContain(name)
      expect(manual).toContain(`| \`${name}\` |`)
    }
  })

  it('is asked for by name', async () => {
    const outcome = await run(process.execPath, [join(PACKAGE_ROOT, 'bench', 'run.ts'), '--only', 'nothing'])
    expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining('There is no benchmark "nothing"') })
  })
})
