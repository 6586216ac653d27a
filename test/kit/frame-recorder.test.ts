// What the wire recorder keeps.

import { describe, expect, it } from 'vitest'
import { FrameRecorder, RECORDED_FRAMES } from '#kit/frame-recorder.ts'

describe('the frame recorder', () => {
  it('keeps the last frames in order, and no more', () => {
    let now = 1000
    const recorder = new FrameRecorder({ now: () => now++ })
    expect(recorder.frames()).toEqual([])
    for (let frame = 0; frame < 3 * RECORDED_FRAMES + 5; frame++) {
      if (frame % 2 === 0) recorder.sent(Uint8Array.of(frame & 0xff, 1))
      else recorder.received(Uint8Array.of(frame & 0xff))
    }
    const frames = recorder.frames()
    expect(frames).toHaveLength(RECORDED_FRAMES)
    const last = 3 * RECORDED_FRAMES + 4
    expect(frames.at(-1)).toEqual({ time: 1000 + last, direction: 'sent', bytes: Uint8Array.of(last & 0xff, 1) })
    expect(frames.map(({ time }) => time)).toEqual(frames.map((_, index) => 1000 + last - 63 + index))
  })

  it('cuts what is longer than any frame, and gives copies', () => {
    const recorder = new FrameRecorder({ now: () => 0 })
    recorder.received(new Uint8Array(5000).fill(7))
    const [frame] = recorder.frames()
    expect(frame!.bytes).toEqual(new Uint8Array(260).fill(7))
    recorder.received(Uint8Array.of(1))
    frame!.bytes.fill(0)
    expect(recorder.frames()[0]!.bytes[0]).toBe(7)
  })

  it('puts the pieces of a wire without frames together, while they follow each other', () => {
    let now = 0
    const recorder = new FrameRecorder({ now: () => now, joinMs: 50 })
    const receive = (at: number, text: string): void => {
      now = at
      recorder.received(Buffer.from(text))
    }
    receive(0, 'S')
    receive(40, 'T')
    receive(90, ' 1')
    receive(141, 'ST')
    now = 150
    recorder.sent(Buffer.from('P'))
    recorder.sent(Buffer.from('Q'))
    receive(160, '2')
    const told = recorder.frames().map(({ time, direction, bytes }) => [time, direction, Buffer.from(bytes).toString()])
    expect(told).toEqual([
      [0, 'received', 'ST 1'],
      [141, 'received', 'ST'],
      [150, 'sent', 'P'],
      [150, 'sent', 'Q'],
      [160, 'received', '2'],
    ])
  })

  it('begins a new frame where a piece has no room, and joins nothing unless it is told to', () => {
    const joining = new FrameRecorder({ now: () => 0, joinMs: 50 })
    joining.received(new Uint8Array(200).fill(1))
    joining.received(new Uint8Array(61).fill(2))
    joining.received(Uint8Array.of(3))
    expect(joining.frames().map(({ bytes }) => bytes.length)).toEqual([200, 62])
    const plain = new FrameRecorder({ now: () => 0 })
    plain.received(Uint8Array.of(1))
    plain.received(Uint8Array.of(2))
    expect(plain.frames()).toHaveLength(2)
  })
})
