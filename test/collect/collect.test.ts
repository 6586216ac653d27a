// The client for programs, against a server that can be away, busy or choosy.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { createCollector, type Collector, type CollectorOptions } from '../../src/collect/collect.mjs'

interface Entry {
  readonly sensor?: string
  readonly value?: unknown
  readonly message?: string
}

/** Takes NDJSON as the gateway does. */
class Receiver {
  readonly taken: Entry[] = []
  readonly requests: IncomingMessage[] = []
  readonly keys = new Set<string>()
  /** Status to answer with instead of taking. */
  status: number | null = null
  /** Takes the next request, but never says so. */
  losesAnswer = false
  port = 0
  #server: Server | null = null

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (!server) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    this.requests.push(request)
    const entries = text.split('\n').map((line) => JSON.parse(line) as Entry)
    const isBad = entries.some(({ sensor }) => sensor === 'unknown')
    const status = this.status ?? (isBad ? 400 : 202)
    const key = String(request.headers['idempotency-key'])
    if (status === 202 && !this.keys.has(key)) {
      this.keys.add(key)
      this.taken.push(...entries)
    }
    if (this.losesAnswer) {
      this.losesAnswer = false
      request.socket.destroy()
      return
    }
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ detail: `status ${status}` }))
  }
}

let receiver: Receiver
let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-collect-'))
  receiver = new Receiver()
  await receiver.start()
})
afterEach(async () => {
  await receiver.stop()
  rmSync(folder, { recursive: true, force: true })
})

function collector(more: Partial<CollectorOptions> = {}): Collector {
  const url = `http://127.0.0.1:${receiver.port}`
  const retry = { firstMs: 5, maxMs: 20 }
  const made = createCollector({ url, device: 'apps', token: 'secret', intervalMs: 5, retry, ...more })
  onTestFinished(() => made.close())
  return made
}

const values = (): unknown[] => receiver.taken.map(({ value }) => value)
const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index)

describe('a collector', () => {
  it('sends metrics and events in batches, stamped, with its token', async () => {
    const collect = collector({ batchSize: 100, intervalMs: 60_000 })
    collect({ metric: { sensor: 'jobs', value: 1, time: new Date(5) } })
    collect({ event: { severity: 'warning', message: 'Paper is low', data: { tray: 2n } } })
    collect.metric({ sensor: 'total', value: 2n ** 64n - 1n })
    collect.metric({ sensor: 'jobs', value: Number.NaN })
    collect.event({ message: 'Done' })
    expect(await collect.flush()).toBe(true)
    expect(receiver.taken).toMatchObject([
      { sensor: 'jobs', value: 1, time: 5 },
      { severity: 'warning', message: 'Paper is low', data: { tray: '2' } },
      { sensor: 'total', value: '18446744073709551615' },
      { sensor: 'jobs', value: null },
      { severity: 'info', message: 'Done' },
    ])
    expect(receiver.requests).toHaveLength(1)
    expect(receiver.requests[0]).toMatchObject({
      url: '/api/v1/ingest/apps',
      headers: { authorization: 'Bearer secret' },
    })
  })

  it('sends by itself, after the interval or with a full batch', async () => {
    const collect = collector({ batchSize: 10 })
    for (const value of upTo(25)) collect.metric({ sensor: 'jobs', value })
    await vi.waitFor(() => expect(values()).toEqual(upTo(25)), EVENTUALLY)
    expect(receiver.requests.length).toBeGreaterThanOrEqual(3)
  })

  it('repeats what failed, in order, whatever the reason', async () => {
    const collect = collector()
    const failed: (number | null)[] = []
    collect.on('failed', ({ status }) => failed.push(status))
    for (const status of [429, 503, 401, 500]) {
      receiver.status = status
      collect.metric({ sensor: 'jobs', value: status })
      await vi.waitFor(() => expect(failed).toContain(status), EVENTUALLY)
    }
    await receiver.stop()
    collect.metric({ sensor: 'jobs', value: 'away' })
    await vi.waitFor(() => expect(failed).toContain(null), EVENTUALLY)
    receiver.status = null
    await receiver.start()
    await vi.waitFor(() => expect(values()).toEqual([429, 503, 401, 500, 'away']), EVENTUALLY)
  })

  it('is not taken twice when only the answer was lost', async () => {
    receiver.losesAnswer = true
    const collect = collector({ intervalMs: 60_000 })
    for (const value of upTo(3)) collect.metric({ sensor: 'jobs', value })
    expect(await collect.flush()).toBe(false)
    await vi.waitFor(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(2), EVENTUALLY)
    await vi.waitFor(async () => expect(await collect.flush()).toBe(true), EVENTUALLY)
    expect(values()).toEqual([0, 1, 2])
  })

  it('gives up the one entry that is refused, not its neighbours', async () => {
    const collect = collector({ intervalMs: 60_000 })
    const rejected: unknown[] = []
    collect.on('rejected', ({ entry }) => rejected.push(entry))
    for (const value of upTo(9)) collect.metric({ sensor: value === 4 ? 'unknown' : 'jobs', value })
    expect(await collect.flush()).toBe(true)
    expect(values()).toEqual([0, 1, 2, 3, 5, 6, 7, 8])
    expect(rejected).toMatchObject([{ sensor: 'unknown', value: 4 }])
  })

  it('is bounded in memory, gives up the oldest and says so', async () => {
    await receiver.stop()
    const collect = collector({ maxBuffered: 10, intervalMs: 60_000 })
    let dropped = 0
    collect.on('dropped', ({ count }) => (dropped += count))
    for (const value of upTo(25)) collect.metric({ sensor: 'jobs', value })
    expect(collect.buffered).toBe(10)
    await receiver.start()
    await vi.waitFor(async () => expect(await collect.flush()).toBe(true), EVENTUALLY)
    expect(values()).toEqual(upTo(10, 15))
    expect(dropped).toBe(15)
  })

  it('refuses what is malformed, and everything after close', async () => {
    const collect = collector()
    const wrong = [{ metric: { value: 1 } }, { metric: { sensor: 'a' } }, { event: {} }, {}, null] as unknown[]
    for (const entry of wrong) expect(() => Reflect.apply(collect, undefined, [entry])).toThrow(TypeError)
    expect(() => createCollector({ url: 'nonsense', device: 'a' })).toThrow(TypeError)
    collect.metric({ sensor: 'jobs', value: 1 })
    await collect.close()
    await collect.close()
    expect(values()).toEqual([1])
    expect(() => collect.metric({ sensor: 'jobs', value: 2 })).toThrow('closed')
  })
})

describe('a collector with a file', () => {
  it('keeps in it what the gateway did not take, over a restart, and sends it in order', async () => {
    const file = join(folder, 'spool.jsonl')
    await receiver.stop()
    const first = collector({ file, batchSize: 7 })
    for (const value of upTo(20)) first.metric({ sensor: 'jobs', value })
    expect(await first.flush()).toBe(false)
    first.metric({ sensor: 'jobs', value: 20 })
    await first.close()
    expect(readFileSync(file, 'utf8').split('\n').filter(Boolean)).toHaveLength(21)
    appendFileSync(file, '{"sensor":"torn","val') // the machine lost power here

    await receiver.start()
    const second = collector({ file, batchSize: 7, intervalMs: 60_000 })
    second.metric({ sensor: 'jobs', value: 21 })
    await vi.waitFor(async () => expect(await second.flush()).toBe(true), EVENTUALLY)
    expect(values()).toEqual(upTo(22))
    expect(readFileSync(file, 'utf8')).toBe('')
    second.metric({ sensor: 'jobs', value: 22 })
    expect(await second.flush()).toBe(true)
    expect(values()).toEqual(upTo(23))
  })

  it('is bounded', async () => {
    await receiver.stop()
    const collect = collector({ file: join(folder, 'spool.jsonl'), maxFileBytes: 1000, intervalMs: 60_000 })
    let dropped = 0
    collect.on('dropped', ({ count }) => (dropped += count))
    for (const value of upTo(100)) collect.metric({ sensor: 'jobs', value })
    await collect.flush()
    await receiver.start()
    await vi.waitFor(async () => expect(await collect.flush()).toBe(true), EVENTUALLY)
    expect(values()).toEqual(upTo(100 - dropped))
    expect(dropped).toBeGreaterThan(50)
  })
})
