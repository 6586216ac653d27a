// The live feed: one WebSocket that comes back by itself, with backoff and jitter, and asks for what it has missed.
// It reports messages and its state, and keeps nothing but the position that it was told last.

import { decodeLiveMessage, type LiveMessage } from './decode.ts'

export type LiveState = 'connecting' | 'live' | 'reconnecting'

/** Close code of the gateway when the session has ended (RFC 6455: policy violation). */
const SESSION_ENDED = 1008

const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 10_000

/** What is used of a browser's WebSocket. */
export interface Socket {
  onopen: ((event: Event) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
  close(): void
}

export interface LiveSocketOptions {
  /** `since`: the last position that was heard; null: it is new. */
  readonly open: (since: string | null) => Socket
  readonly random: () => number
  /** Runs `callback` after a delay; answers how to cancel it. */
  readonly after: (delayMs: number, callback: () => void) => () => void
  readonly onMessage: (message: LiveMessage) => void
  readonly onState: (state: LiveState) => void
  readonly onSessionEnded: () => void
  /** A message that this page does not understand: showing the old values on would be a lie. */
  readonly onUnreadable: (error: unknown) => void
}

export class LiveSocket {
  readonly #options: LiveSocketOptions
  #attempt = 0
  #socket: Socket | null = null
  #cancelRetry: (() => void) | null = null
  #isClosed = true
  #position: string | null = null

  constructor(options: LiveSocketOptions) {
    this.#options = options
  }

  start(): void {
    if (!this.#isClosed) return
    this.#isClosed = false
    this.#position = null
    this.#options.onState('connecting')
    this.#connect()
  }

  /** Gives up the present connection, which may be dead without knowing it, and makes a new one. */
  reconnect(): void {
    if (this.#isClosed || this.#socket === null) return
    this.#release()
    this.#retry()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#release()
  }

  #connect(): void {
    const socket = this.#options.open(this.#position)
    this.#socket = socket
    socket.onopen = () => {
      this.#attempt = 0
      this.#options.onState('live')
    }
    socket.onmessage = (event) => {
      const message = this.#decode(String(event.data))
      if (message === null) return
      if (message.type === 'readings') this.#position = message.position ?? this.#position
      this.#options.onMessage(message)
    }
    socket.onclose = (event) => {
      this.#release()
      if (event.code === SESSION_ENDED) this.#options.onSessionEnded()
      this.#retry()
    }
  }

  #decode(text: string): LiveMessage | null {
    try {
      return decodeLiveMessage(text)
    } catch (error) {
      this.#options.onUnreadable(error)
      return null
    }
  }

  #retry(): void {
    if (this.#isClosed) return
    this.#options.onState('reconnecting')
    const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#attempt, 10))
    this.#attempt += 1
    // Full jitter above a floor: many pages of one gateway must not all come back in the same moment.
    this.#cancelRetry = this.#options.after(ceiling * (0.1 + 0.9 * this.#options.random()), () => this.#connect())
  }

  #release(): void {
    const socket = this.#socket
    if (socket === null) return
    this.#socket = null
    socket.onopen = null
    socket.onclose = null
    socket.onmessage = null
    socket.close()
  }
}
