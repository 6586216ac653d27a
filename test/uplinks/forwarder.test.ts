import { describe, expect, it } from 'vitest'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Forwarder } from '#uplinks/forwarder.ts'
import { ModelJournal, modelOf } from './model-journal.ts'
import { ScriptedReceiver } from './scripted-receiver.ts'

const MODEL = modelOf(['press-1.a', 'oven-1.a'])

interface Overrides {
  journal?: ModelJournal
  receiver?: ScriptedReceiver
  clock?: ManualClock
  maxRate?: number | null
}

function setUp({
  journal = new ModelJournal(),
  receiver = new ScriptedReceiver(),
  clock = new ManualClock(),
  maxRate = null,
}: Overrides = {}) {
  const drops: [string, number][] = []
  const forwarder = new Forwarder({
    clock,
    log: silentLogger,
    random: () => 0.5,
    journal,
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    definition: { id: 'hq', kind: receiver.kind, config: {}, include: ['press-*.*'], exclude: [], maxRate },
    onDrop: (reason, count) => drops.push([reason, count]),
  })
  const push = (count: number, sensor = 0): void => {
    for (let n = 0; n < count; n++) journal.append(sensor, n, clock.now())
  }
  return { journal, receiver, clock, forwarder, drops, push }
}

const never = new AbortController().signal
const seqs = (receiver: ScriptedReceiver): number[] => receiver.arrivals.map((arrival) => arrival.seq)
const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => index + from)

describe('A forwarder', () => {
  it('delivers what the journal accepts, in order, and settles it', async () => {
    const { forwarder, receiver, journal, clock, push } = setUp()
    await forwarder.start()
    await clock.advance(0)
    push(3)
    push(1, 1) // not wanted
    push(2)
    await clock.advance(0)
    expect(seqs(receiver)).toEqual([1, 2, 3, 5, 6])
    expect(forwarder.status()).toMatchObject({
      state: 'online',
      reason: null,
      accepted: 6,
      delivered: 5,
      filtered: 1,
      pending: 0,
    })
    expect(journal.bookmarks.get('uplink/hq')).toMatchObject({ epoch: 1, seq: 6 })
  })

  it('keeps at most four batches under way and settles them in order, whatever order they are acknowledged in', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    receiver.acknowledges = false
    await forwarder.start()
    await clock.advance(0)
    push(3000)
    await clock.advance(0)
    expect(receiver.held).toBe(4)
    const [first = 0] = seqs(receiver).slice(-1)
    expect(first).toBeLessThanOrEqual(2000)
    receiver.releaseNewest()
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ delivered: 0, pending: 3000 })
    const unanswered = receiver.held
    receiver.release(1)
    await clock.advance(0)
    expect(unanswered).toBe(3)
    expect(forwarder.status().delivered).toBe(receiver.answered.size - 500)
    receiver.acknowledges = true
    receiver.release()
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ delivered: 3000, pending: 0 })
    expect(seqs(receiver)).toEqual(upTo(3000))
  })

  it('delivers again from the last settled record after a loss', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    await forwarder.start()
    await clock.advance(0)
    push(10)
    await clock.advance(0)
    receiver.acknowledges = false
    push(5)
    await clock.advance(0)
    receiver.breakOff()
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ state: 'retrying', reason: 'The line broke', delivered: 10, pending: 5 })
    receiver.acknowledges = true
    await clock.advance(60_000)
    expect(seqs(receiver)).toEqual([...upTo(15), ...upTo(5, 11)])
    expect(forwarder.status()).toMatchObject({ state: 'online', delivered: 15, pending: 0 })
  })

  it('starts without its receiver, tries forever with growing pauses, and says why', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    receiver.accepts = false
    await forwarder.start()
    push(7)
    await clock.advance(3_600_000)
    expect(forwarder.status()).toMatchObject({
      state: 'retrying',
      reason: 'Nobody is there',
      pending: 7,
      oldestPendingAge: 3600,
    })
    receiver.accepts = true
    await clock.advance(30_000)
    expect(forwarder.status()).toMatchObject({ state: 'online', delivered: 7, oldestPendingAge: 0 })
  })

  it('counts what the receiver rejects and goes on with the rest', async () => {
    const { forwarder, receiver, clock, drops, push } = setUp()
    receiver.rejects = (_epoch, seq) => seq === 4
    await forwarder.start()
    await clock.advance(0)
    push(6)
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ state: 'online', accepted: 6, delivered: 5, rejected: 1, pending: 0 })
    expect(drops).toEqual([['rejected', 1]])
  })

  it('gives up a receiver that acknowledges nothing, and then sends less at a time', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    receiver.acknowledges = false
    push(500)
    await forwarder.start()
    await clock.advance(29_000)
    expect(forwarder.status().state).toBe('online')
    await clock.advance(1100)
    expect(forwarder.status()).toMatchObject({
      state: 'retrying',
      reason: 'The receiver acknowledged nothing for 30 s',
    })
    await clock.advance(1000)
    expect(receiver.arrivals.filter((arrival) => arrival.connection === 2)).toHaveLength(4 * 125)
    receiver.release(1)
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ state: 'online', delivered: 125 })
  })

  it('begins with the first record of the run in which it was new, also after a restart without any connection', async () => {
    const journal = new ModelJournal(5)
    const receiver = new ScriptedReceiver()
    receiver.accepts = false
    const first = setUp({ journal, receiver })
    first.push(4)
    await first.forwarder.start()
    first.push(4)
    await first.forwarder.stop(never)
    receiver.accepts = true
    const second = setUp({ journal: journal.next(), receiver })
    await second.forwarder.start()
    second.push(2)
    await second.clock.advance(0)
    expect(receiver.arrivals.map(({ epoch, seq }) => [epoch, seq])).toEqual([
      ...upTo(8).map((seq) => [5, seq]),
      [6, 1],
      [6, 2],
    ])
    expect(second.forwarder.status()).toMatchObject({ accepted: 10, delivered: 10, pending: 0 })
  })

  it('replays a backlog at maxRate', async () => {
    const { forwarder, receiver, clock, push } = setUp({ maxRate: 100 })
    push(1000)
    await forwarder.start()
    await clock.advance(5000)
    expect(receiver.arrivals.length).toBeGreaterThan(480)
    expect(receiver.arrivals.length).toBeLessThan(520)
    expect(forwarder.status().oldestPendingAge).toBeGreaterThan(4)
    await clock.advance(5000)
    push(50)
    await clock.advance(0)
    expect(forwarder.status()).toMatchObject({ delivered: 1050, pending: 0 })
  })

  it('lets what is under way arrive before it stops, leases nothing more, and closes', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    receiver.acknowledges = false
    await forwarder.start()
    await clock.advance(0)
    push(10)
    await clock.advance(0)
    const stopped = forwarder.stop(never)
    push(10)
    await clock.advance(0)
    expect(receiver.closes).toBe(0)
    receiver.release()
    await stopped
    expect(forwarder.status()).toMatchObject({ state: 'stopped', delivered: 10, pending: 10 })
    expect(receiver.closes).toBe(1)
    await forwarder.stop(never)
  })

  it('stops at once when its signal aborts, and when it was never started', async () => {
    const { forwarder, receiver, clock, push } = setUp()
    receiver.acknowledges = false
    await forwarder.start()
    await clock.advance(0)
    push(10)
    await clock.advance(0)
    const abort = new AbortController()
    const stopped = forwarder.stop(abort.signal)
    abort.abort()
    await stopped
    expect(forwarder.status()).toMatchObject({ state: 'stopped', delivered: 0, pending: 10 })
    await setUp().forwarder.stop(never)
  })

  it('stops while it waits for its next try', async () => {
    const { forwarder, receiver, clock } = setUp()
    receiver.accepts = false
    await forwarder.start()
    await clock.advance(100_000)
    await forwarder.stop(never)
    expect(clock.pending).toBe(0)
  })
})
