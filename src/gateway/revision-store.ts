// The revisions of a configuration: one file for each in a folder that only its owner may read, replaced as a whole, so that
// every revision is there or not. The newest ones are kept, and always the one that is in force.

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { NamedFile } from '#config/load.ts'
import type { RevisionHead } from '#domain/configuration.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import { replaceFile, syncFolder } from '#kit/replace-file.ts'
import { REVISION_FILE } from './data-files.ts'

/** What was good before a change and is to be good after it. */
export interface WatchBaseline {
  readonly devices: readonly string[]
  readonly uplinks: readonly string[]
  /** Codes of blocking health reasons that were there before. */
  readonly blocking: readonly string[]
}

export interface StoredRevision extends RevisionHead {
  readonly text: string
  /** Files that the text names, as they were. */
  readonly files: readonly NamedFile[]
  /** While it is watched. */
  readonly baseline: WatchBaseline | null
  /** The revision to go back to while it is applied or watched. */
  readonly goesBackTo: number | null
}

/** SHA-256 of a text and the files that it names, hexadecimal: equal when the configurations are. */
export function contentHash(text: string, files: readonly NamedFile[]): string {
  const hash = createHash('sha256').update(text)
  for (const file of files) hash.update(`\0${file.path}\0${file.text}`)
  return hash.digest('hex')
}

export class RevisionStore {
  readonly #folder: string
  readonly #maxCount: () => number
  readonly #heads = new Map<number, RevisionHead>()

  private constructor(folder: string, maxCount: () => number) {
    this.#folder = folder
    this.#maxCount = maxCount
  }

  /** Reads what is there; a file that is damaged is left out and told. Throws STORE_IO. */
  static async open(folder: string, maxCount: () => number, log: Log): Promise<RevisionStore> {
    const store = new RevisionStore(folder, maxCount)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of (await readdir(folder)).toSorted()) {
        const number = Number(REVISION_FILE.exec(name)?.[1] ?? 0)
        if (number === 0) continue
        try {
          store.#heads.set(number, headOf(await store.read(number)))
        } catch (error) {
          log.warn({ err: error, revision: number }, 'A revision of the configuration cannot be read')
        }
      }
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { context: { folder } })
    }
    return store
  }

  get newest(): RevisionHead | undefined {
    return this.heads()[0]
  }

  /** Newest first. */
  heads(): readonly RevisionHead[] {
    return [...this.#heads.values()].toSorted((a, b) => b.number - a.number)
  }

  /** Throws NOT_FOUND, STORE_CORRUPT. */
  async read(number: number): Promise<StoredRevision> {
    let text: string
    try {
      text = await readFile(this.#pathOf(number), 'utf8')
    } catch (cause) {
      throw new TelemetryError('NOT_FOUND', `There is no revision ${number} of the configuration`, { cause })
    }
    const revision = parse(text)
    if (revision?.number === number) return revision
    throw new TelemetryError('STORE_CORRUPT', `Revision ${number} of the configuration is damaged`)
  }

  /** Gives it the next number; durable when it resolves. Throws STORE_IO. */
  async add(revision: Omit<StoredRevision, 'number'>): Promise<StoredRevision> {
    const added = { ...revision, number: (this.newest?.number ?? 0) + 1 }
    await this.#write(added)
    await this.#prune()
    return added
  }

  /** Throws NOT_FOUND, STORE_IO. */
  async update(number: number, change: Partial<Omit<StoredRevision, 'number'>>): Promise<StoredRevision> {
    const updated = { ...(await this.read(number)), ...change }
    await this.#write(updated)
    return updated
  }

  async #write(revision: StoredRevision): Promise<void> {
    try {
      await replaceFile(this.#pathOf(revision.number), `${JSON.stringify(revision)}\n`, { mode: 0o600 })
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { context: { revision: revision.number } })
    }
    this.#heads.set(revision.number, headOf(revision))
  }

  /** What was kept last is never removed: it is what a failing change goes back to. */
  async #prune(): Promise<void> {
    const heads = this.heads()
    const lastKept = heads.find(({ state }) => state === 'kept')?.number
    const surplus = heads.slice(this.#maxCount()).filter(({ number }) => number !== lastKept)
    for (const { number } of surplus) {
      await rm(this.#pathOf(number), { force: true })
      this.#heads.delete(number)
    }
    if (surplus.length > 0) await syncFolder(this.#folder)
  }

  #pathOf(number: number): string {
    return join(this.#folder, `revision-${String(number).padStart(6, '0')}.json`)
  }
}

/** What may be shown of a revision beside its text. */
export function headOf({ number, time, by, origin, comment, hash, state, reason }: RevisionHead): RevisionHead {
  return { number, time, by, origin, comment, hash, state, reason }
}

function parse(text: string): StoredRevision | null {
  try {
    const parsed: unknown = JSON.parse(text)
    const isRevision = typeof parsed === 'object' && parsed !== null && 'text' in parsed && 'state' in parsed
    return isRevision ? (parsed as StoredRevision) : null
  } catch {
    return null
  }
}
