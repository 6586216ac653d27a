// Receivers that acknowledge nonsense, refuse, stall, ask for too much or go away in the middle: a clear reason, nothing lost.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { refusal } from '#rpc/server.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { delivery, never, openUplink, startUplinks, type Opened } from './bed.ts'
import { acknowledgement, ScriptedServer, WELCOME, type Answer, type Script } from './scripted-server.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function setUp(script: Script): Promise<{ server: ScriptedServer; uplink: Opened }> {
  const server = new ScriptedServer(script)
  await server.start()
  const uplink = openUplink({ config: { url: server.url } })
  cleanups.push(
    () => server.stop(),
    () => uplink.connection.close(),
  )
  return { server, uplink }
}

describe('A grpc uplink and a receiver that acknowledges nonsense', () => {
  const answers: [string, (batch: ReceivedBatch) => Answer][] = [
    ['a position that was never sent', ({ epoch, lastSeq }) => acknowledgement(epoch, lastSeq + 1)],
    ['a position within a batch', ({ epoch, lastSeq }) => acknowledgement(epoch, lastSeq - 1)],
    ['another epoch', ({ epoch, lastSeq }) => acknowledgement(epoch + 1, lastSeq)],
    ['another lane', ({ epoch, lastSeq }) => acknowledgement(epoch, lastSeq, 1)],
    ['a lane that does not exist', ({ epoch, lastSeq }) => acknowledgement(epoch, lastSeq, 9)],
    ['no position', () => ({ case: 'acknowledgement', value: {} })],
  ]
  it.each(answers)('drops the line and gives nothing for arrived: %s', async (_what, answer) => {
    const { uplink } = await setUp({ onBatch: (batch, server) => server.send(answer(batch)) })
    await uplink.connection.connect(never)
    await expect(uplink.connection.deliver(await delivery(3, 10), never)).rejects.toMatchObject({
      code: 'PROTOCOL',
      retryable: true,
    })
    expect(uplink.losses).toMatchObject([{ code: 'PROTOCOL' }])
  })

  it('drops the line when an acknowledgement goes backwards', async () => {
    const { server, uplink } = await setUp({ onBatch: () => {} })
    await uplink.connection.connect(never)
    const first = uplink.connection.deliver(await delivery(3, 10), never)
    const second = uplink.connection.deliver(await delivery(3, 10, 11), never)
    const third = uplink.connection.deliver(await delivery(3, 10, 21), never)
    await vi.waitFor(() => expect(server.batches).toHaveLength(3), EVENTUALLY)
    server.send(acknowledgement(3, 20)) // the second, and with it the first
    await expect(Promise.all([first, second])).resolves.toEqual([{ rejected: [] }, { rejected: [] }])
    server.send(acknowledgement(3, 10))
    await expect(third).rejects.toMatchObject({ code: 'PROTOCOL' })
  })

  it('drops the line when a record is refused that is not acknowledged', async () => {
    const { uplink } = await setUp({
      onBatch: (batch, server) => server.acknowledge(batch, [{ seq: 11, reason: 'not mine' }]),
    })
    await uplink.connection.connect(never)
    await expect(uplink.connection.deliver(await delivery(3, 10), never)).rejects.toMatchObject({ code: 'PROTOCOL' })
  })

  it('loses nothing through many such acknowledgements', async () => {
    let count = 0
    const arrived = new Set<number>()
    const { server } = await setUp({
      onBatch: (batch, scripted) => {
        if (++count % 3 === 0) return scripted.send(acknowledgement(batch.epoch, batch.lastSeq + 500))
        for (const seq of batch.seq) arrived.add(seq)
        scripted.acknowledge(batch)
      },
    })
    const run = startUplinks({ url: server.url })
    cleanups.push(() => run.stop())
    run.append(1500)
    await vi.waitFor(() => expect(run.status()).toMatchObject({ accepted: 1500, delivered: 1500 }), EVENTUALLY)
    expect(arrived.size).toBe(1500)
  })
})

describe('A grpc uplink and a receiver that refuses', () => {
  it('puts one reading aside and takes the rest for arrived', async () => {
    const { uplink } = await setUp({
      onBatch: (batch, server) => server.acknowledge(batch, [{ seq: 14, reason: 'No such machine' }]),
    })
    await uplink.connection.connect(never)
    const result = await uplink.connection.deliver(await delivery(3, 10, 11), never)
    expect(result).toEqual({ rejected: [{ row: 3, reason: 'No such machine' }] })
    expect(uplink.losses).toEqual([])
  })

  it('says what the receiver says when it ends the stream', async () => {
    const { uplink } = await setUp({
      onBatch: (_batch, server) => server.end(refusal('RESOURCE_EXHAUSTED', 'The disk is full')),
    })
    await uplink.connection.connect(never)
    await expect(uplink.connection.deliver(await delivery(3, 10), never)).rejects.toThrow(
      /has no room, or a message is too large: The disk is full$/,
    )
  })

  it('goes on after a receiver has closed the stream in the middle, in peace', async () => {
    let closes = 2
    const { server } = await setUp({
      onBatch: (batch, scripted) => {
        if (closes-- > 0) scripted.end(null)
        else scripted.acknowledge(batch)
      },
    })
    const run = startUplinks({ url: server.url })
    cleanups.push(() => run.stop())
    run.append(1200)
    await vi.waitFor(() => expect(run.status()).toMatchObject({ delivered: 1200, state: 'online' }), EVENTUALLY)
    expect(server.hellos.length).toBeGreaterThanOrEqual(2)
  })
})

describe('A grpc uplink and a receiver that asks for too much', () => {
  it.each<[string, Answer, RegExp]>([
    ['messages too small for any record', { case: 'welcome', value: { maxMessageBytes: 100 } }, /at most 100 bytes/],
    ['an acknowledgement first', acknowledgement(1, 1), /does not begin with a welcome/],
  ])('does not go online: %s', async (_what, answer, reason) => {
    const { uplink } = await setUp({ onHello: () => answer })
    await expect(uplink.connection.connect(never)).rejects.toMatchObject({
      code: 'PROTOCOL',
      retryable: true,
      message: expect.stringMatching(reason),
    })
    expect(uplink.losses).toEqual([]) // it was never there
  })

  it('drops the line when it is welcomed twice', async () => {
    const { server, uplink } = await setUp({})
    await uplink.connection.connect(never)
    server.send(WELCOME)
    await vi.waitFor(() => expect(uplink.losses).toMatchObject([{ code: 'PROTOCOL' }]), EVENTUALLY)
  })

  it('keeps the number of batches under way that the receiver wants', async () => {
    const { server, uplink } = await setUp({
      onHello: () => ({ case: 'welcome', value: { maxBatches: 2 } }),
      onBatch: () => {},
    })
    await uplink.connection.connect(never)
    const batches = await Promise.all([1, 11, 21, 31].map((first) => delivery(3, 10, first)))
    const sent = batches.map((batch) => uplink.connection.deliver(batch, never))
    await vi.waitFor(() => expect(server.batches).toHaveLength(2), EVENTUALLY)
    server.acknowledge(server.batches[0]!)
    await vi.waitFor(() => expect(server.batches).toHaveLength(3), EVENTUALLY)
    server.acknowledge(server.batches[2]!)
    await vi.waitFor(() => expect(server.batches).toHaveLength(4), EVENTUALLY)
    server.acknowledge(server.batches[3]!)
    expect(await Promise.all(sent)).toHaveLength(4)
  })

  it.each([
    ['cut off', Buffer.from([0x0a, 0xff])],
    ['of another message', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['empty', Buffer.alloc(0)],
  ])('does not go online on a message that is %s', async (_what, garbage) => {
    const { uplink } = await setUp({ garbage })
    await expect(uplink.connection.connect(never)).rejects.toMatchObject({ retryable: true })
  })

  it('drops the line at a message larger than 4 MiB', async () => {
    const { server, uplink } = await setUp({})
    await uplink.connection.connect(never)
    server.send({ case: 'alert', value: { id: 'a', message: 'x'.repeat(5 * 1024 * 1024) } })
    await vi.waitFor(() => expect(uplink.losses).toMatchObject([{ code: 'CONNECTION_LOST' }]), EVENTUALLY)
  })

  it('makes no more events of alerts than a gateway can bear, and goes on delivering', async () => {
    const { server, uplink } = await setUp({})
    await uplink.connection.connect(never)
    for (let n = 0; n < 1000; n++) server.send({ case: 'alert', value: { id: `a-${n}`, message: 'again' } })
    await uplink.connection.deliver(await delivery(3, 10), never)
    await vi.waitFor(() => expect(uplink.notices.length).toBeGreaterThanOrEqual(100), EVENTUALLY)
    expect(uplink.notices.length).toBeLessThan(1000)
  })
})

describe('A grpc uplink and a slow receiver', () => {
  it('holds back what the receiver does not read, and believes no acknowledgement of it', async () => {
    const { server, uplink } = await setUp({ readsNothing: true })
    await uplink.connection.connect(never)
    const epochs = Array.from({ length: 30 }, (_, n) => n + 1)
    const large = await Promise.all(epochs.map((epoch) => delivery(epoch, 4000))) // some 40 kB each; a window has 64 kB
    const deliveries = large.map((each) => uplink.connection.deliver(each, never))
    const outcome = Promise.allSettled(deliveries)
    server.send(acknowledgement(30, 4000))
    const settled = await outcome
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
    expect(uplink.losses).toMatchObject([{ code: 'PROTOCOL' }])
  })

  it('waits for it as long as it takes', async () => {
    const { server, uplink } = await setUp({ onBatch: () => {} })
    await uplink.connection.connect(never)
    let hasArrived = false
    const arrived = uplink.connection.deliver(await delivery(3, 10), never).then(() => (hasArrived = true))
    await vi.waitFor(() => expect(server.batches).toHaveLength(1), EVENTUALLY)
    expect(hasArrived).toBe(false)
    server.acknowledge(server.batches[0]!)
    expect(await arrived).toBe(true)
  })
})
