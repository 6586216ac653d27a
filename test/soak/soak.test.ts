// The soak run is itself tested: its verdict with planted faults, and a run of three seconds on a small plant.

import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { DEVICE_SCHEMAS } from '#simulate/schema.ts'
import { hurtsOf, sumOf } from './page.ts'
import { soakPlant, type Plant } from './plant.ts'
import { soak } from './soak.ts'
import { problemsOf, slopeOf, type Counts, type Devices, type Lags, type Sample } from './verdict.ts'

const COUNTS: Counts = {
  taken: 1000,
  stored: 1000,
  received: 1000,
  bad: { taken: 30, stored: 20, received: 20 },
  repeated: 0,
  dropped: 0,
  expectedAtLeast: 900,
}
const LAGS: Lags = { pollsInTime: 1, durableInTime: 1, settledAfter: 2 }
const DEVICES: Devices = { away: [], unhurt: [] }

/** Memory of a gateway: 240 MB, of which 80 MB are the heap with a saw of 3 MB, and growth of both by so many bytes a second. */
function samples(seconds: number, perSecond: number): Sample[] {
  return Array.from({ length: 24 }, (_, look) => {
    const at = ((look + 1) * seconds) / 24
    const saw = ((look * 7) % 4) * 1e6
    return { at, rssBytes: 240e6 + saw + at * perSecond, heapBytes: 80e6 + saw + at * perSecond }
  })
}

describe('the verdict', () => {
  it('passes a run as it should be, short or long', () => {
    expect(problemsOf(samples(90, 0), COUNTS, LAGS, DEVICES)).toEqual([])
    expect(problemsOf(samples(7200, 0), COUNTS, LAGS, DEVICES)).toEqual([])
  })

  it('finds memory that grows, the smaller the longer the run is', () => {
    const quick = problemsOf(samples(90, 2e6), COUNTS, LAGS, DEVICES)
    expect(quick).toEqual([
      expect.stringMatching(/^resident memory grows by/),
      expect.stringMatching(/^the heap grows by/),
    ])
    const heap = [expect.stringMatching(/^the heap grows by/)]
    expect(problemsOf(samples(1800, 10_000), COUNTS, LAGS, DEVICES)).toEqual(heap) // 36 MB an hour
    expect(problemsOf(samples(43_200, 200), COUNTS, LAGS, DEVICES)).toEqual(heap) // 0.72 MB an hour
  })

  it('finds what grows outside of the heap', () => {
    const outside = samples(1800, 0).map((sample) => ({ ...sample, rssBytes: sample.rssBytes + sample.at * 60_000 }))
    expect(problemsOf(outside, COUNTS, LAGS, DEVICES)).toEqual([expect.stringMatching(/^resident memory grows by/)])
  })

  it('does not take for growth what a merge of the store keeps for a while', () => {
    const merging = samples(1800, 0).map((sample) => ({
      ...sample,
      rssBytes: sample.rssBytes + (sample.at > 1200 && sample.at < 1700 ? 28e6 : 0),
    }))
    expect(problemsOf(merging, COUNTS, LAGS, DEVICES)).toEqual([])
  })

  it('does not take warming up for growth', () => {
    const warming = samples(120, 0).map((sample) => ({
      ...sample,
      rssBytes: sample.rssBytes - Math.max(0, 50 - sample.at) * 2e6,
    }))
    expect(problemsOf(warming, COUNTS, LAGS, DEVICES)).toEqual([])
  })

  it.each<[Partial<Counts>, RegExp]>([
    [{ stored: 999 }, /999 are in the history/],
    [{ received: 999 }, /999 arrived upstream/],
    [{ repeated: 1 }, /arrived twice/],
    [{ dropped: 3 }, /given up/],
    [{ bad: { taken: 30, stored: 20, received: 19 } }, /of 30 bad readings 20 are in the history and 19 arrived/],
    [{ bad: { taken: 30, stored: 31, received: 31 } }, /of 30 bad readings 31/],
    [{ expectedAtLeast: 1001 }, /only 1000 of at least 1001/],
  ])('finds a loss: %j', (fault, problem) => {
    expect(problemsOf(samples(90, 0), { ...COUNTS, ...fault }, LAGS, DEVICES)).toEqual([expect.stringMatching(problem)])
  })

  it.each<[Partial<Devices>, RegExp]>([
    [{ away: ['scale'] }, /did not come back: scale/],
    [{ unhurt: ['rtu-1', 'apps'] }, /left no trace: rtu-1, apps/],
  ])('finds devices that the run says nothing about: %j', (fault, problem) => {
    const devices = { ...DEVICES, ...fault }
    expect(problemsOf(samples(90, 0), COUNTS, LAGS, devices)).toEqual([expect.stringMatching(problem)])
  })

  it.each<[Partial<Lags>, RegExp]>([
    [{ pollsInTime: 0.98 }, /2\.0 % of the polls/],
    [{ pollsInTime: Number.NaN }, /of the polls/],
    [{ durableInTime: 0.9 }, /of the blocks/],
    [{ settledAfter: 61 }, /the backlog took 61 s/],
  ])('finds what is late: %j', (fault, problem) => {
    expect(problemsOf(samples(90, 0), COUNTS, { ...LAGS, ...fault }, DEVICES)).toEqual([expect.stringMatching(problem)])
  })
})

describe('the slope', () => {
  it('is that of the line, with an interval that grows with the noise', () => {
    const line = Array.from({ length: 20 }, (_, x) => [x, 3 * x + 5] as const)
    expect(slopeOf(line).slope).toBeCloseTo(3)
    expect(slopeOf(line).margin).toBeCloseTo(0)
    const noisy = slopeOf(line.map(([x, y]) => [x, y + (x % 2 === 0 ? 4 : -4)] as const))
    expect(Math.abs(noisy.slope - 3)).toBeLessThan(noisy.margin)
  })

  it('agrees with a worked example', () => {
    // x 1…5, y 2 4 5 4 5: slope 0.6, standard error √(0.8 / 10), t(3) = 3.18
    const { slope, margin } = slopeOf([
      [1, 2],
      [2, 4],
      [3, 5],
      [4, 4],
      [5, 5],
    ])
    expect(slope).toBeCloseTo(0.6)
    expect(margin).toBeCloseTo(3.18 * Math.sqrt(0.8 / 10))
  })
})

describe('the plant', () => {
  const options = {
    folder: '/tmp/soak',
    sensors: 1000,
    modbusPorts: [5020, 5021, 5022, 5023],
    edgePort: 5024,
    edgeHttpPort: 8081,
    opcuaPort: 4840,
    brokerPort: 1883,
    gatewayPort: 8080,
    receiver: 'grpc://127.0.0.1:50051',
    hasSerial: true,
    hasFaults: true,
  }
  interface Simulated {
    readonly id: string
    readonly protocol: string
    readonly faults?: readonly object[]
  }
  const simulated = (plant: Plant): readonly Simulated[] => (plant.simulation as { devices: Simulated[] }).devices

  it('has as many sensors as are asked for, on every driver of the gateway and every transport with a simulation', () => {
    const plant = soakPlant(options)
    expect(plant.sensors).toBe(1000)
    expect(plant.leftOut).toEqual([])
    const drivers = (plant.gateway as { devices: { driver: string }[] }).devices.map(({ driver }) => driver)
    const known = readdirSync(join(PACKAGE_ROOT, 'drivers'))
    expect([...new Set(drivers)].toSorted()).toEqual(known.toSorted())
    const protocols = new Set(simulated(plant).map(({ protocol }) => protocol))
    const simulations = DEVICE_SCHEMAS.map(({ properties }) => properties.protocol.const)
    expect(protocols).toEqual(new Set(simulations.filter((protocol) => protocol !== 'replay'))) // a replay is none of its own
  })

  it('hurts every device that it simulates, but for the machine behind the edge node, which is killed', () => {
    const unhurt = simulated(soakPlant(options)).filter(({ faults = [] }) => faults.length === 0)
    expect(unhurt.map(({ id }) => id)).toEqual(['edge'])
    const calm = soakPlant({ ...options, hasFaults: false })
    expect(simulated(calm).every(({ faults }) => faults === undefined)).toBe(true)
  })

  it('says what it leaves out where no pseudo-terminals can be made', () => {
    const plant = soakPlant({ ...options, hasSerial: false })
    expect(plant.leftOut).toEqual(['modbus-rtu', 'serial'])
    expect(plant.kinds).not.toContain('modbus-rtu')
    expect(plant.devices).not.toContain('scale')
  })
})

describe('a page of metrics', () => {
  it('is summed by the beginning of names, and not by names that only begin alike', () => {
    const page =
      'a_total{x="1"} 2\na_total{x="2"} 3\na_totals 7\n# a_total 9\na_bucket{le="1"} 4\na_bucket{le="10"} 5\n'
    expect(sumOf(page, 'a_total')).toBe(5)
    expect(sumOf(page, 'a_bucket', 'le="1"')).toBe(4)
  })

  it('tells whose faults were felt', () => {
    const page =
      'telemetryx_device_errors_total{device="a",kind="timeout"} 2\ntelemetryx_device_errors_total{device="b",kind="crc"} 0\n' +
      'telemetryx_readings_total{device="c",quality="bad"} 1\ntelemetryx_readings_total{device="d",quality="good"} 9\n'
    expect(['a', 'b', 'c', 'd'].map((device) => hurtsOf(page, device))).toEqual([2, 0, 1, 0])
  })
})

describe('a run of three seconds', { timeout: 600_000 }, () => {
  it('loses nothing, and would notice if it did', async () => {
    const meddle = (file: string): void => {
      const lines = readFileSync(file, 'utf8').split('\n')
      const isReading = (line: string): boolean => line.includes('"sensor":"modbus-') && line.includes('"q":"good"')
      const reading = lines.findIndex(isReading)
      const again = lines.findIndex((line, at) => at > reading && isReading(line))
      writeFileSync(file, lines.toSpliced(reading, 1).join('\n'))
      appendFileSync(file, `${lines[again]!}\n`)
    }
    const { counts, problems } = await soak({ seconds: 3, sensors: 50, hasFaults: false, meddle })
    expect(counts.taken).toBeGreaterThan(0)
    expect(counts.stored).toBe(counts.taken)
    expect(counts.received).toBe(counts.taken) // one taken away, one twice
    expect(counts.repeated).toBe(1)
    expect(counts.dropped).toBe(0)
    expect(problems).toContain('1 records arrived twice')
  })
})
