// The ingest while the store fails or the buffer is full: nothing is taken, and the answer says when to come back.

import { describe, expect, it } from 'vitest'
import type { EventEntry } from '#domain/alarm.ts'
import type { IngestBatch, IngestReading } from '#domain/ingest.ts'
import { Ingest } from '#gateway/ingest.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { send, startApi } from '#test/api/fixture.ts'
import { EVENTUALLY } from '#test/eventually.ts'

class Bench {
  readonly clock = new ManualClock()
  readonly events: EventEntry[] = []
  readonly taken: IngestReading[] = []
  failure: string | null = null
  hasRoom = true
  /** Resolves what is accepted; null: the store does not answer. */
  durable: (() => Promise<void>) | null = () => Promise.resolve()
  readonly ingest = new Ingest({
    hasRoomFor: () => this.hasRoom,
    capacity: 1024,
    storeFailure: () => this.failure,
    record: (event) => this.events.push(event) > 0,
    durable: () => this.durable?.() ?? new Promise(() => {}),
    clock: this.clock,
    isKnown: (id) => id === 'apps',
    adopt: () => Promise.resolve(),
  })
  readonly close = this.ingest.open('apps', { check: () => [], take: (readings) => void this.taken.push(...readings) })
}

const BATCH: IngestBatch = {
  readings: [{ sensor: 'jobs', value: 1, time: null }],
  events: [{ severity: 'info', message: 'm', type: 'application', time: null, data: null }],
}
const BODY = { readings: [{ sensor: 'jobs', value: 1 }], events: [{ message: 'm' }] }

describe('handing in readings', () => {
  it('is refused while the store fails: 503, Retry-After, and nothing is taken', async () => {
    const bench = new Bench()
    bench.failure = 'the disk is full'
    await expect(bench.ingest.submit('apps', BATCH)).rejects.toMatchObject({ code: 'STORE_IO', retryable: true })
    const api = await startApi({ ingest: bench.ingest })
    const answer = await send(api, 'POST', '/ingest/apps', BODY)
    expect(answer).toMatchObject({
      status: 503,
      json: { code: 'STORE_IO', detail: expect.stringContaining('the disk is full') },
    })
    expect(answer.headers['retry-after']).toBe('1')
    expect([bench.taken, bench.events]).toEqual([[], []])
    bench.failure = null
    expect((await send(api, 'POST', '/ingest/apps', BODY)).status).toBe(202)
    expect([bench.taken.length, bench.events.length]).toEqual([1, 1])
  })

  it('is refused while the buffer is full: 429, Retry-After, and nothing is taken', async () => {
    const bench = new Bench()
    bench.hasRoom = false
    const api = await startApi({ ingest: bench.ingest })
    const answer = await send(api, 'POST', '/ingest/apps', BODY)
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1'])
    expect([bench.taken, bench.events]).toEqual([[], []])
  })

  it('tells 503 when the store does not answer in time, and that it may have all of it', async () => {
    const bench = new Bench()
    bench.durable = null
    const api = await startApi({ ingest: bench.ingest, clock: bench.clock })
    const answering = send(api, 'POST', '/ingest/apps', BODY)
    await expect.poll(() => bench.taken.length, EVENTUALLY).toBe(1)
    await bench.clock.advance(25_000)
    const answer = await answering
    expect(answer).toMatchObject({
      status: 503,
      json: { code: 'UNAVAILABLE', detail: expect.stringContaining('same Idempotency-Key') },
    })
    expect(answer.headers['retry-after']).toBe('5')
  })

  it('waits for a device that opens anew, but not for ever', async () => {
    const bench = new Bench()
    bench.close()
    const waiting = bench.ingest.whenOpen('apps')
    bench.ingest.open('apps', { check: () => [], take: (readings) => void bench.taken.push(...readings) })()
    await waiting
    const late = bench.ingest.whenOpen('apps')
    await bench.clock.advance(5000)
    await late
    expect(() => bench.ingest.check('apps', BATCH)).toThrow(expect.objectContaining({ code: 'ABORTED' }))
    await bench.ingest.whenOpen('nobody')
    expect(bench.clock.pending).toBe(0)
  })
})
