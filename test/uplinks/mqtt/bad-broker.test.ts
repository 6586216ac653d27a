import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { Delivery, UplinkConnection } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import {
  CONNACK_5_SMALL,
  CONNACK_OK,
  CONNECT,
  DISCONNECT,
  PUBLISH,
  RawBroker,
  packetId,
  puback,
  type Packet,
} from './raw-broker.ts'

const MODEL = modelOf(['press-1.pressure'])
const never = new AbortController().signal

let broker: RawBroker
let connection: UplinkConnection
let losses: unknown[]

async function open(script: Parameters<typeof RawBroker.start>[0], config: object = {}): Promise<void> {
  broker = await RawBroker.start(script)
  losses = []
  connection = mqttUplink.open(
    { id: 'hq', config: { url: broker.url, ...config }, gateway: 'edge-01', factory: 'Plant A' },
    { log: silentLogger, model: () => MODEL, lost: (cause) => losses.push(cause) },
  )
}

async function readings(count: number): Promise<Delivery> {
  const journal = new ModelJournal()
  for (let n = 0; n < count; n++) journal.append(0, n)
  const batch = (await journal.read({ epoch: 1, seq: 0 }, count))!
  return { lane: 'inOrder', historical: false, batch, rows: Uint32Array.from(batch.sensor.keys()), rowCount: count }
}

/** Accepts, and hands each qos 1 PUBLISH to `answer`. */
const accepting =
  (answer: (id: number, write: (bytes: Buffer) => void, packet: Packet) => void, connack = CONNACK_OK) =>
  (packet: Packet, socket: { write(bytes: Buffer): unknown }): void => {
    if (packet.type === CONNECT) socket.write(connack)
    const id = packet.type === PUBLISH ? packetId(packet) : null
    if (id !== null) answer(id, (bytes) => void socket.write(bytes), packet)
  }

describe('An mqtt uplink and a broker that misbehaves', () => {
  afterEach(async () => {
    await connection.close()
    await broker.close()
  })

  it('waits for every acknowledgement, not only for some', async () => {
    const held: (() => void)[] = []
    await open(accepting((id, write) => void held.push(() => write(puback(id)))))
    await connection.connect(never)
    let isDone = false
    const delivered = connection.deliver(await readings(5), never).finally(() => (isDone = true))
    await vi.waitFor(() => expect(held).toHaveLength(5), EVENTUALLY)
    for (const acknowledge of held.splice(1)) acknowledge() // all but the first, out of order
    const later = connection.deliver(await readings(1), never)
    await vi.waitFor(() => expect(held).toHaveLength(2), EVENTUALLY)
    held.pop()!()
    await later // acknowledgements are handled in order: those before were, too
    expect(isDone).toBe(false)
    held[0]!()
    expect(await delivered).toEqual({ rejected: [] })
  })

  it('is not fooled by acknowledgements of what was never sent, or twice', async () => {
    const ids: number[] = []
    await open(
      accepting((id, write) => {
        ids.push(id)
        write(Buffer.concat([puback(id ^ 0x4000), puback(0), puback(id), puback(id)]))
        if (ids.length === 2) write(puback(ids[0]!))
      }),
    )
    await connection.connect(never)
    expect(await connection.deliver(await readings(3), never)).toEqual({ rejected: [] })
    expect(new Set(ids).size).toBe(3)
    expect(losses).toEqual([])
  })

  it.each([
    ['acknowledges a SUBSCRIBE that was never made', (id: number) => Buffer.from([0x90, 3, id >> 8, id & 255, 0])],
    ['sends bytes that are no packet', () => Buffer.from([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['sends a second CONNACK', () => CONNACK_OK],
  ])('gives up one that %s, and says so', async (_what, answer) => {
    await open(accepting((id, write) => write(answer(id))))
    await connection.connect(never)
    await expect(connection.deliver(await readings(2), never)).rejects.toMatchObject({ retryable: true })
    expect(losses).toHaveLength(1)
  })

  it('fails what is under way when the broker closes mid-stream', async () => {
    let seen = 0
    await open((packet, socket) => {
      if (packet.type === CONNECT) socket.write(CONNACK_OK)
      if (packet.type === PUBLISH && packetId(packet) !== null && ++seen === 100) socket.destroy()
    })
    await connection.connect(never)
    const deliveries = [connection.deliver(await readings(300), never), connection.deliver(await readings(300), never)]
    const results = await Promise.allSettled(deliveries)
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(losses).toHaveLength(1)
  })

  it('says that the broker closed before it accepted', async () => {
    await open((_packet, socket) => socket.destroy())
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: /closed|reset/,
    })
  })

  it('stops waiting for a broker that never answers when told to', async () => {
    await open(() => {})
    const abort = new AbortController()
    const connecting = connection.connect(abort.signal)
    await vi.waitFor(() => expect(broker.packets).toHaveLength(1), EVENTUALLY)
    abort.abort()
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('gives up a broker that does not answer within 10 s', async () => {
    await open(() => {})
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const outcome = connection.connect(never).catch((error: unknown) => error)
      while (broker.packets.length === 0) await new Promise(setImmediate)
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await outcome).toMatchObject({
        code: 'TIMEOUT',
        retryable: true,
        message: expect.stringMatching(/^An answer of 127/) as string,
      })
    } finally {
      vi.useRealTimers()
    }
  })

  it('says goodbye in order: the state, then DISCONNECT', async () => {
    await open(accepting((id, write) => write(puback(id))))
    await connection.connect(never)
    await connection.deliver(await readings(1), never)
    await connection.close()
    await vi.waitFor(() => expect(broker.packets.at(-1)?.type).toBe(DISCONNECT), EVENTUALLY)
    expect(broker.packets.at(-2)?.body.toString()).toContain('telemetryx/edge-01/stateoffline')
  })

  it('does not send more at once than an MQTT 5 broker allows, nor larger packets', async () => {
    let unanswered = 0
    let most = 0
    const answer = (id: number, write: (bytes: Buffer) => void): void => {
      most = Math.max(most, ++unanswered)
      setImmediate(() => {
        unanswered -= 1
        write(puback(id))
      })
    }
    await open(accepting(answer, CONNACK_5_SMALL), { protocol: 5, topic: `{sensor}${'x'.repeat(100)}` })
    await connection.connect(never)
    expect((await connection.deliver(await readings(40), never)).rejected).toEqual([])
    expect(most).toBe(2)

    await connection.close()
    await broker.close()
    await open(accepting(answer, CONNACK_5_SMALL), { protocol: 5, topic: `{sensor}${'x'.repeat(200)}` })
    await connection.connect(never)
    expect((await connection.deliver(await readings(3), never)).rejected.map(({ row }) => row)).toEqual([0, 1, 2])
    expect(broker.publishes).toEqual([])
  })

  it('takes an MQTT 5 refusal as final for that record only', async () => {
    let count = 0
    await open(
      accepting((id, write) => write(puback(id, ++count === 2 ? 0x99 : 0)), CONNACK_5_SMALL),
      { protocol: 5 },
    )
    await connection.connect(never)
    const { rejected } = await connection.deliver(await readings(4), never)
    expect(rejected).toEqual([{ row: 1, reason: expect.stringContaining('153') as string }])
  })

  it('tries again later when an MQTT 5 broker has only run out of quota', async () => {
    await open(
      accepting((id, write) => write(puback(id, 0x97)), CONNACK_5_SMALL),
      { protocol: 5 },
    )
    await connection.connect(never)
    await expect(connection.deliver(await readings(1), never)).rejects.toMatchObject({
      retryable: true,
      message: 'The broker says that a quota is used up',
    })
  })

  it('repeats the reason that an MQTT 5 broker gives when it disconnects', async () => {
    await open(
      accepting((_id, write) => write(Buffer.from([0xe0, 2, 0x8e, 0])), CONNACK_5_SMALL),
      { protocol: 5 },
    )
    await connection.connect(never)
    await expect(connection.deliver(await readings(1), never)).rejects.toMatchObject({
      message: 'Another client has connected with the same client id',
    })
  })

  it('survives any bytes', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 })
    let next: Uint8Array = Buffer.alloc(0)
    await open(accepting((_id, write) => write(Buffer.from(next))))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          bytes,
          fc
            .tuple(fc.integer({ min: 0, max: 255 }), bytes)
            .map(([first, rest]) => Uint8Array.from([first, rest.length, ...rest])),
        ),
        async (answer) => {
          next = answer
          await connection.connect(never)
          const abort = new AbortController()
          const delivered = connection.deliver(await readings(1), abort.signal).catch((error: unknown) => error)
          await vi.waitFor(() => expect(broker.publishes.length).toBeGreaterThan(0), { ...EVENTUALLY, interval: 2 })
          broker.packets.length = 0
          setImmediate(() => abort.abort())
          const result = await delivered
          if (!isTelemetryError(result)) expect(result).toEqual({ rejected: [] })
        },
      ),
      { numRuns: 200 },
    )
  })
})
