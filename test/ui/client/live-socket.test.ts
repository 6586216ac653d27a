import { describe, expect, it } from 'vitest'
import type { LiveMessage } from '../../../src/ui/client/decode.ts'
import { LiveSocket, type LiveState, type Socket } from '../../../src/ui/client/live-socket.ts'

class FakeSocket implements Socket {
  onopen: Socket['onopen'] = null
  onclose: Socket['onclose'] = null
  onmessage: Socket['onmessage'] = null
  isClosed = false
  close(): void {
    this.isClosed = true
  }
}

function setUp() {
  const sockets: FakeSocket[] = []
  const asked: (string | null)[] = []
  const states: LiveState[] = []
  const messages: LiveMessage[] = []
  const waits: { delayMs: number; run: () => void; isCancelled: boolean }[] = []
  let sessionsEnded = 0
  const unreadable: unknown[] = []
  const live = new LiveSocket({
    open: (since) => {
      asked.push(since)
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    random: () => 1,
    after: (delayMs, run) => {
      const wait = { delayMs, run, isCancelled: false }
      waits.push(wait)
      return () => {
        wait.isCancelled = true
      }
    },
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    onSessionEnded: () => (sessionsEnded += 1),
    onUnreadable: (error) => unreadable.push(error),
  })
  return { live, asked, sockets, states, messages, waits, unreadable, sessionsEnded: () => sessionsEnded }
}

const opened = (socket: FakeSocket): void => socket.onopen?.(new Event('open'))
const dropped = (socket: FakeSocket, code = 1006): void => socket.onclose?.(new CloseEvent('close', { code }))

describe('the live connection', () => {
  it('goes live when the socket opens', () => {
    const { live, sockets, states } = setUp()
    live.start()
    opened(sockets[0]!)
    expect(states).toEqual(['connecting', 'live'])
  })

  it('comes back with growing waits, up to ten seconds, and begins anew after a success', () => {
    const { live, sockets, waits } = setUp()
    live.start()
    for (let turn = 0; turn < 7; turn++) {
      dropped(sockets.at(-1)!)
      waits.at(-1)!.run()
    }
    expect(waits.map(({ delayMs }) => delayMs)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000])
    opened(sockets.at(-1)!)
    dropped(sockets.at(-1)!)
    expect(waits.at(-1)!.delayMs).toBe(500)
  })

  it('says reconnecting the moment the connection is gone', () => {
    const { live, sockets, states } = setUp()
    live.start()
    opened(sockets[0]!)
    dropped(sockets[0]!)
    expect(states.at(-1)).toBe('reconnecting')
  })

  it('listens to no connection that it has given up', () => {
    const { live, sockets, states, waits } = setUp()
    live.start()
    opened(sockets[0]!)
    live.reconnect()
    expect(sockets[0]).toMatchObject({ isClosed: true, onopen: null, onclose: null, onmessage: null })
    expect(waits).toHaveLength(1)
    expect(states.at(-1)).toBe('reconnecting')
  })

  it('stays closed when it was closed while it waited', () => {
    const { live, sockets, waits } = setUp()
    live.start()
    dropped(sockets[0]!)
    live.close()
    expect(waits[0]!.isCancelled).toBe(true)
    expect(sockets).toHaveLength(1)
  })

  it('tells that the session has ended', () => {
    const { live, sockets, sessionsEnded } = setUp()
    live.start()
    dropped(sockets[0]!, 1008)
    expect(sessionsEnded()).toBe(1)
  })

  it('comes back with the last position that it heard', () => {
    const { live, asked, sockets, waits } = setUp()
    live.start()
    const say = (data: object): void =>
      sockets.at(-1)!.onmessage?.(new MessageEvent('message', { data: JSON.stringify(data) }))
    say({ type: 'readings', snapshot: true, position: '3-42', readings: [] })
    say({ type: 'readings', position: '3-57', readings: [] })
    dropped(sockets[0]!)
    waits.at(-1)!.run()
    dropped(sockets[1]!)
    waits.at(-1)!.run()
    expect(asked).toEqual([null, '3-57', '3-57'])
    live.close()
    live.start() // for somebody else, perhaps
    expect(asked.at(-1)).toBeNull()
  })

  it('passes messages on and overlooks types that it does not know', () => {
    const { live, sockets, messages } = setUp()
    live.start()
    const say = (data: object): void =>
      sockets[0]!.onmessage?.(new MessageEvent('message', { data: JSON.stringify(data) }))
    say({ type: 'weather', sun: true })
    say({
      type: 'readings',
      readings: [
        {
          sensor: 'a.b',
          value: '9223372036854775807',
          quality: 'good',
          status: 'Good',
          time: '2026-01-01T00:00:00.000Z',
          receivedAt: '2026-01-01T00:00:00.250Z',
        },
      ],
    })
    expect(messages).toEqual([
      {
        type: 'readings',
        snapshot: false,
        resumed: null,
        position: null,
        readings: [
          {
            sensor: 'a.b',
            value: '9223372036854775807',
            quality: 'good',
            status: 'Good',
            time: Date.UTC(2026, 0, 1),
            receivedAt: Date.UTC(2026, 0, 1) + 250,
          },
        ],
      },
    ])
  })

  it('reports a message that it cannot read instead of going on as if nothing had come', () => {
    const { live, sockets, messages, unreadable } = setUp()
    live.start()
    sockets[0]!.onmessage?.(new MessageEvent('message', { data: '{"type":"readings","readings":[{"sensor":7}]}' }))
    expect(messages).toEqual([])
    expect(String(unreadable[0])).toContain('latest.sensor is not text')
  })
})
