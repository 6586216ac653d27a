// Modbus RTU against a line that misbehaves in every way a line can: never a wrong value, always an end. Two clocks, both
// moved by the test: one for timeouts, one for the silences of the line.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawRtuSlave, serialFrame, type RtuRequest } from '#test/sim/raw-rtu-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice } from './modbus-device.ts'

let slave: RawRtuSlave
let line: ManualClock
let first: TestDevice
let second: TestDevice

beforeEach(async () => {
  slave = await RawRtuSlave.start()
  line = new ManualClock()
  first = onLine({ unit: 1, id: 'first', lineClock: line })
  second = onLine({ unit: 2, id: 'second', driver: first.driver, clock: first.clock })
  await first.device.connect(NEVER)
  await second.device.connect(NEVER)
  slave.behaviour = answerUnit
})

afterEach(async () => {
  await first.device.close()
  await second.device.close()
  await slave.stop()
  expect(first.clock.pending + line.pending).toBe(0)
})

function onLine(more: Partial<Parameters<typeof testDevice>[0]>): TestDevice {
  const connection = { transport: 'rtu-over-tcp' as const, host: '127.0.0.1', port: slave.port, unit: more.unit ?? 1 }
  return testDevice({
    sensors: holdings(0),
    ...more,
    connection: { ...connection, timeout: TIMEOUT_MS, ...more.connection },
  })
}

/** The register of each unit holds its unit id. */
const answerUnit = (request: RtuRequest): void => request.reply(Buffer.from([3, 2, 0, request.unit]))
const truth = (unit: number): Buffer => serialFrame(unit, Buffer.from([3, 2, 0, unit]))
const lie = Buffer.from([3, 2, 0xde, 0xad])

async function timesOut(unit: TestDevice): Promise<void> {
  const asked = slave.nextRequest()
  const failed = expect(unit.device.poll(0, new RecordingSink(), NEVER)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await asked
  await unit.clock.advance(TIMEOUT_MS)
  await failed
}

describe('a unit on a line is read truly', () => {
  it.each<[string, (request: RtuRequest) => void]>([
    ['byte by byte', ({ unit, send }) => truth(unit).forEach((byte) => send(Buffer.of(byte)))],
    ['behind a byte of noise', ({ unit, send }) => send(Buffer.concat([Buffer.of(0), truth(unit)]))],
    [
      'behind noise that looks like a beginning',
      ({ unit, send }) => send(Buffer.concat([Buffer.of(unit, 3, 250), truth(unit)])),
    ],
    ['behind half an answer', ({ unit, send }) => send(Buffer.concat([truth(unit).subarray(0, 4), truth(unit)]))],
    ['behind the answer of another unit', ({ unit, send }) => send(Buffer.concat([truth(9), truth(unit)]))],
    [
      'behind an answer of another function',
      ({ unit, send }) => send(Buffer.concat([serialFrame(unit, Buffer.from([4, 2, 1, 2])), truth(unit)])),
    ],
    [
      'behind an answer of another size',
      ({ unit, send }) => send(Buffer.concat([serialFrame(unit, Buffer.from([3, 4, 1, 2, 3, 4])), truth(unit)])),
    ],
    ['behind the echo of the request', ({ unit, frame, send }) => send(Buffer.concat([frame, truth(unit)]))],
    [
      'some time after the echo of the request',
      ({ unit, frame, send }) => {
        send(frame)
        setImmediate(() => send(truth(unit)))
      },
    ],
    ['before noise', ({ unit, send }) => send(Buffer.concat([truth(unit), Buffer.of(0xff, 0x00)]))],
  ])('when its answer comes %s', async (_name, behaviour) => {
    slave.behaviour = behaviour
    for (let turn = 0; turn < 3; turn++) {
      expect((await first.poll()).only(0)).toEqual({ value: 1 })
      expect((await second.poll()).only(0)).toEqual({ value: 2 })
    }
    expect(slave.accepted).toBe(1)
  })
})

describe('a unit on a line gives no value', () => {
  it('when the checksum of its answer is wrong, and the next request is answered', async () => {
    slave.behaviour = ({ unit, send }) => {
      const frame = truth(unit)
      frame[4]! ^= 1
      send(frame)
    }
    await expect(first.poll()).rejects.toMatchObject({ code: 'PROTOCOL' })
    expect(first.context.errors.get('crc')).toBe(1)
    slave.behaviour = answerUnit
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
    const again = first.poll()
    await line.advance(TIMEOUT_MS)
    expect((await again).only(0)).toEqual({ value: 1 })
    expect(slave.accepted).toBe(1)
  })

  it.each<[string, (request: RtuRequest) => void]>([
    ['half an answer', ({ unit, send }) => send(truth(unit).subarray(0, 5))],
    ['the answer of another unit', ({ reply }) => reply(lie, 77)],
    ['garbage without end', ({ send }) => send(Buffer.alloc(5000, 0x55))],
    ['its own request', ({ frame, send }) => send(frame)],
  ])('when what comes is %s', async (_name, behaviour) => {
    slave.behaviour = behaviour
    await timesOut(first)
    slave.behaviour = answerUnit
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
  })

  it('of a request that timed out, however late its answer comes: before the next request', async () => {
    let late: RtuRequest | undefined
    slave.behaviour = (request) => void (late = request)
    await timesOut(first)
    slave.behaviour = answerUnit
    const again = first.poll() // must wait: the late answer would fit it
    late!.reply(lie)
    await vi.waitFor(() => expect(first.context.errors.get('late-answer')).toBe(1), EVENTUALLY)
    await line.advance(TIMEOUT_MS)
    expect((await again).only(0)).toEqual({ value: 1 })
  })

  it('of a request that timed out, when its answer comes while another unit is asked', async () => {
    let late: RtuRequest | undefined
    slave.behaviour = (request) => void (late = request)
    await timesOut(first)
    slave.behaviour = (request) => {
      late!.reply(lie)
      answerUnit(request)
    }
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
    expect(first.context.errors.get('late-answer')).toBe(1)
    // The late answer has come: nothing needs to be waited for any more.
    slave.behaviour = answerUnit
    expect((await first.poll()).only(0)).toEqual({ value: 1 })
  })
})

describe('on a line', () => {
  it('a broadcast is written to all, answered by none, and read by none', async () => {
    const all = onLine({
      driver: first.driver,
      clock: first.clock,
      unit: 0,
      connection: { transport: 'rtu-over-tcp', unit: 0, host: '127.0.0.1', port: slave.port },
    })
    await all.device.connect(NEVER)
    expect((await all.poll()).only(0)).toEqual({ bad: 'BadNotReadable' })
    slave.behaviour = slave.answer
    const asked = slave.nextRequest()
    const written = all.device.write!(0, 77, NEVER)
    expect((await asked).frame.toString('hex')).toMatch(/^00060000004d/)
    await line.advance(150)
    expect(await written).toBe(77)
    expect(slave.words[0]).toBe(77)
    expect(slave.requests).toHaveLength(1)
    await all.device.close()
  })

  it('with an echo a write is confirmed by the device, not by its echo', async () => {
    await first.device.close()
    await second.device.close()
    const echoing = onLine({
      clock: first.clock,
      lineClock: line,
      connection: { transport: 'rtu-over-tcp', echo: true, host: '127.0.0.1', port: slave.port },
    })
    await echoing.device.connect(NEVER)
    slave.behaviour = (request) => {
      request.send(request.frame)
      slave.answer(request)
    }
    expect(await echoing.device.write!(0, 5, NEVER)).toBe(5)
    slave.behaviour = ({ frame, send }) => send(frame) // nobody there but the echo
    const asked = slave.nextRequest()
    const refused = expect(echoing.device.write!(0, 6, NEVER)).rejects.toMatchObject({ code: 'TIMEOUT' })
    await asked
    await first.clock.advance(TIMEOUT_MS)
    await refused
    await echoing.device.close()
  })

  it('rests are kept: after connecting, and after each request to a slow device', async () => {
    const slow = onLine({
      unit: 3,
      clock: new ManualClock(),
      lineClock: line,
      quirks: { pauseAfterConnect: 500, delayAfterRequest: 50 },
    })
    await slow.device.connect(NEVER)
    const polling = slow.poll()
    await slow.clock.advance(499)
    expect(slave.requests).toHaveLength(0)
    await slow.clock.advance(1)
    expect((await polling).only(0)).toEqual({ value: 3 })
    const again = slow.poll()
    await slow.clock.advance(49)
    expect(slave.requests).toHaveLength(1)
    await slow.clock.advance(1)
    expect((await again).only(0)).toEqual({ value: 3 })
    await slow.device.close()
  })
})
