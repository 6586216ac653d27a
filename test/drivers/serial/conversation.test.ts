// Asking on a line without ids, in simulated time and without a port.

import { beforeEach, describe, expect, it } from 'vitest'
import { Conversation, SETTLE_MS, type Asker } from '#drivers/serial/conversation.ts'
import type { Frame } from '#drivers/serial/frame.ts'
import { DelimiterFramer } from '#drivers/serial/framer.ts'
import { FrameRecorder } from '#kit/frame-recorder.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const TIMEOUT_MS = 1000
const NEVER = new AbortController().signal
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const textOf = ({ bytes: whole, bodyStart, bodyEnd }: Frame): string =>
  Buffer.from(whole.subarray(bodyStart, bodyEnd)).toString('latin1')

describe('a conversation', () => {
  let clock: ManualClock
  let sent: number
  let errors: string[]
  let line: Conversation
  let asker: Asker

  beforeEach(() => {
    clock = new ManualClock()
    sent = 0
    errors = []
    line = new Conversation(clock, () => (sent += 1))
    asker = {
      framer: new DelimiterFramer(bytes('\n'), 16),
      log: new FrameRecorder({ now: () => clock.now() }),
      timeoutMs: TIMEOUT_MS,
      countError: (kind) => errors.push(kind),
    }
  })

  const hear = (text: string): void => line.receive(bytes(text))
  const ask = (read: (frame: Frame) => string | null = textOf, signal = NEVER): Promise<string> => {
    const answer = line.ask({ asker, bytes: bytes('?'), read }, signal)
    answer.catch(() => {})
    return answer
  }
  const asked = (count: number): void => expect(sent).toBe(count)

  async function timeOut(): Promise<void> {
    const answer = ask()
    await clock.advance(TIMEOUT_MS)
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
  }

  it('takes the first whole frame for the answer, however it is cut', async () => {
    const answer = ask()
    await clock.advance(0)
    hear('12')
    hear('.5\n')
    await expect(answer).resolves.toBe('12.5')
    expect(clock.pending).toBe(0)
  })

  it('passes over frames that are not wanted', async () => {
    const answer = ask((frame) => (textOf(frame).startsWith('#') ? null : textOf(frame)))
    await clock.advance(0)
    hear('# hello\n7\n')
    await expect(answer).resolves.toBe('7')
  })

  it('calls half an answer a fault of the protocol', async () => {
    const answer = ask()
    await clock.advance(0)
    hear('12.')
    await clock.advance(TIMEOUT_MS)
    await expect(answer).rejects.toMatchObject({ code: 'PROTOCOL', retryable: true })
  })

  it('listens after a time-out for as long again before it asks', async () => {
    await timeOut()
    void ask()
    await clock.advance(TIMEOUT_MS - 1)
    asked(1)
    await clock.advance(1)
    asked(2)
  })

  it('asks at once when the time-out lies far enough back', async () => {
    await timeOut()
    await clock.advance(TIMEOUT_MS)
    void ask()
    await clock.advance(0)
    asked(2)
  })

  it('drops the late answer, and asks as soon as it has come', async () => {
    await timeOut()
    const answer = ask()
    await clock.advance(10)
    hear('old\n')
    await clock.advance(0)
    asked(2)
    hear('new\n')
    await expect(answer).resolves.toBe('new')
    expect(errors).toEqual(['late-answer'])
  })

  it('drops a late answer that comes between two requests', async () => {
    await timeOut()
    await clock.advance(100)
    hear('old\n')
    const answer = ask()
    await clock.advance(0)
    hear('new\n')
    await expect(answer).resolves.toBe('new')
    expect(errors).toEqual(['late-answer'])
  })

  it('waits for the rest of what has begun to come', async () => {
    await timeOut()
    await clock.advance(TIMEOUT_MS - 1)
    hear('ol')
    const answer = ask()
    await clock.advance(SETTLE_MS - 1)
    asked(1)
    hear('d\n')
    await clock.advance(SETTLE_MS)
    asked(2)
    hear('new\n')
    await expect(answer).resolves.toBe('new')
  })

  it('counts what nobody asked for, and waits for silence', async () => {
    const first = ask()
    await clock.advance(0)
    hear('1\nnoise\n')
    await first
    void ask()
    await clock.advance(SETTLE_MS - 1)
    asked(1)
    await clock.advance(1)
    asked(2)
    expect(errors).toEqual(['unasked'])
  })

  it('gives up a line that never falls silent', async () => {
    hear('x')
    let failure: unknown = null
    ask().catch((error: unknown) => (failure = error))
    for (let ms = 0; ms <= 5 * TIMEOUT_MS && failure === null; ms += 20) {
      await clock.advance(20)
      hear('x')
    }
    asked(0)
    expect(failure).toMatchObject({ code: 'PROTOCOL' })
    expect(clock.pending).toBe(0)
  })

  it('stops when it is told to, while it asks and while it listens', async () => {
    const controllers = [new AbortController(), new AbortController()]
    const asking = ask(textOf, controllers[0]!.signal)
    await clock.advance(0)
    controllers[0]!.abort()
    await expect(asking).rejects.toMatchObject({ code: 'ABORTED' })
    const listening = ask(textOf, controllers[1]!.signal)
    await clock.advance(1)
    controllers[1]!.abort()
    await expect(listening).rejects.toMatchObject({ code: 'ABORTED' })
    asked(1)
    expect(clock.pending).toBe(0)
  })
})
