// A slave on a bare socket that misbehaves in every way a slave can: never a wrong value, always an end, always counted.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { mbapFrame, RawModbusSlave, type Behaviour } from '#test/sim/raw-modbus-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice } from './modbus-device.ts'

let slave: RawModbusSlave
let unit: TestDevice

beforeEach(async () => {
  slave = await RawModbusSlave.start()
  for (const address of [0, 1, 2, 10]) slave.words[address] = 100 + address
  unit = testDevice({ port: slave.port, sensors: holdings(0, 1, 2) })
  await unit.device.connect(NEVER)
})

afterEach(async () => {
  await unit.device.close()
  await slave.stop()
})

const good = [{ value: 100 }, { value: 101 }, { value: 102 }]
const results = (sink: RecordingSink) => [0, 1, 2].map((sensor) => sink.only(sensor))

/** Polls once against this behaviour; the sink must stay empty. Answers the error's code. */
async function failedPoll(behaviour: Behaviour): Promise<string> {
  slave.behaviour = behaviour
  const sink = new RecordingSink()
  const error = await unit.device.poll(0, sink, NEVER).then(
    () => null,
    (cause: unknown) => cause,
  )
  expect(sink.results.size).toBe(0)
  if (!isTelemetryError(error)) throw new Error(`No TelemetryError: ${String(error)}`)
  expect(error.retryable).toBe(true)
  return error.code
}

async function recovers(): Promise<void> {
  slave.behaviour = slave.answer
  await unit.device.connect(NEVER)
  expect(results(await unit.poll())).toEqual(good)
}

describe('an answer that does not fit the request', () => {
  const data = Buffer.from('0306deaddeaddead', 'hex')
  it.each<[string, Behaviour]>([
    ['of another unit', (request) => request.reply(data, { unit: 2 })],
    ['of another function', (request) => request.reply(Buffer.from('0406deaddeaddead', 'hex'))],
    ['with fewer registers', (request) => request.reply(Buffer.from('0304deaddead', 'hex'))],
    ['with more registers', (request) => request.reply(Buffer.from('0308deaddeaddeaddead', 'hex'))],
    ['with a byte count that lies', (request) => request.reply(Buffer.from('0306deaddead', 'hex'))],
    ['with an exception of another unit', (request) => request.reply(Buffer.from('8302', 'hex'), { unit: 2 })],
    ['with an exception of another function', (request) => request.reply(Buffer.from('8402', 'hex'))],
    ['with another protocol id', (request) => request.reply(data, { protocol: 7 })],
    ['with a length that no frame has', (request) => request.reply(data, { length: 60_000 })],
    ['with a length of nothing', (request) => request.reply(data, { length: 0 })],
    ['for a transaction that never was', (request) => request.reply(data, { id: (request.id + 1) & 0xffff })],
    ['for a transaction far away', (request) => request.reply(data, { id: (request.id + 40_000) & 0xffff })],
    ['that is an HTTP error', (request) => request.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['that is longer than it says', (request) => request.reply(data, { length: 5 })],
  ])('%s breaks the connection at once and gives no value', async (_name, behaviour) => {
    expect(await failedPoll(behaviour)).toBe('PROTOCOL')
    await vi.waitFor(() => expect(unit.context.lostCauses).toMatchObject([{ code: 'PROTOCOL' }]), EVENTUALLY)
    await recovers()
  })

  it('but is whole and only shorter is asked for again in parts, on the same connection', async () => {
    slave.behaviour = (request) =>
      request.reply(slave.honestPdu({ ...request, quantity: Math.min(2, request.quantity) }))
    expect(results(await unit.poll())).toEqual(good)
    slave.requests.length = 0
    expect(results(await unit.poll())).toEqual(good)
    expect(slave.requests.map(({ quantity }) => quantity)).toEqual([2, 1])
    expect(slave.accepted).toBe(1)
  })

  it('is found even when the same bytes bring a good answer first', async () => {
    expect(
      await failedPoll((request) =>
        request.send(Buffer.concat([mbapFrame(request.id, 1, data), Buffer.alloc(8, 0xff)])),
      ),
    ).toBe('PROTOCOL')
  })
})

describe('a slave that', () => {
  it('stays silent is given up after the timeout', async () => {
    const polling = failedPoll(() => {})
    await slave.nextRequest()
    await unit.clock.advance(TIMEOUT_MS)
    expect(await polling).toBe('TIMEOUT')
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
    await recovers()
  })

  it('stays silent fails the request first, with its reason, and then the connection', async () => {
    slave.behaviour = () => {}
    const asked = slave.nextRequest()
    const polling = unit.device.poll(0, new RecordingSink(), NEVER).catch((error: unknown) => {
      expect(unit.context.lostCauses).toEqual([])
      return error
    })
    await asked
    await unit.clock.advance(TIMEOUT_MS)
    expect(await polling).toMatchObject({ code: 'TIMEOUT', context: { requests: 1 } })
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
  })

  it('stops in the middle of an answer is given up, and the rest is never taken for the next answer', async () => {
    const polling = failedPoll((request) =>
      request.send(mbapFrame(request.id, 1, slave.honestPdu(request)).subarray(0, 10)),
    )
    await slave.nextRequest()
    await unit.clock.advance(TIMEOUT_MS)
    expect(await polling).toBe('PROTOCOL')
    await recovers()
  })

  it('hangs up during a request', async () => {
    expect(await failedPoll((request) => request.socket.destroy())).toBe('CONNECTION_LOST')
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
    await recovers()
  })

  it('ends its side of the connection politely', async () => {
    expect(await failedPoll((request) => request.socket.end())).toBe('CONNECTION_LOST')
    await recovers()
  })

  it('hangs up between requests is noticed without asking', async () => {
    slave.hangUp()
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
    expect(await failedPoll(slave.answer)).toBe('CONNECTION_LOST')
    await recovers()
  })

  it('talks without being asked is disconnected', async () => {
    slave.broadcast(mbapFrame(999, 1, Buffer.from('0306deaddeaddead', 'hex')))
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
    expect(unit.context.errors.get('protocol')).toBe(1)
    await recovers()
  })

  it('answers one byte at a time is understood', async () => {
    slave.behaviour = (request) => {
      for (const byte of mbapFrame(request.id, 1, slave.honestPdu(request))) request.send(Buffer.from([byte]))
    }
    expect(results(await unit.poll())).toEqual(good)
  })

  it('answers everything twice is understood, and the repetitions are counted', async () => {
    slave.behaviour = (request) => {
      slave.answer(request)
      slave.answer(request)
    }
    for (let turn = 0; turn < 20; turn++) expect(results(await unit.poll())).toEqual(good)
    await vi.waitFor(() => expect(unit.context.errors.get('late-answer')).toBe(20), EVENTUALLY)
    expect(unit.context.lostCauses).toEqual([])
  })

  it('floods the connection with repetitions is disconnected', async () => {
    slave.behaviour = (request) => {
      for (let turn = 0; turn < 100; turn++) slave.answer(request)
    }
    await unit.poll()
    await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(1), EVENTUALLY)
  })

  it('holds an answer back for 256 requests never has it taken for the answer of then', async () => {
    let held: Buffer | null = null
    slave.behaviour = (request) => {
      if (slave.requests.length === 1) held = mbapFrame(request.id, 1, Buffer.from('0306deaddeaddead', 'hex'))
      if (slave.requests.length === 257) request.send(held!) // modbus-serial's own ids are back at the first one here
      slave.answer(request)
    }
    for (let turn = 1; turn <= 256; turn++) expect(results(await unit.poll())).toEqual(good)
    expect(await failedPoll(slave.behaviour)).toBe('PROTOCOL') // too long ago for a repetition
  })

  it('is not there refuses the connection', async () => {
    await unit.device.close()
    await slave.stop()
    await expect(unit.device.connect(NEVER)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
  })

  it('never completes a connection is given up after the timeout', async () => {
    const impatient: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: (_delayMs, fire) => {
        queueMicrotask(fire) // before the operating system can answer
        return { cancel: () => {} }
      },
    }
    const { device } = testDevice({
      port: slave.port,
      sensors: holdings(0),
      driver: modbusDriver({ clock: impatient }),
    })
    await expect(device.connect(NEVER)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
  })
})

describe('an exception', () => {
  it.each([
    [1, 'BadNotSupported'],
    [4, 'BadDeviceFailure'],
    [6, 'BadTooManyOperations'],
    [99, 'BadUnexpectedError'],
  ])('%i makes the points of its block %s while the others are read', async (code, status) => {
    await unit.device.close()
    unit = testDevice({ port: slave.port, sensors: holdings(0, 1, 10), reads: { maxGap: 0 } })
    await unit.device.connect(NEVER)
    slave.behaviour = (request) =>
      request.address === 0 ? request.reply(Buffer.from([0x83, code])) : slave.answer(request)
    const sink = await unit.poll()
    expect(results(sink)).toEqual([{ bad: status }, { bad: status }, { value: 110 }])
    expect(unit.context.errors.get(`exception-${code}`)).toBe(1)
    expect(unit.context.lostCauses).toEqual([])
  })

  it.each([
    [2, 'BadNodeIdUnknown'],
    [3, 'BadOutOfRange'],
  ])(
    '%i makes the point that is refused alone %s, in the same poll in which its block is refused',
    async (code, status) => {
      slave.behaviour = (request) =>
        request.address === 0 ? request.reply(Buffer.from([0x83, code])) : slave.answer(request)
      expect(results(await unit.poll())).toEqual([{ bad: status }, { value: 101 }, { value: 102 }])
      expect(unit.device.plan!()).toEqual({ pointRequests: 3, requests: 1 })
      expect(unit.context.errors.get(`exception-${code}`)).toBe(2)
      slave.requests.length = 0
      expect(results(await unit.poll())).toEqual([{ bad: status }, { value: 101 }, { value: 102 }])
      expect(slave.requests).toHaveLength(1)
    },
  )

  it('2 for a point is asked about again after a new connection', async () => {
    slave.behaviour = (request) =>
      request.address === 0 ? request.reply(Buffer.from([0x83, 2])) : slave.answer(request)
    await unit.poll()
    await unit.device.close()
    slave.behaviour = slave.answer
    await unit.device.connect(NEVER)
    expect(results(await unit.poll())).toEqual(good)
  })

  it('11 from a gateway whose unit is dead ends the poll, so that the bus is not held up for each block', async () => {
    await unit.device.close()
    unit = testDevice({ port: slave.port, sensors: holdings(0, 5, 10), reads: { maxGap: 0 } })
    await unit.device.connect(NEVER)
    slave.behaviour = (request) => request.reply(Buffer.from([0x83, 11]))
    const sink = new RecordingSink()
    await expect(unit.device.poll(0, sink, NEVER)).rejects.toMatchObject({ code: 'DEVICE_EXCEPTION', retryable: true })
    expect(sink.only(0)).toEqual({ bad: 'BadCommunicationError' })
    expect(slave.requests).toHaveLength(1)
    expect(unit.context.errors.get('exception-11')).toBe(1)
  })
})

describe('a stopped request', () => {
  it('ends at once, and its answer is not taken for the next one', async () => {
    let late: (() => void) | null = null
    slave.behaviour = (request) => {
      late = () => request.reply(Buffer.from('0306deaddeaddead', 'hex'))
    }
    const controller = new AbortController()
    const asked = slave.nextRequest()
    const polling = expect(unit.device.poll(0, new RecordingSink(), controller.signal)).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await asked
    controller.abort()
    await polling
    late!()
    slave.behaviour = slave.answer
    expect(results(await unit.poll())).toEqual(good)
    expect(unit.context.errors.get('late-answer')).toBe(1)
    await unit.device.close()
    expect(unit.clock.pending).toBe(0)
  })

  it('is not even sent when it was stopped before', async () => {
    const stopped = AbortSignal.abort()
    await expect(unit.device.poll(0, new RecordingSink(), stopped)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(slave.requests).toHaveLength(0)
  })
})
