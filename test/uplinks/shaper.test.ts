import { describe, expect, it } from 'vitest'
import type { UplinkContext } from '#domain/uplink.ts'
import { forwarderBed, never } from './forwarder-bed.ts'

describe('A forwarder', () => {
  it('waits for a batch to become full, but no longer than told', async () => {
    const bed = forwarderBed({ batch: { records: 10, delayMs: 200 } })
    await bed.forwarder.start()
    await bed.clock.advance(0)
    bed.push(4)
    await bed.clock.advance(199)
    expect(bed.seqs()).toEqual([])
    bed.push(6)
    await bed.clock.advance(0)
    expect(bed.seqs()).toHaveLength(10)
    bed.push(3)
    await bed.clock.advance(200)
    expect(bed.seqs()).toHaveLength(13)
    await bed.forwarder.stop(never)
  })

  it('keeps as many batches under way as told, each as large as told', async () => {
    const bed = forwarderBed({ batch: { records: 20, delayMs: 0 }, inFlight: 3 })
    bed.receiver.acknowledges = false
    await bed.forwarder.start()
    bed.push(500)
    await bed.clock.advance(0)
    expect(bed.receiver.held).toBe(3)
    expect(bed.seqs()).toHaveLength(60)
    await bed.forwarder.stop(AbortSignal.abort())
  })

  it('opens its breaker after five failures in a row, tries with little, and closes it at the first success', async () => {
    const bed = forwarderBed()
    bed.receiver.accepts = false
    await bed.forwarder.start()
    bed.push(200)
    await bed.clock.advance(0)
    expect(bed.forwarder.status().breaker).toMatchObject({ state: 'closed', failures: 1 })
    for (let n = 0; n < 200 && bed.forwarder.status().breaker!.state === 'closed'; n++) await bed.clock.advance(100)
    const open = bed.forwarder.status().breaker!
    expect(open).toMatchObject({ state: 'open', failures: 5 })
    expect(open.retryAt).toBeGreaterThan(bed.clock.now())
    bed.receiver.accepts = true
    bed.receiver.acknowledges = false
    await bed.clock.advance(open.retryAt! - bed.clock.now())
    expect(bed.forwarder.status().breaker).toMatchObject({ state: 'halfOpen', retryAt: null })
    expect(bed.seqs()).toHaveLength(10)
    bed.receiver.acknowledges = true
    bed.receiver.release()
    await bed.clock.advance(0)
    expect(bed.forwarder.status()).toMatchObject({
      pending: 0,
      breaker: { state: 'closed', failures: 0, retryAt: null },
    })
    await bed.forwarder.stop(never)
  })

  it('sends nothing while its receiver takes nothing, and says why', async () => {
    const bed = forwarderBed()
    await bed.forwarder.start()
    await bed.clock.advance(0)
    const { hold } = bed.receiver.context as Required<UplinkContext>
    hold('The primary host is offline')
    bed.push(5)
    await bed.clock.advance(60_000)
    expect(bed.seqs()).toEqual([])
    expect(bed.forwarder.status()).toMatchObject({
      state: 'waiting',
      reason: 'The primary host is offline',
      pending: 5,
    })
    hold(null)
    await bed.clock.advance(0)
    expect(bed.forwarder.status()).toMatchObject({ state: 'online', reason: null, pending: 0 })
    await bed.forwarder.stop(never)
  })

  it('tells what was waiting when the connection came up from what is new', async () => {
    const bed = forwarderBed()
    bed.receiver.accepts = false
    await bed.forwarder.start()
    bed.push(700)
    bed.receiver.accepts = true
    await bed.clock.advance(1000)
    bed.push(2)
    await bed.clock.advance(0)
    const historical = bed.receiver.arrivals.filter(({ historical: is }) => is).map(({ seq }) => seq)
    expect(historical).toHaveLength(700)
    expect(bed.receiver.arrivals.slice(-2).map(({ historical: is }) => is)).toEqual([false, false])
    await bed.forwarder.stop(never)
  })
})
