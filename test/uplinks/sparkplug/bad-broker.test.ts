// Brokers that misbehave, on raw TCP, and certificates that are wrong: a clear reason, and nothing taken for delivered.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Delivery, UplinkConnection } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { hasOpenssl, makeCertificates } from '../mqtt/certificates.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { CONNACK_OK, CONNECT, RawBroker, type Packet } from '../mqtt/raw-broker.ts'

const SUBSCRIBE = 8
const UNSUBSCRIBE = 10
const MODEL = modelOf(['press-1.pressure'])
const never = new AbortController().signal

let close: () => Promise<void> = () => Promise.resolve()
let connection: UplinkConnection
let losses: unknown[]

function open(config: object): void {
  losses = []
  connection = sparkplugUplink.open(
    { id: 'scada', config: { group: 'plant-a', ...config }, gateway: 'edge-01', factory: 'Plant A' },
    { log: silentLogger, model: () => MODEL, lost: (cause) => losses.push(cause) },
  )
}

async function reading(): Promise<Delivery> {
  const journal = new ModelJournal()
  journal.append(0, 1)
  const batch = (await journal.read({ epoch: 1, seq: 0 }, 1))!
  return { lane: 'inOrder', historical: false, batch, rows: Uint32Array.of(0), rowCount: 1 }
}

const idOf = ({ body }: Packet): number => body.readUInt16BE(0)
const suback = (id: number, codes: number[]): Buffer =>
  Buffer.from([0x90, 2 + codes.length, id >> 8, id & 255, ...codes])
const unsuback = (id: number): Buffer => Buffer.from([0xb0, 2, id >> 8, id & 255])

/** Accepts everything, and hands each UNSUBSCRIBE to `answer`. */
async function brokerThat(
  answer: (id: number, write: (bytes: Buffer) => void, end: () => void) => void,
  codes = [1, 1],
) {
  const broker = await RawBroker.start((packet, socket) => {
    if (packet.type === CONNECT) socket.write(CONNACK_OK)
    if (packet.type === SUBSCRIBE) socket.write(suback(idOf(packet), codes))
    if (packet.type === UNSUBSCRIBE)
      answer(
        idOf(packet),
        (bytes) => void socket.write(bytes),
        () => socket.destroy(),
      )
  })
  close = () => broker.close()
  open({ url: broker.url })
  return broker
}

describe('A sparkplug uplink and a broker that misbehaves', () => {
  afterEach(async () => {
    await connection.close()
    await close()
  })

  it('takes nothing for delivered that the broker has not said to have', async () => {
    const answers: (() => void)[] = []
    await brokerThat((id, write) => void answers.push(() => write(unsuback(id))))
    await connection.connect(never)
    let isDone = false
    const delivered = connection.deliver(await reading(), never).finally(() => (isDone = true))
    await vi.waitFor(() => expect(answers).toHaveLength(1), EVENTUALLY)
    expect(isDone).toBe(false)
    answers[0]!()
    expect(await delivered).toEqual({ rejected: [] })
  })

  it('is not fooled by answers to what was never asked', async () => {
    const ids: number[] = []
    await brokerThat((id, write) => {
      ids.push(id)
      write(Buffer.concat([unsuback(id ^ 0x4000), unsuback(0), Buffer.from([0x40, 2, id >> 8, id & 255])]))
      if (ids.length === 2) write(unsuback(id))
    })
    await connection.connect(never)
    const abort = new AbortController()
    const first = connection.deliver(await reading(), abort.signal)
    const failed = expect(first).rejects.toMatchObject({ retryable: true })
    await vi.waitFor(() => expect(ids.length + losses.length).toBeGreaterThan(0), EVENTUALLY)
    abort.abort()
    await failed
  })

  it('gives everything back when the connection ends before the proof', async () => {
    await brokerThat((_id, _write, end) => end())
    await connection.connect(never)
    await expect(connection.deliver(await reading(), never)).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      retryable: true,
    })
    expect(losses).toHaveLength(1)
  })

  it('says so when it may not hear its primary host', async () => {
    const broker = await brokerThat(() => {}, [1, 1, 0x80])
    open({ url: broker.url, primaryHost: 'scada-1' })
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'The broker refuses the subscription to spBv1.0/STATE/scada-1',
    })
  })

  it('works without the right to hear commands', async () => {
    await brokerThat((id, write) => write(unsuback(id)), [0x80, 0x80])
    await connection.connect(never)
    expect(await connection.deliver(await reading(), never)).toEqual({ rejected: [] })
  })
})

describe.skipIf(!hasMosquitto || !hasOpenssl)('A sparkplug uplink over TLS (needs mosquitto and openssl)', () => {
  it('trusts its own authority, shows its own certificate, and says why it does not trust another', async () => {
    const made = makeCertificates()
    const broker = await Mosquitto.start({
      listener: [
        'cafile FOLDER/ca.pem',
        'certfile FOLDER/broker.pem',
        'keyfile FOLDER/broker.key',
        'require_certificate true',
      ],
      files: {
        'ca.pem': made.text('ca.pem'),
        'broker.pem': made.text('broker.pem'),
        'broker.key': made.text('broker.key'),
      },
    })
    const url = broker.url.replace('mqtt:', 'mqtts:')
    const own = { cert: made.path('client.pem'), key: made.path('client.key') }
    try {
      open({ url, tls: { ...own, ca: made.path('stranger.pem') } })
      await expect(connection.connect(never)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringContaining('not trusted') as string,
      })
      open({ url, tls: { ...own, ca: made.path('ca.pem') } })
      await connection.connect(never)
      expect(await connection.deliver(await reading(), never)).toEqual({ rejected: [] })
      await connection.close()
    } finally {
      await broker.close()
    }
  })
})
