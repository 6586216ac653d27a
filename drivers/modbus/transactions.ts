// Transaction ids of Modbus TCP: which were given out, and what it means when one comes back that nobody waits for. Pure.
// An id that was given up is not given out again on the same connection, so its late answer can never fit another request.

const IDS = 0x1_0000 // 16 bits. Modbus Messaging on TCP/IP Implementation Guide V1.0b §3.1.3
/** Bounds the memory of a connection on which a unit never answers. */
const MAX_ABANDONED = 4096
/** How far back an id counts as that of an answer that came twice. */
const REPEAT_DISTANCE = 64

export type Stray =
  /** The answer to a request that was given up. */
  | { readonly kind: 'late'; readonly unit: number }
  /** An answer that had come already. */
  | { readonly kind: 'repeated' }
  /** An id that was never given out, or long ago. */
  | { readonly kind: 'unknown' }

export class Transactions {
  #last = 0
  #issued = 0
  readonly #abandoned = new Map<number, number>()

  /** The next id, 0 … 65535. */
  issue(): number {
    do this.#last = (this.#last + 1) % IDS
    while (this.#abandoned.has(this.#last))
    this.#issued += 1
    return this.#last
  }

  /** Notes that nobody waits for `id` any more. False when too many are open: the connection must then be closed. */
  abandon(id: number, unit: number): boolean {
    this.#abandoned.set(id, unit)
    return this.#abandoned.size <= MAX_ABANDONED
  }

  /** What an answer with this id is, given that no request waits for it; a late one is settled by it. */
  settle(id: number): Stray {
    const unit = this.#abandoned.get(id)
    if (unit !== undefined) {
      this.#abandoned.delete(id)
      return { kind: 'late', unit }
    }
    const distance = (this.#last - id + IDS) % IDS
    return distance < Math.min(this.#issued, REPEAT_DISTANCE) ? { kind: 'repeated' } : { kind: 'unknown' }
  }
}
