// One WebSocket client of the live feed. While it keeps up it gets every message; once too much waits for it, only the
// numbers of what changed are kept, and it gets the latest values when it has caught up.

import type { WebSocket } from 'ws'
import type { Clock } from '#kit/clock.ts'
import { NumberSet } from './number-set.ts'

/** Bytes waiting in the socket beyond which a client counts as slow. */
export const SLOW_BYTES = 256 * 1024
/** Bytes waiting at which it has caught up. */
const CAUGHT_UP_BYTES = 16 * 1024
/** Most alarms kept for a slow client; one that misses more must connect anew, which gives it all of them. */
const MAX_ALARMS_WAITING = 10_000

interface LiveClientOptions {
  readonly socket: WebSocket
  readonly clock: Clock
  /** Sensor numbers run below this. */
  readonly sensors: number
  /** A readings message about these sensors, as they are now, that brings its client to a position. */
  readonly readingsMessage: (sensors: NumberSet, position: number) => Buffer
  /** May this client still see what it sees? */
  readonly isAllowed: () => boolean
}

export class LiveClient {
  readonly socket: WebSocket
  readonly isAllowed: () => boolean
  readonly #clock: Clock
  readonly #readingsMessage: (sensors: NumberSet, position: number) => Buffer
  #missed: NumberSet
  readonly #missedAlarms = new Map<string, Buffer>()
  /** Position up to which #missed is whole. */
  #missedUntil = 0
  #slowSince: number | null = null
  #lastPong: number
  readonly #onSent = (): void => this.#catchUp()

  constructor(options: LiveClientOptions) {
    this.socket = options.socket
    this.isAllowed = options.isAllowed
    this.#clock = options.clock
    this.#readingsMessage = options.readingsMessage
    this.#missed = new NumberSet(options.sensors)
    this.#lastPong = options.clock.monotonic()
    this.socket.on('pong', () => {
      this.#lastPong = this.#clock.monotonic()
    })
  }

  /** Milliseconds without a sign of life: without progress while slow, else without a pong. */
  silentMs(): number {
    return this.#clock.monotonic() - (this.#slowSince ?? this.#lastPong)
  }

  readings(message: Buffer, sensors: NumberSet, position: number): void {
    if (this.#slowSince === null) {
      this.#send(message)
      return
    }
    this.#missed.addAll(sensors)
    this.#missedUntil = position
  }

  alarm(id: string, message: Buffer): void {
    if (this.#slowSince === null) {
      this.#send(message)
      return
    }
    this.#missedAlarms.set(id, message)
    if (this.#missedAlarms.size > MAX_ALARMS_WAITING) this.socket.terminate()
  }

  /** The model has changed: sensor numbers now run below `sensors`. */
  resize(sensors: number): void {
    const missed = new NumberSet(sensors)
    missed.addAll(this.#missed)
    this.#missed = missed
  }

  #send(message: Buffer): void {
    if (this.socket.readyState !== this.socket.OPEN) return
    this.socket.send(message, { binary: false }, this.#onSent)
    if (this.socket.bufferedAmount > SLOW_BYTES) this.#slowSince = this.#clock.monotonic()
  }

  /** Called whenever a message has left the process. */
  #catchUp(): void {
    if (this.#slowSince === null || this.socket.bufferedAmount > CAUGHT_UP_BYTES) return
    this.#slowSince = null
    this.#lastPong = this.#clock.monotonic() // it takes data: the pong of a ping that waited behind them is still to come
    // Alarms first: the position of the readings says that everything before it has been sent.
    const alarms = [...this.#missedAlarms]
    this.#missedAlarms.clear()
    for (const [id, message] of alarms) this.alarm(id, message)
    if (this.#missed.count === 0 || !this.#keepsUp()) return
    const message = this.#readingsMessage(this.#missed, this.#missedUntil)
    this.#missed.clear()
    this.#send(message)
  }

  #keepsUp(): boolean {
    return this.#slowSince === null
  }
}
