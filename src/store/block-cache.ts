// Decoded blocks of the journal, the newest ones: queries about the last minutes ask for the same few again and again.

import type { RecordBatch } from '#domain/reading.ts'

const MAX_RECORDS = 131_072 // 36 bytes each

export class BlockCache {
  readonly #blocks = new Map<number, RecordBatch>()
  #records = 0

  /** The batch of a block, from memory or from `decode`, whose errors pass. */
  get(block: number, decode: () => RecordBatch): RecordBatch {
    const known = this.#blocks.get(block)
    if (known) return known
    const batch = decode()
    this.#keep(block, batch)
    return batch
  }

  /** Blocks before this one are compacted: they will not be asked for again. */
  forgetBefore(block: number): void {
    for (const known of this.#blocks.keys()) if (known < block) this.#drop(known)
  }

  /** In place of older ones, never of newer ones: reading all blocks in turn must not empty it each time. */
  #keep(block: number, batch: RecordBatch): void {
    while (this.#records + batch.length > MAX_RECORDS && this.#records > 0) {
      const oldest = Math.min(...this.#blocks.keys())
      if (oldest > block) return
      this.#drop(oldest)
    }
    this.#blocks.set(block, batch)
    this.#records += batch.length
  }

  #drop(block: number): void {
    this.#records -= this.#blocks.get(block)!.length
    this.#blocks.delete(block)
  }
}
