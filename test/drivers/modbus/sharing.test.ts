// Several units behind one host and port: one connection, one request at a time, and no unit at the cost of another.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave, type RawRequest } from '#test/sim/raw-modbus-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice } from './modbus-device.ts'

let slave: RawModbusSlave
let first: TestDevice
let second: TestDevice

beforeEach(async () => {
  slave = await RawModbusSlave.start()
  first = testDevice({ port: slave.port, sensors: holdings(0), unit: 1, id: 'first' })
  second = testDevice({
    port: slave.port,
    sensors: holdings(0),
    unit: 2,
    id: 'second',
    driver: first.driver,
    clock: first.clock,
  })
  // The same register of each unit holds its unit id.
  slave.behaviour = answerUnit
})

afterEach(async () => {
  await first.device.close()
  await second.device.close()
  await slave.stop()
})

const answerUnit = (request: RawRequest): void => request.reply(Buffer.from([3, 2, 0, request.unit]))

async function connectBoth(): Promise<void> {
  await Promise.all([first.device.connect(NEVER), second.device.connect(NEVER)])
}

async function bothAreTold(): Promise<void> {
  await vi.waitFor(
    () => expect([first, second].map(({ context }) => context.lostCauses.length)).toEqual([1, 1]),
    EVENTUALLY,
  )
}

describe('two units on the same host and port', () => {
  it('share one connection, which the last one closes', async () => {
    await connectBoth()
    expect(first.device.bus).toBe(`tcp://127.0.0.1:${slave.port}`)
    expect(second.device.bus).toBe(first.device.bus)
    expect(slave.accepted).toBe(1)
    await first.device.close()
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
    expect(slave.openConnections).toBe(1)
    await second.device.close()
    await vi.waitFor(() => expect(slave.openConnections).toBe(0), EVENTUALLY)
    expect([first.context.lostCauses, second.context.lostCauses]).toEqual([[], []])
  })

  it('do not share a connection made by another driver object', async () => {
    const other = testDevice({ port: slave.port, sensors: holdings(0) })
    await connectBoth()
    await other.device.connect(NEVER)
    expect(slave.accepted).toBe(2)
    await other.device.close()
  })

  it('ask one after another, in turn', async () => {
    const open: RawRequest[] = []
    slave.behaviour = (request) => open.push(request)
    await connectBoth()
    const polls = [first.poll(), second.poll()]
    await vi.waitFor(() => expect(open).toHaveLength(1), EVENTUALLY)
    answerUnit(open[0]!)
    await vi.waitFor(() => expect(open).toHaveLength(2), EVENTUALLY)
    const again = first.poll()
    answerUnit(open[1]!)
    await vi.waitFor(() => expect(open).toHaveLength(3), EVENTUALLY)
    answerUnit(open[2]!)
    const sinks = await Promise.all([...polls, again])
    expect(sinks.map((sink) => sink.only(0))).toEqual([{ value: 1 }, { value: 2 }, { value: 1 }])
    expect(open.map(({ unit }) => unit)).toEqual([1, 2, 1])
  })

  it('are both told when the connection breaks, and one new connection serves both', async () => {
    await connectBoth()
    slave.hangUp()
    await vi.waitFor(
      () => expect(first.context.lostCauses.length + second.context.lostCauses.length).toBe(2),
      EVENTUALLY,
    )
    await connectBoth()
    expect(slave.accepted).toBe(2)
    expect((await first.poll()).only(0)).toEqual({ value: 1 })
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
  })

  it('keep the connection when one of them is silent, and its late answer harms neither', async () => {
    await connectBoth()
    let late: RawRequest | undefined
    slave.behaviour = (request) => {
      if (request.unit === 2) return answerUnit(request)
      late = request
    }
    const silent = expect(first.poll()).rejects.toMatchObject({ code: 'TIMEOUT' })
    const healthy = second.poll() // waits for the wire
    await vi.waitFor(() => expect(late).toBeDefined(), EVENTUALLY)
    await first.clock.advance(TIMEOUT_MS)
    await silent
    expect((await healthy).only(0)).toEqual({ value: 2 })

    const asked = second.poll()
    late!.reply(Buffer.from([3, 2, 0xde, 0xad])) // comes while the other waits
    expect((await asked).only(0)).toEqual({ value: 2 })
    slave.behaviour = answerUnit
    expect((await first.poll()).only(0)).toEqual({ value: 1 })
    await vi.waitFor(() => expect(first.context.errors.get('late-answer')).toBe(1), EVENTUALLY)
    expect(second.context.errors.size).toBe(0)
    expect(slave.accepted).toBe(1)
    expect(second.context.lostCauses).toEqual([])
  })

  it('each have their own timeout, whichever asked first', async () => {
    const hasty = testDevice({
      sensors: holdings(0),
      driver: first.driver,
      clock: first.clock,
      connection: { host: '127.0.0.1', port: slave.port, unit: 3, timeout: 100 },
    })
    await connectBoth()
    await hasty.device.connect(NEVER)
    await first.poll() // a timeout of 1000 ms
    slave.behaviour = () => {}
    for (const [{ device }, timeoutMs] of [
      [hasty, 100],
      [first, TIMEOUT_MS],
    ] as const) {
      const asked = slave.nextRequest()
      let isOver = false
      const silent = expect(
        device.poll(0, new RecordingSink(), NEVER).finally(() => (isOver = true)),
      ).rejects.toMatchObject({ code: 'TIMEOUT' })
      await asked
      await first.clock.advance(timeoutMs - 1)
      expect(isOver).toBe(false)
      await first.clock.advance(1)
      await silent
    }
    await hasty.device.close()
  })

  it('never take a late answer of the same unit and size for a newer one', async () => {
    await connectBoth()
    let late: RawRequest | undefined
    slave.behaviour = (request) => {
      late = request
    }
    const silent = expect(first.poll()).rejects.toMatchObject({ code: 'TIMEOUT' })
    await slave.nextRequest()
    await first.clock.advance(TIMEOUT_MS)
    await silent
    slave.behaviour = (request) => {
      late!.reply(Buffer.from([3, 2, 0xde, 0xad]))
      answerUnit(request)
    }
    expect((await first.poll()).only(0)).toEqual({ value: 1 })
    expect(first.context.errors.get('late-answer')).toBe(1)
  })

  it('lose the connection when all of them are silent', async () => {
    await connectBoth()
    slave.behaviour = () => {}
    for (const { device } of [first, second]) {
      const asked = slave.nextRequest()
      const silent = expect(device.poll(0, new RecordingSink(), NEVER)).rejects.toMatchObject({ code: 'TIMEOUT' })
      await asked
      await first.clock.advance(TIMEOUT_MS)
      await silent
    }
    await bothAreTold()
  })

  it('lose the connection when one stops in the middle of an answer, because the next one would be taken for the rest', async () => {
    await connectBoth()
    slave.behaviour = (request) =>
      request.send(Buffer.from([request.id >> 8, request.id & 0xff, 0, 0, 0, 5, request.unit, 3, 2]))
    const asked = slave.nextRequest()
    const broken = expect(first.poll()).rejects.toMatchObject({ code: 'PROTOCOL' })
    await asked
    await first.clock.advance(TIMEOUT_MS)
    await broken
    await bothAreTold()
    slave.behaviour = answerUnit
    await connectBoth()
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
  })

  it('are both disconnected by an answer of the wrong unit, and neither gets its value', async () => {
    await connectBoth()
    slave.behaviour = (request) => request.reply(Buffer.from([3, 2, 0xde, 0xad]), { unit: 3 - request.unit })
    const sinks = [new RecordingSink(), new RecordingSink()]
    const polls = [first, second].map(({ device }, index) => device.poll(0, sinks[index]!, NEVER))
    const outcomes = await Promise.allSettled(polls)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(sinks.flatMap((sink) => sink.values)).toEqual([])
    await bothAreTold()
  })

  it('can be closed while they wait or ask, without harm to the other', async () => {
    const open: RawRequest[] = []
    slave.behaviour = (request) => open.push(request)
    await connectBoth()
    const asking = expect(first.poll()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    const waiting = second.poll()
    await vi.waitFor(() => expect(open).toHaveLength(1), EVENTUALLY)
    await first.device.close()
    await asking
    await vi.waitFor(() => expect(open).toHaveLength(2), EVENTUALLY)
    answerUnit(open[0]!) // late
    answerUnit(open[1]!)
    expect((await waiting).only(0)).toEqual({ value: 2 })
    expect(first.context.lostCauses).toEqual([])
  })

  it('go on when the one that opens the connection gives up before it is there', async () => {
    const controller = new AbortController()
    const stopped = expect(first.device.connect(controller.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    const connecting = second.device.connect(NEVER)
    controller.abort()
    await stopped
    await connecting
    expect((await second.poll()).only(0)).toEqual({ value: 2 })
    expect(slave.accepted).toBe(1)
  })

  it('fail to connect together when nobody listens, and connect together when somebody does', async () => {
    const { port } = slave
    await slave.stop()
    const outcomes = await Promise.allSettled([first.device.connect(NEVER), second.device.connect(NEVER)])
    expect(outcomes).toMatchObject([
      { reason: { code: 'CONNECTION_FAILED' } },
      { reason: { code: 'CONNECTION_FAILED' } },
    ])
    slave = await RawModbusSlave.start(port)
    slave.behaviour = answerUnit
    await connectBoth()
    expect((await first.poll()).only(0)).toEqual({ value: 1 })
  })
})

describe('a device', () => {
  it('that is closed while it connects does not stay connected', async () => {
    const connecting = expect(first.device.connect(NEVER)).rejects.toMatchObject({ code: 'ABORTED' })
    await first.device.close()
    await connecting
    await second.device.connect(NEVER)
    await second.device.close()
    await vi.waitFor(() => expect(slave.openConnections).toBe(0), EVENTUALLY)
    expect(first.clock.pending).toBe(0)
  })

  it('that was never connected says so', async () => {
    await expect(first.poll()).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await first.device.close()
    await first.device.close()
  })
})
