import { describe, expect, it } from 'vitest'
import { forwarderBed, never } from './forwarder-bed.ts'

const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => index + from)

describe('A forwarder with liveFirst', () => {
  it('sends waiting alarms, then events, then what is live, while the backlog follows in a lane of its own', async () => {
    const bed = forwarderBed({ order: 'liveFirst', maxRate: 1000 })
    const { forwarder, receiver, clock } = bed
    receiver.accepts = false
    await forwarder.start()
    await clock.advance(0)
    bed.push(1000)
    bed.event('in between') // 1001
    bed.push(1000)
    bed.alarm('press-1.a') // 2002
    bed.push(10) // up to 2012
    receiver.accepts = true
    while (forwarder.status().state !== 'online') await clock.advance(1)
    await clock.advance(0)
    bed.push(1) // 2013
    bed.event('new') // 2014
    bed.alarm('oven-1.a') // 2015
    await clock.advance(0)

    expect(receiver.arrivals.slice(0, 2)).toMatchObject([
      { seq: 1001, lane: 'backlog' },
      { seq: 2002, lane: 'backlog' },
    ])
    const live = receiver.arrivals.filter(({ lane }) => lane === 'live')
    expect(live.map(({ seq }) => seq)).toEqual([2015, 2014, 2013])
    const { lanes, pending } = forwarder.status()
    expect(pending).toBeGreaterThan(1500)
    expect(lanes).toMatchObject([
      { lane: 'live', cursor: '1/2015', pending: 0 },
      { lane: 'backlog', pending },
    ])
    await clock.advance(1000)
    expect(forwarder.status().replayRate).toBeGreaterThan(0)

    await clock.advance(5000)
    const backlog = receiver.arrivals.filter(({ lane, isEntry }) => lane === 'backlog' && !isEntry)
    expect(backlog.map(({ seq }) => seq)).toEqual(upTo(2012).filter((seq) => seq !== 1001 && seq !== 2002))
    expect(backlog.every(({ historical }) => historical)).toBe(true)
    expect(receiver.arrivals.filter(({ lane }) => lane === 'live').some(({ historical }) => historical)).toBe(false)
    expect(forwarder.status()).toMatchObject({ accepted: 2015, delivered: 2015, pending: 0, cursor: '1/2015' })
    await forwarder.stop(never)
  })

  it('goes on where each lane was after a restart, and sends nothing twice that was settled', async () => {
    const first = forwarderBed({ order: 'liveFirst', maxRate: 1000 })
    first.receiver.accepts = false
    await first.forwarder.start()
    first.push(3000)
    first.receiver.accepts = true
    await first.clock.advance(1000)
    first.push(5)
    await first.clock.advance(500)
    await first.forwarder.stop(never)
    const before = first.forwarder.status()
    expect(before.pending).toBeGreaterThan(500)

    const second = forwarderBed({ order: 'liveFirst' }, { journal: first.journal.next() })
    await second.forwarder.start()
    await second.clock.advance(100)
    const all = [...first.seqs(), ...second.seqs()]
    expect(all).toHaveLength(3005)
    expect(new Set(all).size).toBe(3005)
    expect(second.forwarder.status()).toMatchObject({ accepted: 3005, delivered: 3005, pending: 0 })
    await second.forwarder.stop(never)
  })

  it('returns to strict order when it is configured so, the backlog first', async () => {
    const first = forwarderBed({ order: 'liveFirst', maxRate: 100 })
    first.receiver.accepts = false
    await first.forwarder.start()
    first.push(1000)
    first.receiver.accepts = true
    await first.clock.advance(700)
    first.push(3)
    await first.clock.advance(10)
    await first.forwarder.stop(never)
    expect(first.seqs()).toContain(1003)

    const second = forwarderBed({ order: 'inOrder' }, { journal: first.journal.next() })
    await second.forwarder.start()
    second.push(2)
    await second.clock.advance(100)
    const { arrivals } = second.receiver
    expect(arrivals.every(({ lane }) => lane === 'inOrder')).toBe(true)
    expect(arrivals.slice(0, -2).map(({ seq }) => seq)).toEqual(upTo(1000).filter((seq) => !first.seqs().includes(seq)))
    expect(arrivals.slice(-2).map(({ epoch, seq }) => `${epoch}/${seq}`)).toEqual(['2/1', '2/2'])
    expect(second.forwarder.status()).toMatchObject({ pending: 0, delivered: 1005, lanes: [{ lane: 'inOrder' }] })
    await second.forwarder.stop(never)
  })

  it('sends nothing more of the backlog while live records wait for their acknowledgement', async () => {
    const bed = forwarderBed({ order: 'liveFirst', inFlight: 1 })
    const { forwarder, receiver, clock } = bed
    receiver.accepts = false
    await forwarder.start()
    bed.push(5000)
    receiver.accepts = true
    receiver.acknowledges = false
    await clock.advance(1000)
    expect(receiver.held).toBe(1)
    bed.push(3)
    await clock.advance(0)
    expect(receiver.held).toBe(2)
    receiver.release(1) // the backlog's; the live batch is still under way
    await clock.advance(0)
    expect(receiver.held).toBe(1)
    receiver.release(1)
    await clock.advance(0)
    expect(receiver.arrivals.at(-1)).toMatchObject({ lane: 'backlog', seq: 1000 })
    await forwarder.stop(AbortSignal.abort())
  })

  it('lets live records pass while the receiver is slow with the backlog', async () => {
    const bed = forwarderBed({ order: 'liveFirst' })
    const { forwarder, receiver, clock } = bed
    receiver.accepts = false
    await forwarder.start()
    bed.push(5000)
    receiver.accepts = true
    receiver.acknowledges = false
    await clock.advance(1000)
    expect(receiver.held).toBe(2) // two batches of the backlog
    bed.push(3)
    await clock.advance(0)
    expect(bed.seqs().slice(-3)).toEqual([5001, 5002, 5003])
    expect(receiver.arrivals.at(-1)).toMatchObject({ lane: 'live' })
    await forwarder.stop(AbortSignal.abort())
  })
})
