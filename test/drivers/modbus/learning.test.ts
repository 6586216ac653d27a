// What the driver makes of refusals, against a device that is nothing but its rules: which addresses it has, and how many
// it answers at once.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PointDecoder } from '#drivers/modbus/decode.ts'
import { Learned } from '#drivers/modbus/learned.ts'
import { pointOf } from '#drivers/modbus/point.ts'
import { ReadGroup } from '#drivers/modbus/read-group.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { RecordingSink, type Result } from '#test/sim/recording-sink.ts'
import { sensorOf } from './modbus-device.ts'

interface Rules {
  readonly forbidden: ReadonlySet<number>
  readonly most: number
  /** What it does with a read that is too long. */
  readonly tooLong: 'exception 2' | 'exception 3' | 'shortens'
}

const GENEROUS: Rules = { forbidden: new Set(), most: 125, tooLong: 'exception 3' }
const LIMITS = { maxGap: 8, maxRegisters: 125, maxBits: 2000, onePerRequest: false, zeroStart: false }

interface Read {
  readonly address: number
  readonly width: number
  readonly wasAnswered: boolean
}

/** Reads holding registers of a device of these rules; each register holds its address. */
class Bench {
  rules: Rules
  nowMs = 0
  readonly sensors: readonly ModbusSensorConfig[]
  readonly learned = new Learned()
  readonly group: ReadGroup
  /** Of all polls, in order. */
  readonly reads: Read[] = []

  constructor(rules: Partial<Rules>, sensors: readonly ModbusSensorConfig[], limits: Partial<typeof LIMITS> = {}) {
    this.rules = { ...GENEROUS, ...rules }
    this.sensors = sensors
    const points = sensors.map((config, number) => ({ sensor: sensorOf(number, config), point: pointOf(config) }))
    const { learned } = this
    this.group = new ReadGroup({ points, limits: { ...LIMITS, ...limits }, learned, decoder: new PointDecoder() })
  }

  /** One poll: its reads as `address+width`, the refused ones with a `!`. */
  async poll(): Promise<{ reads: string[]; sink: RecordingSink }> {
    const sink = new RecordingSink()
    const before = this.reads.length
    const unexpected = (exception: number): never => {
      throw new Error(`Exception ${exception}`)
    }
    await this.group.read({
      send: async (pdu) => this.#answer(pdu),
      answered: () => {},
      refused: unexpected,
      sink,
      nowMs: this.nowMs,
    })
    const reads = this.reads.slice(before)
    return { reads: reads.map((read) => `${read.address}+${read.width}${read.wasAnswered ? '' : '!'}`), sink }
  }

  /** What the sensor must read as, by the rules alone. */
  truth(sensor: number): Result {
    const { address, width } = pointOf(this.sensors[sensor]!)
    if (!this.#has(address, width) || width > this.rules.most) return { bad: 'any' }
    return { value: width === 1 ? address : address * 65_536 + address + 1 }
  }

  #has(address: number, width: number): boolean {
    for (let at = address; at < address + width; at++) if (this.rules.forbidden.has(at)) return false
    return true
  }

  #answer(pdu: Buffer): Buffer {
    const address = pdu.readUInt16BE(1)
    const width = pdu.readUInt16BE(3)
    const { most, tooLong } = this.rules
    const isTooLong = width > most
    const wasAnswered = this.#has(address, width) && !isTooLong
    this.reads.push({ address, width, wasAnswered })
    if (isTooLong && tooLong !== 'shortens') return Buffer.from([0x83, tooLong === 'exception 2' ? 2 : 3])
    if (!this.#has(address, width)) return Buffer.from([0x83, 2])
    const sent = Math.min(width, most)
    const answer = Buffer.alloc(2 + sent * 2)
    answer[0] = 3
    answer[1] = sent * 2
    for (let index = 0; index < sent; index++) answer.writeUInt16BE(address + index, 2 + index * 2)
    return answer
  }
}

const at = (...addresses: number[]): ModbusSensorConfig[] =>
  addresses.map((address) => ({ register: 'holding' as const, address }))
const row = (from: number, count: number): ModbusSensorConfig[] =>
  at(...Array.from({ length: count }, (_, index) => from + index))

describe('a device that refuses', () => {
  it('a hole is read around it from the same poll on, and the hole is never asked for again', async () => {
    const bench = new Bench({ forbidden: new Set([3, 4]) }, at(0, 1, 6, 7, 10))
    const first = await bench.poll()
    expect(first.reads[0]).toBe('0+11!')
    expect(first.sink.values).toHaveLength(5)
    await bench.poll()
    const { reads, sink } = await bench.poll()
    expect(reads).toEqual(['0+2', '6+5'])
    expect(sink.values).toEqual([0, 1, 6, 7, 10])
  })

  it('one point loses that point alone', async () => {
    const bench = new Bench({ forbidden: new Set([5]) }, row(0, 10))
    const { sink } = await bench.poll()
    expect(sink.only(5)).toEqual({ bad: 'BadNodeIdUnknown' })
    expect(sink.values).toHaveLength(9)
    expect((await bench.poll()).reads).toEqual(['0+5', '6+4'])
  })

  it('a point is asked for it again, ever more rarely, and merges it again when it is there', async () => {
    const bench = new Bench({ forbidden: new Set([5]) }, row(0, 10))
    await bench.poll()
    const askedAfter: number[] = []
    for (let seconds = 1; seconds <= 100; seconds++) {
      bench.nowMs = seconds * 1000
      if ((await bench.poll()).reads.includes('5+1!')) askedAfter.push(seconds)
    }
    expect(askedAfter).toEqual([10, 30, 70])
    bench.rules = GENEROUS
    bench.nowMs = 150_000
    expect((await bench.poll()).sink.values).toHaveLength(10)
    expect((await bench.poll()).reads).toEqual(['0+10'])
  })

  it('every point is asked for one of them in each poll, so that a poll proves that it lives', async () => {
    const bench = new Bench({ forbidden: new Set([0, 1, 2, 3]) }, row(0, 4))
    await bench.poll()
    expect((await bench.poll()).reads).toEqual(['0+1!'])
    expect(bench.group.requests).toBe(1)
  })

  it('everything for a while does not hold up its bus, and recovers when it is asked again', async () => {
    const all = new Set(Array.from({ length: 125 }, (_, index) => index))
    const bench = new Bench({ forbidden: all }, row(0, 125))
    for (let turn = 0; turn < 12; turn++) expect((await bench.poll()).reads.length).toBeLessThan(45)
    bench.rules = GENEROUS
    for (let turn = 0; turn < 8; turn++) {
      bench.nowMs += 60_000
      await bench.poll()
    }
    const { reads, sink } = await bench.poll()
    expect(sink.values).toHaveLength(125)
    expect(reads.length).toBeLessThan(4)
  })

  it.each(['exception 2', 'exception 3', 'shortens'] as const)(
    'long reads (%s) is read by the longest that it answers',
    async (tooLong) => {
      const bench = new Bench({ most: 40, tooLong }, row(0, 120))
      for (let turn = 0; turn < 10; turn++) expect((await bench.poll()).sink.values).toHaveLength(120)
      expect((await bench.poll()).reads).toEqual(['0+40', '40+40', '80+40'])
    },
  )

  it('long reads over holes is not thought to refuse the holes', async () => {
    const bench = new Bench({ most: 30 }, at(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56))
    for (let turn = 0; turn < 10; turn++) await bench.poll()
    expect((await bench.poll()).reads).toEqual(['0+29', '32+25'])
  })
})

describe('for any device and any points, the driver', () => {
  const rules = fc.record({
    forbidden: fc.array(fc.nat(160), { maxLength: 30 }).map((list) => new Set(list)),
    most: fc.constantFrom(2, 3, 10, 16, 32, 100, 125),
    tooLong: fc.constantFrom('exception 2' as const, 'exception 3' as const, 'shortens' as const),
  })
  const sensors = fc.array(
    fc.record({ address: fc.nat(150), wide: fc.boolean() }).map(({ address, wide }) => ({
      register: 'holding' as const,
      address,
      ...(wide && { type: 'uint32' as const }),
    })),
    { minLength: 1, maxLength: 60 },
  )
  const gap = fc.constantFrom(0, 3, 8)

  it('reads what can be read, marks the rest, and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(rules, sensors, gap, async (rule, list, maxGap) => {
        const bench = new Bench(rule, list, { maxGap })
        for (let turn = 0; turn < 40; turn++) {
          const { sink } = await bench.poll()
          for (const sensor of list.keys()) {
            const result = sink.only(sensor)
            // Never a wrong value, whatever is not known yet.
            if ('value' in result) expect(result).toEqual(bench.truth(sensor))
          }
        }
        const { reads, sink } = await bench.poll()
        for (const sensor of list.keys()) {
          const truth = bench.truth(sensor)
          if ('value' in truth) expect(sink.only(sensor)).toEqual(truth)
          else expect('bad' in sink.only(sensor)).toBe(true)
        }
        // Nothing is refused any more, but for the one request that proves that a device without readable points lives.
        const isAllBad = sink.values.length === 0
        expect(reads.filter((read) => read.endsWith('!'))).toHaveLength(isAllBad ? 1 : 0)
      }),
      { numRuns: 150 },
    )
  })

  it('never asks again for what holds a register that was refused alone', async () => {
    await fc.assert(
      fc.asyncProperty(rules, sensors, gap, async (rule, list, maxGap) => {
        const bench = new Bench({ ...rule, most: 125 }, [...list, ...at(200)], { maxGap })
        for (let turn = 0; turn < 12; turn++) await bench.poll()
        const refusedAlone = new Set<number>()
        for (const { address, width, wasAnswered } of bench.reads) {
          const held = Array.from({ length: width }, (_, index) => address + index)
          // A wider point that holds the register is another question: it is asked for once on its own.
          if (width > 2) expect(held.filter((register) => refusedAlone.has(register))).toEqual([])
          else if (width === 1) expect(refusedAlone.has(address)).toBe(false)
          if (!wasAnswered && width === 1) refusedAlone.add(address)
        }
      }),
      { numRuns: 100 },
    )
  })
})
