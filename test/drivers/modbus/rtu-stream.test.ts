// The framing of RTU on any bytes: the answer is found when it is there, and nothing else is ever taken for it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import type { FramingEvents } from '#drivers/modbus/framing.ts'
import { readRequest } from '#drivers/modbus/pdu.ts'
import { answerLength, crc16, hasGoodCrc, rtuFrame } from '#drivers/modbus/rtu-frame.ts'
import { RtuFraming } from '#drivers/modbus/rtu-framing.ts'
import type { Exchange } from '#drivers/modbus/transport.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { serialFrame } from '#test/sim/raw-rtu-slave.ts'

const trace = { sent: () => {}, received: () => {} }
const REQUEST: Exchange = { unit: 7, pdu: readRequest('holding', 2, 3), timeoutMs: 100, notBeforeMs: 0, trace }
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

class Heard implements FramingEvents {
  readonly answers: Buffer[] = []
  damages = 0
  answer(pdu: Buffer): void {
    this.answers.push(pdu)
  }
  late(): void {}
  damaged(): void {
    this.damages += 1
  }
  broken(reason: string): void {
    throw new Error(reason)
  }
  received(): void {}
}

function framing(gapMs = 0): RtuFraming {
  return new RtuFraming({ clock: new ManualClock(), charMs: 0, gapMs, hasEcho: false })
}

/** What is heard until the request is over. */
function hear(stream: Buffer, cuts: readonly number[]): Heard {
  const rtu = framing()
  const heard = new Heard()
  rtu.frame(REQUEST)
  const ends = [...new Set([...cuts.filter((cut) => cut < stream.length), stream.length])].sort((a, b) => a - b)
  let start = 0
  for (const end of ends) {
    const isOver = heard.answers.length + heard.damages > 0
    if (end > start) rtu.accept(stream.subarray(start, end), isOver ? null : REQUEST, heard)
    start = end
  }
  return heard
}

describe('the checksum', () => {
  it.each([
    ['02 07', 0x1241], // Modbus over Serial Line V1.02 §6.2.2, Figure 13: 41 12 on the wire
    ['31 32 33 34 35 36 37 38 39', 0x4b37], // the catalogue's check value of CRC-16/MODBUS
  ])('of %s is known', (hex, crc) => {
    expect(crc16(bytes(hex), 0, bytes(hex).length)).toBe(crc)
  })

  it('is that of another implementation for any frame', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ minLength: 1, maxLength: 253 }), (unit, pdu) => {
        expect(rtuFrame(unit, pdu)).toEqual(serialFrame(unit, pdu))
      }),
    )
  })
})

describe('an answer in RTU', () => {
  const cuts = fc.array(fc.nat(60), { maxLength: 12 })
  const values = fc.uint8Array({ minLength: 6, maxLength: 6 })

  it('is found however it is cut', () => {
    fc.assert(
      fc.property(values, cuts, (data, cut) => {
        const pdu = Buffer.from([3, 6, ...data])
        expect(hear(serialFrame(7, pdu), cut).answers).toEqual([pdu])
      }),
    )
  })

  it('is found behind any noise that cannot be its beginning', () => {
    const noise = fc.uint8Array({ maxLength: 40 }).filter((any) => !any.includes(7))
    fc.assert(
      fc.property(noise, values, cuts, (before, data, cut) => {
        const pdu = Buffer.from([3, 6, ...data])
        expect(hear(Buffer.concat([before, serialFrame(7, pdu)]), cut).answers).toEqual([pdu])
      }),
    )
  })

  it('is never made of anything but a frame of the unit with a good checksum', () => {
    const rough = fc.uint8Array({ maxLength: 300 })
    const frame = fc
      .record({ unit: fc.constantFrom(7, 7, 8), pdu: fc.uint8Array({ minLength: 2, maxLength: 12 }) })
      .map(({ unit, pdu }) => new Uint8Array(serialFrame(unit, pdu)))
    const damaged = fc.tuple(frame, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([whole, place, flip]) => {
      const copy = new Uint8Array(whole)
      copy[place % copy.length]! ^= flip
      return copy
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(rough, frame, damaged), { maxLength: 8 }), cuts, (parts, cut) => {
        const stream = Buffer.concat(parts)
        for (const answer of hear(stream, cut).answers) {
          const whole = serialFrame(7, answer)
          expect(stream.includes(whole)).toBe(true)
          const isData = answer[0] === 3 && answer.length === answer[1]! + 2 && [2, 4, 6].includes(answer[1]!)
          expect(isData || (answer[0] === 0x83 && answer.length === 2)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keeps its memory whatever comes, and is found when the line is silent again', () => {
    const rtu = framing()
    const heard = new Heard()
    rtu.frame(REQUEST)
    for (let turn = 0; turn < 200; turn++) rtu.accept(Buffer.alloc(1000, turn & 0xff), REQUEST, heard)
    rtu.abandon(REQUEST, new TelemetryError('TIMEOUT', 'No answer'), heard)
    rtu.frame(REQUEST)
    rtu.accept(serialFrame(7, Buffer.from([3, 6, 1, 2, 3, 4, 5, 6])), REQUEST, heard)
    expect(heard.answers).toEqual([Buffer.from([3, 6, 1, 2, 3, 4, 5, 6])])
  })
})

describe('the line', () => {
  it('is left alone for 3.5 characters after anything was on it', async () => {
    const clock = new ManualClock()
    const rtu = new RtuFraming({ clock, charMs: 1, gapMs: 3.5, hasEcho: false })
    rtu.reset()
    expect(rtu.waitMs(REQUEST)).toBe(3.5)
    await clock.advance(4)
    expect(rtu.waitMs(REQUEST)).toBeLessThanOrEqual(0)
    expect(rtu.frame(REQUEST)).toHaveLength(8)
    expect(rtu.waitMs(REQUEST)).toBe(8 + 3.5)
    await clock.advance(20)
    rtu.accept(Buffer.of(1), null, new Heard())
    expect(rtu.waitMs(REQUEST)).toBe(3.5)
  })
})

describe('the length of an answer', () => {
  it('follows from its function, as the specification draws it', () => {
    const lengths = [
      '01 03 04',
      '01 83 02',
      '01 06',
      '01 10',
      '01 16',
      '01 17 02',
      '01 2b 0d',
      '01 11',
      '01',
      '01 03',
    ].map((hex) => answerLength(bytes(hex), 0, bytes(hex).length))
    expect(lengths).toEqual([9, 5, 8, 8, 10, 7, 0, 0, null, null])
    expect(hasGoodCrc(bytes('02 07 41 12'), 0, 4)).toBe(true)
  })
})
