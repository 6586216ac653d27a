// The JSON-lines file of a collector: lines are appended at the end and taken from the beginning; empty again, it is truncated.

import { open, stat, truncate } from 'node:fs/promises'

const READ_BYTES = 512 * 1024

export class Spool {
  #path
  #maxBytes
  #size = 0
  #offset = 0

  /** @param {string} path @param {number} maxBytes */
  constructor(path, maxBytes) {
    this.#path = path
    this.#maxBytes = maxBytes
  }

  /** Looks at what an earlier run has left; a line that it did not finish is ended. */
  async load() {
    const size = await stat(this.#path).then(
      (found) => found.size,
      (error) => {
        if (error.code === 'ENOENT') return 0
        throw error
      },
    )
    this.#size = size
    if (size > 0) await this.#write('\n')
  }

  get isEmpty() {
    return this.#offset >= this.#size
  }

  /**
   * Appends lines as far as they fit. Returns how many did.
   * @param {readonly string[]} lines
   */
  async append(lines) {
    let text = ''
    let count = 0
    let bytes = this.#size
    for (const line of lines) {
      bytes += Buffer.byteLength(line) + 1
      if (bytes > this.#maxBytes) break
      text += `${line}\n`
      count += 1
    }
    if (count > 0) await this.#write(text)
    return count
  }

  /**
   * The next lines, at most `limit`, and what takes them away. Lines that are no JSON are left out: a crash tore them.
   * @param {number} limit
   */
  async peek(limit) {
    const file = await open(this.#path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, this.#offset)
      const part = buffer.subarray(0, bytesRead)
      const lines = []
      let at = 0
      for (let end = part.indexOf(10); end !== -1 && lines.length < limit; end = part.indexOf(10, at)) {
        const line = part.toString('utf8', at, end)
        if (isJson(line)) lines.push(line)
        at = end + 1
      }
      return { lines, next: this.#offset + (at === 0 ? bytesRead : at) }
    } finally {
      await file.close()
    }
  }

  /** @param {number} next from `peek` */
  async advance(next) {
    this.#offset = next
    if (!this.isEmpty) return
    await truncate(this.#path, 0)
    this.#size = 0
    this.#offset = 0
  }

  /** @param {string} text */
  async #write(text) {
    const file = await open(this.#path, 'a', 0o600)
    try {
      await file.appendFile(text)
      await file.datasync()
    } catch (error) {
      // What stands there in part would spoil the line after it.
      await file.truncate(this.#size).catch(() => {})
      throw error
    } finally {
      await file.close()
    }
    this.#size += Buffer.byteLength(text)
  }
}

/** @param {string} line */
function isJson(line) {
  if (line === '') return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
