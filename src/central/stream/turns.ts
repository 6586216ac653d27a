// Work in turns: of one gateway, or of some programs, one piece after the other, bounded by what waits of it and in all.

import { TelemetryError } from '#domain/errors.ts'

/** Of one gateway: a gateway sends one or two at a time. */
const DEFAULT_MAX_WAITING = 64
const RETRY_AFTER_MS = 2000

export interface TurnsOptions {
  /** Of all keys. */
  readonly maxBytes: number
  /** Pieces of one key. Default 64. */
  readonly maxWaiting?: number
}

export class Turns {
  readonly #maxBytes: number
  readonly #maxWaiting: number
  readonly #turns = new Map<string, { last: Promise<unknown>; waiting: number }>()
  #bytes = 0

  constructor({ maxBytes, maxWaiting = DEFAULT_MAX_WAITING }: TurnsOptions) {
    this.#maxBytes = maxBytes
    this.#maxWaiting = maxWaiting
  }

  /** Runs `work` when all earlier work of `key` is over, however that ended. Throws RATE_LIMITED, BUFFER_FULL. */
  async take<T>(key: string, bytes: number, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(key) ?? { last: Promise.resolve(), waiting: 0 }
    if (turn.waiting >= this.#maxWaiting) throw full('RATE_LIMITED', 'Too much of this sender is waiting')
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) throw full('BUFFER_FULL', 'Too much is waiting')
    this.#turns.set(key, turn)
    turn.waiting += 1
    this.#bytes += bytes
    const done = turn.last.then(work)
    turn.last = done.catch(() => {})
    try {
      return await done
    } finally {
      turn.waiting -= 1
      this.#bytes -= bytes
      if (turn.waiting === 0) this.#turns.delete(key)
    }
  }

  /** Resolves when what waits now is over. */
  async settled(): Promise<void> {
    await Promise.all([...this.#turns.values()].map(({ last }) => last))
  }
}

function full(code: 'RATE_LIMITED' | 'BUFFER_FULL', message: string): TelemetryError {
  return new TelemetryError(code, message, { retryable: true, context: { retryAfterMs: RETRY_AFTER_MS } })
}
