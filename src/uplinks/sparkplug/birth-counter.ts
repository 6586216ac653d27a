// bdSeq: the number that ties a death to its birth (Sparkplug 3.0 §6.4.25). It must grow with each CONNECT, also over restarts
// of the gateway: a will that the broker delivers late would otherwise kill the next session.

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#domain/driver.ts'

const FILE = 'bdseq'

export class BirthCounter {
  readonly #folder: string | undefined
  readonly #log: Log
  readonly #seed: number
  #last: number | null = null

  /**
   * @param folder where it is kept; undefined: in memory only.
   * @param now Unix milliseconds: seeds the first number when none is kept, so that it is not always the same.
   */
  constructor(folder: string | undefined, log: Log, now: number) {
    this.#folder = folder
    this.#log = log
    this.#seed = Math.floor(now / 1000) % 256
  }

  /** The number for the next CONNECT, 0 to 255; on disk before it is given. */
  async next(): Promise<number> {
    this.#last ??= await this.#read()
    this.#last = (this.#last + 1) % 256
    await this.#write(this.#last)
    return this.#last
  }

  async #read(): Promise<number> {
    if (this.#folder === undefined) return this.#seed
    const text = await readFile(join(this.#folder, FILE), 'utf8').catch(() => '')
    return /^[0-9]{1,3}\n?$/.test(text) && Number(text) < 256 ? Number(text) : this.#seed
  }

  /** A full disk must not keep the uplink from connecting: the number then lives in memory for this run. */
  async #write(number: number): Promise<void> {
    if (this.#folder === undefined) return
    const file = join(this.#folder, FILE)
    try {
      await mkdir(this.#folder, { recursive: true })
      const handle = await open(`${file}.new`, 'w')
      try {
        await handle.writeFile(`${number}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(`${file}.new`, file)
    } catch (cause) {
      this.#log.warn({ file, err: cause }, 'bdSeq could not be kept')
    }
  }
}
