// A file for what must be durable while the database is away: a line for each commit, synced before it counts. It is read at
// the start, and emptied once the database has taken what it holds.

import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { ActionEntry } from '../actions/entry.ts'

const FILE = 'spool.jsonl'
const MAX_BYTES = 256 * 1024 * 1024

/** Positions that a gateway's batch added, the actions that its records led to, and actions that are done with. */
export interface Commit {
  readonly tenant: string
  readonly gateway: string
  readonly epoch: number
  readonly ranges: readonly (readonly [first: number, last: number])[]
  readonly actions: readonly ActionEntry[]
  readonly done: readonly string[]
}

export class Spool {
  readonly #file: FileHandle
  #bytes: number

  private constructor(file: FileHandle, bytes: number) {
    this.#file = file
    this.#bytes = bytes
  }

  /** Opens or makes the file; answers what a crash left in it. Throws STORE_IO. */
  static async open(folder: string): Promise<{ spool: Spool; left: readonly Commit[] }> {
    const path = join(folder, FILE)
    try {
      const file = await open(path, 'a+', 0o600)
      const text = (await file.readFile()).toString()
      // A line that was cut off had not been synced: nobody was told that it is there.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      const left = whole.split('\n').flatMap(commitOf)
      await file.truncate(Buffer.byteLength(whole))
      return { spool: new Spool(file, Buffer.byteLength(whole)), left }
    } catch (cause) {
      throw toTelemetryError(cause, 'STORE_IO', { retryable: true, context: { path } })
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Resolves when they are on the disk. Throws STORE_FULL, STORE_IO. */
  async append(commits: readonly Commit[]): Promise<void> {
    const text = Buffer.from(commits.map((commit) => `${JSON.stringify(commit)}\n`).join(''))
    if (this.#bytes + text.length > MAX_BYTES)
      throw new TelemetryError('STORE_FULL', 'The database has been away for so long that the spool is full', {
        retryable: true,
      })
    try {
      await this.#file.appendFile(text)
      await this.#file.datasync()
      this.#bytes += text.length
    } catch (cause) {
      await this.#file.truncate(this.#bytes).catch(() => {}) // half a line would spoil the next one
      throw toTelemetryError(cause, 'STORE_IO', { retryable: true })
    }
  }

  /** The database has everything. */
  async clear(): Promise<void> {
    if (this.#bytes === 0) return
    await this.#file.truncate(0)
    await this.#file.datasync()
    this.#bytes = 0
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function commitOf(line: string): Commit[] {
  if (line === '') return []
  try {
    return [JSON.parse(line) as Commit] // written by `append`
  } catch {
    return []
  }
}
