import { describe, expect, it } from 'vitest'
import { forwarderBed, never } from './forwarder-bed.ts'

async function withLetters(refused: readonly number[], max = 10) {
  const bed = forwarderBed({ maxDeadLetters: max })
  bed.receiver.rejects = (_epoch, seq) => refused.includes(seq)
  await bed.forwarder.start()
  bed.push(10)
  await bed.clock.advance(0)
  const idOf = async (seq: number): Promise<number> =>
    (await bed.forwarder.listLetters(0, 100)).find((letter) => letter.seq === seq)!.id
  return { ...bed, idOf }
}

describe('Records that a receiver refuses for good', () => {
  it('are put aside whole, and the rest goes on', async () => {
    const { forwarder } = await withLetters([3, 7])
    expect(forwarder.status()).toMatchObject({ delivered: 8, rejected: 2, pending: 0, deadLetters: 2, accepted: 10 })
    expect(await forwarder.listLetters(0, 10)).toMatchObject([
      { epoch: 1, seq: 3, sensor: 0, reason: 'It does not like it', attempts: 1 },
      { epoch: 1, seq: 7 },
    ])
    await forwarder.stop(never)
  })

  it('are sent again with their position when asked to, and delivered once the receiver takes them', async () => {
    const { forwarder, receiver, idOf } = await withLetters([3, 7])
    expect(await forwarder.retryLetter(await idOf(3))).toBe(false)
    expect(forwarder.status()).toMatchObject({ delivered: 8, rejected: 2 })
    receiver.rejects = () => false
    expect(await forwarder.retryLetter(await idOf(3))).toBe(true)
    expect(receiver.arrivals.at(-1)).toMatchObject({ epoch: 1, seq: 3, lane: 'backlog', historical: true })
    expect(forwarder.status()).toMatchObject({ delivered: 9, rejected: 1, deadLetters: 1, accepted: 10 })
    await expect(forwarder.retryLetter(99)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await forwarder.stop(never)
  })

  it('are kept when the connection is not there, or breaks meanwhile', async () => {
    const { forwarder, receiver, idOf, clock } = await withLetters([3])
    const id = await idOf(3)
    receiver.acknowledges = false
    const retried = forwarder.retryLetter(id)
    await expect(forwarder.retryLetter(id)).rejects.toMatchObject({ code: 'CONFLICT' })
    await clock.advance(0)
    receiver.accepts = false
    receiver.breakOff()
    await expect(retried).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await clock.advance(0)
    await expect(forwarder.retryLetter(id)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(forwarder.status()).toMatchObject({ rejected: 1, deadLetters: 1 })
    await forwarder.stop(never)
  })

  it('are counted as dropped when they are discarded, or give way to newer ones', async () => {
    const { forwarder, idOf } = await withLetters([2, 4, 6, 8], 3)
    const full = { rejected: 3, deadLetters: 3, dropped: { 'dead-letters-full': 1 }, accepted: 10 }
    expect(forwarder.status()).toMatchObject(full)
    expect(await forwarder.discardLetters([await idOf(4), 99])).toBe(1)
    expect(forwarder.status()).toMatchObject({ rejected: 2, deadLetters: 2, dropped: { discarded: 1 }, accepted: 10 })
    await forwarder.stop(never)
  })
})
