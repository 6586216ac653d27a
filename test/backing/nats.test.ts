import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openNats, type Consumption, type NatsPort } from '#backing/nats.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasNats, startNats, startNatsCluster, type NatsServer } from '#test/sim/nats.ts'

const ACK_WAIT_MS = 1500
const open: NatsPort[] = []
let names = 0

async function connect(...urls: string[]): Promise<NatsPort> {
  const nats = await openNats({ urls, credentials: null, clock: systemClock, log: silentLogger })
  open.push(nats)
  return nats
}

/** Safe to repeat while NATS is coming back: as gateways do. */
async function publish(nats: NatsPort, subject: string, text: string): Promise<boolean> {
  return vi.waitFor(
    async () =>
      (await nats.publishDurable(subject, Buffer.from(text), { id: `${subject} ${text}`, headers: { from: 'test' } }))
        .isRepeat,
    EVENTUALLY,
  )
}

interface Seen {
  readonly texts: string[]
  readonly consumption: Consumption
}

function consume(nats: NatsPort, stream: string, onMessage: (text: string) => Promise<void> | void = () => {}): Seen {
  const texts: string[] = []
  const consumption = nats.consume({
    stream,
    durable: 'all',
    filter: `${stream}.*`,
    ackWaitMs: ACK_WAIT_MS,
    work: async ({ data, header }) => {
      expect(header('from')).toBe('test')
      const text = Buffer.from(data).toString()
      await onMessage(text)
      texts.push(text)
    },
  })
  return { texts, consumption }
}

afterEach(async () => {
  for (const nats of open.splice(0)) await nats.close()
})

describe('the address of NATS', () => {
  it.each(['http://nowhere', 'nats//x', ''])('is refused when it is none: %j', async (url) => {
    await expect(connect(url)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe.skipIf(!hasNats)('messages through NATS (needs nats-server)', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server.stop())

  async function queue(nats: NatsPort, more: { maxPerSubject?: number; maxBytes?: number } = {}): Promise<string> {
    const name = `queue-${names++}`
    const plan = {
      name,
      subjects: [`${name}.*`],
      kind: 'queue' as const,
      replicas: 1,
      maxBytes: 1 << 24,
      repeatWindowMs: 60_000,
      ...more,
    }
    await vi.waitFor(() => nats.ensureStream(plan), EVENTUALLY)
    await nats.ensureStream({ ...plan, maxBytes: plan.maxBytes + 1 }) // again, with other figures
    return name
  }

  it('are consumed once and in order, by whoever consumes', async () => {
    const [one, other] = [await connect(server.url), await connect(server.url)]
    const stream = await queue(one)
    const order: string[] = []
    const [first, second] = [one, other].map((nats) => consume(nats, stream, (text) => void order.push(text)))
    const sent = Array.from({ length: 60 }, (_, index) => String(index))
    for (const text of sent) expect(await publish(one, `${stream}.a`, text)).toBe(false)
    expect(await publish(one, `${stream}.a`, '3')).toBe(true)
    await vi.waitFor(() => expect(order).toHaveLength(sent.length), EVENTUALLY)
    expect(order).toEqual(sent)
    expect(first!.texts.length + second!.texts.length).toBe(sent.length)
    expect(first!.texts.length).toBeGreaterThan(0)
    expect(second!.texts.length).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await one.waiting(stream)).toBe(0), EVENTUALLY)
  })

  it('come again when they could not be dealt with, before any later one', async () => {
    const nats = await connect(server.url)
    const stream = await queue(nats)
    let failures = 3
    const { texts } = consume(nats, stream, () => {
      if (failures-- > 0) throw new Error('not now')
    })
    for (const text of ['1', '2', '3']) await publish(nats, `${stream}.a`, text)
    await vi.waitFor(() => expect(texts).toEqual(['1', '2', '3']), EVENTUALLY)
  })

  it('that take long are not given to another', async () => {
    const [one, other] = [await connect(server.url), await connect(server.url)]
    const stream = await queue(one)
    let letGo: (() => void) | null = null
    const slow = consume(one, stream, (text) =>
      text === 'slow' ? new Promise<void>((resolve) => (letGo = resolve)) : undefined,
    )
    await publish(one, `${stream}.a`, 'slow')
    await vi.waitFor(() => expect(letGo).not.toBeNull(), EVENTUALLY)
    const waiting = consume(other, stream)
    const until = performance.now() + 2 * ACK_WAIT_MS
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(until), EVENTUALLY)
    expect(waiting.texts).toEqual([])
    letGo!()
    await vi.waitFor(() => expect(slow.texts).toEqual(['slow']), EVENTUALLY)
  })

  it('are handed back at once when their consumer stops', async () => {
    const [one, other] = [await connect(server.url), await connect(server.url)]
    const stream = await queue(one)
    let hasBegun = false
    const stopping = one.consume({
      stream,
      durable: 'all',
      filter: `${stream}.*`,
      ackWaitMs: 600_000,
      work: (_message, signal) => {
        hasBegun = true
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
      },
    })
    await publish(one, `${stream}.a`, '1')
    await vi.waitFor(() => expect(hasBegun).toBe(true), EVENTUALLY)
    await stopping.stop()
    const { texts } = consume(other, stream)
    await vi.waitFor(() => expect(texts).toEqual(['1']), EVENTUALLY)
  })

  it('are refused when there is no room for their subject, when there is none at all, and when they are too large', async () => {
    const nats = await connect(server.url)
    const stream = await queue(nats, { maxPerSubject: 2, maxBytes: 100_000 })
    await publish(nats, `${stream}.a`, '1')
    await publish(nats, `${stream}.a`, '2')
    const send = (subject: string, bytes: number) =>
      nats.publishDurable(`${stream}.${subject}`, Buffer.alloc(bytes), { id: `${subject} ${bytes}`, headers: {} })
    await expect(send('a', 10)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    await expect(send('b', 10)).resolves.toEqual({ isRepeat: false })
    await expect(send('c', 99_990)).rejects.toMatchObject({ code: 'BUFFER_FULL', retryable: true })
    await expect(send('c', 1 << 20)).rejects.toMatchObject({ code: 'OUT_OF_RANGE', retryable: false })
    expect(nats.isUp).toBe(true)
  })

  it('that were acknowledged are there after kill -9, and what consumes and listens goes on', async () => {
    const [one, other] = [await connect(server.url), await connect(server.url)]
    const stream = await queue(one)
    const heard: string[] = []
    other.subscribe(`${stream}-live.*`, (subject, data) => heard.push(`${subject} ${Buffer.from(data).toString()}`))
    let isHeld = true
    const seen = consume(other, stream, () => {
      if (isHeld) throw new Error('not now')
    })
    for (const text of ['1', '2', '3']) await publish(one, `${stream}.a`, text)
    await server.kill()
    await vi.waitFor(() => expect(one.isUp || other.isUp).toBe(false), EVENTUALLY)
    const lost = one.publishDurable(`${stream}.a`, Buffer.from('x'), { id: 'x', headers: {} })
    await expect(lost).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    expect(one.publish(`${stream}-live.a`, 'x')).toBe(false)
    await server.restart()
    isHeld = false
    await publish(one, `${stream}.a`, '4')
    await vi.waitFor(() => expect(seen.texts).toEqual(['1', '2', '3', '4']), EVENTUALLY)
    await vi.waitFor(() => {
      one.publish(`${stream}-live.a`, 'hello')
      expect(heard).toContain(`${stream}-live.a hello`)
    }, EVENTUALLY)
  })

  it('are all consumed while the stream is swept', async () => {
    const nats = await connect(server.url)
    const stream = await queue(nats)
    const { texts } = consume(nats, stream, () => sleep(systemClock, 1))
    const sent = Array.from({ length: 300 }, (_, index) => String(index))
    let isSent = false
    const sweeping = (async () => {
      while (!isSent) await nats.sweep(stream)
    })()
    for (const text of sent) await publish(nats, `${stream}.a`, text)
    isSent = true
    await sweeping
    await vi.waitFor(() => expect(texts).toEqual(sent), EVENTUALLY)
  })

  it('begin without NATS', async () => {
    await server.kill()
    const nats = await connect(server.url)
    expect(nats.isUp).toBe(false)
    const heard: string[] = []
    nats.subscribe('early', (_subject, data) => heard.push(Buffer.from(data).toString()))
    await expect(nats.waiting('any')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await server.restart()
    await vi.waitFor(() => {
      expect(nats.publish('early', 'hello')).toBe(true)
      expect(heard).toContain('hello')
    }, EVENTUALLY)
  })
})

describe.skipIf(!hasNats)('a cluster of three (needs nats-server)', () => {
  it('loses nothing that it acknowledged when one of them dies for good', async () => {
    const servers = await startNatsCluster()
    try {
      const nats = await connect(...servers.map(({ url }) => url))
      const plan = { name: 'safe', subjects: ['safe.*'], kind: 'queue' as const, replicas: 3, maxBytes: 1 << 24 }
      await vi.waitFor(() => nats.ensureStream(plan), EVENTUALLY)
      const { texts } = consume(nats, 'safe')
      const sent = Array.from({ length: 20 }, (_, index) => String(index))
      for (const text of sent.slice(0, 10)) await publish(nats, 'safe.a', text)
      await servers[0]!.kill()
      for (const text of sent.slice(10)) await publish(nats, 'safe.a', text)
      await vi.waitFor(() => expect([...new Set(texts)]).toEqual(sent), EVENTUALLY)
    } finally {
      for (const nats of open.splice(0)) await nats.close()
      await Promise.all(servers.map((server) => server.stop()))
    }
  }, 120_000)
})
