import { describe, expect, it } from 'vitest'
import { Harness } from './harness.ts'

const GROUPS = [{ intervalMs: 1000, sensors: 1 }]

describe('while the buffer is full', () => {
  it('no poll starts, the device says why, polls are counted as skipped, and it goes on by itself', async () => {
    const h = new Harness({ devices: [{ id: 'a', groups: GROUPS }] })
    await h.start()
    await h.clock.advance(5500)
    h.hasRoom = false
    await h.clock.advance(4000)
    expect(h.polls('a').length).toBe(6)
    expect(h.status('a')).toMatchObject({
      state: 'paused',
      reason: 'the buffer is full: the store does not keep up',
      skippedPolls: 4,
    })
    h.hasRoom = true
    await h.clock.advance(400)
    expect(h.status('a')).toMatchObject({ state: 'up', reason: null, since: h.clock.now() - 300 })
    await h.clock.advance(5000)
    expect(h.polls('a').length).toBe(11)
    expect(h.status('a')).toMatchObject({ skippedPolls: 4, badSensors: 0 })
  })

  it('polls that wait for the bus do not start either', async () => {
    const h = new Harness({
      devices: [
        { id: 'a', groups: GROUPS, script: { bus: 'x', answerMs: 700 } },
        { id: 'b', groups: GROUPS, script: { bus: 'x' } },
      ],
    })
    await h.start()
    await h.clock.advance(680) // b waits for a
    h.hasRoom = false
    await h.clock.advance(1000)
    expect(h.polls('b')).toEqual([])
    expect(h.status('b').skippedPolls).toBe(2)
  })

  it('a device that is down stays down, and is tried again when there is room', async () => {
    const h = new Harness({
      devices: [
        { id: 'a', groups: GROUPS, script: { bus: 'x', poll: 'silent' } },
        { id: 'b', groups: GROUPS, script: { bus: 'x' } },
      ],
    })
    await h.start()
    await h.clock.advance(10_500)
    h.hasRoom = false
    h.script('a').poll = 'answer'
    const polls = h.polls('a').length
    await h.clock.advance(120_000)
    expect(h.status('a').state).toBe('down')
    expect(h.status('b').state).toBe('paused')
    expect(h.polls('a').length).toBe(polls)
    h.hasRoom = true
    await h.clock.advance(60_000)
    expect(h.status('a').state).toBe('up')
  })
})
