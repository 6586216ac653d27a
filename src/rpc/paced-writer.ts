// Writes to a gRPC stream only as fast as the other side takes it: HTTP/2 flow control reaches us as `write` answering false.

import type { Writable } from 'node:stream'

export interface PacedWriterOptions {
  readonly stream: Pick<Writable, 'write' | 'once'>
  /** Most messages that wait here. */
  readonly maxWaiting: number
}

export class PacedWriter<T> {
  readonly #options: PacedWriterOptions
  readonly #waiting: T[] = []
  #isBlocked = false
  #isOver = false

  constructor(options: PacedWriterOptions) {
    this.#options = options
  }

  /** Messages that wait for the other side. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Sends in the order of the calls. False when too many wait already: nothing was taken. */
  write(message: T): boolean {
    if (this.#isOver) return true // the stream's own error tells why
    if (!this.#isBlocked) {
      this.#send(message)
      return true
    }
    if (this.#waiting.length >= this.#options.maxWaiting) return false
    this.#waiting.push(message)
    return true
  }

  /** Sends nothing more, and forgets what waits. */
  end(): void {
    this.#isOver = true
    this.#waiting.length = 0
  }

  #send(message: T): void {
    const { stream } = this.#options
    if (stream.write(message)) return
    this.#isBlocked = true
    stream.once('drain', () => {
      this.#isBlocked = false
      while (!this.#isBlocked && !this.#isOver && this.#waiting.length > 0) this.#send(this.#waiting.shift()!)
    })
  }
}
