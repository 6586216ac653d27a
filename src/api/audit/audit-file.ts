// The files of the audit log: segments of lines, `audit-00000001.jsonl` after its first seq. Appended durably, read newest first,
// the oldest segment dropped when there are too many. A line that a power cut tore is cut off at the next start.

import { mkdir, open, readdir, readFile, rm, truncate, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEntry } from '#domain/audit.ts'
import { toTelemetryError } from '#domain/errors.ts'
import { syncFolder } from '#kit/replace-file.ts'
import { chainLine, followsFrom, GENESIS, parseLine, type ChainedEntry } from './chain.ts'

const SEGMENT = /^audit-(\d{8,16})\.jsonl$/

export interface AuditFileOptions {
  /** Made when it is absent. */
  readonly folder: string
  /** Bytes after which a new segment begins. */
  readonly segmentBytes: number
  /** Segments kept. */
  readonly maxSegments: number
}

/** What is wrong with the log as it stands on disk. */
export interface ChainFault {
  readonly seq: number
  readonly message: string
}

export class AuditFile {
  readonly #options: AuditFileOptions
  #file: FileHandle | null = null
  #size = 0
  #lastHash = GENESIS
  #lastSeq = 0

  constructor(options: AuditFileOptions) {
    this.#options = options
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Opens the newest segment, cutting off a torn last line; answers how many bytes that were. Throws STORE_IO. */
  async open(): Promise<number> {
    const { folder } = this.#options
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const newest = (await this.#segments()).at(-1)
      if (newest === undefined) return 0
      const path = join(folder, newest)
      const content = await readFile(path)
      const whole = content.lastIndexOf(0x0a) + 1
      if (whole < content.length) await truncate(path, whole)
      const entries = linesOf(content.subarray(0, whole).toString('utf8')).map(parseLine)
      // Lines that cannot be read stay where they are and keep their number: the check of the chain tells of them.
      const last = entries.findLastIndex((entry) => entry !== null)
      this.#lastSeq = (entries[last]?.seq ?? firstSeqOf(newest) - 1) + entries.length - 1 - last
      this.#lastHash = entries[last]?.hash ?? GENESIS
      this.#size = whole
      this.#file = await open(path, 'a', 0o600)
      return content.length - whole
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { context: { path: folder } })
    }
  }

  /** Writes entries whose seq follows the last one. Durable when it resolves; on an error none of them counts. Throws STORE_IO. */
  async append(entries: readonly AuditEntry[]): Promise<void> {
    let text = ''
    let hash = this.#lastHash
    for (const entry of entries) {
      const chained = chainLine(entry, hash)
      text += chained.line
      hash = chained.hash
    }
    try {
      const file = await this.#fileFor(entries[0]!.seq)
      await this.#write(file, Buffer.from(text))
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { context: { path: this.#options.folder } })
    }
    this.#lastHash = hash
    this.#lastSeq = entries.at(-1)!.seq
  }

  /** Entries, newest first, those with a smaller seq than `before`. */
  async *newestFirst(before = Number.POSITIVE_INFINITY): AsyncGenerator<ChainedEntry> {
    for (const segment of (await this.#segments()).toReversed()) {
      if (firstSeqOf(segment) >= before) continue
      const lines = linesOf(await readFile(join(this.#options.folder, segment), 'utf8'))
      for (const line of lines.toReversed()) {
        const entry = parseLine(line)
        if (entry !== null && entry.seq < before) yield entry
      }
    }
  }

  /** Checks every line against the one before, and that none is missing at the end; null when the chain is whole. */
  async verify(): Promise<ChainFault | null> {
    let previous: ChainedEntry | null = null
    for (const segment of await this.#segments()) {
      const text = await readFile(join(this.#options.folder, segment), 'utf8')
      // A last line without its end can only have been changed: what a power cut tore was cut off at the start.
      const isTorn = !text.endsWith('\n')
      const lines = isTorn ? text.split('\n') : linesOf(text)
      for (const [index, line] of lines.entries()) {
        const entry = isTorn && index === lines.length - 1 ? null : parseLine(line)
        const expected: number = previous === null ? firstSeqOf(segment) : previous.seq + 1
        if (entry === null) return { seq: expected, message: `Entry ${expected} cannot be read` }
        if (entry.seq !== expected)
          return { seq: expected, message: `Entry ${expected} is missing: ${entry.seq} stands there` }
        // The line before the oldest segment is gone with it; its hash cannot be checked.
        const isChecked = previous !== null || entry.seq === 1
        if (isChecked && !followsFrom(entry, previous?.hash ?? GENESIS))
          return { seq: entry.seq, message: `Entry ${entry.seq} or the one before was changed` }
        previous = entry
      }
    }
    const last = previous?.seq ?? 0
    return last === this.#lastSeq ? null : { seq: last + 1, message: `Entry ${last + 1} is missing at the end` }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #fileFor(seq: number): Promise<FileHandle> {
    const { folder, segmentBytes, maxSegments } = this.#options
    if (this.#file !== null && this.#size < segmentBytes) return this.#file
    await this.#file?.close()
    this.#file = null
    const file = await open(join(folder, `audit-${String(seq).padStart(8, '0')}.jsonl`), 'a', 0o600)
    this.#file = file
    this.#size = 0
    await syncFolder(folder)
    for (const old of (await this.#segments()).slice(0, -maxSegments)) await rm(join(folder, old), { force: true })
    return file
  }

  async #write(file: FileHandle, bytes: Buffer): Promise<void> {
    try {
      await file.appendFile(bytes)
      await file.datasync()
      this.#size += bytes.length
    } catch (error) {
      // Half a line would join the next one.
      await file.truncate(this.#size).catch(() => {})
      throw error
    }
  }

  async #segments(): Promise<string[]> {
    const names = await readdir(this.#options.folder)
    return names.filter((name) => SEGMENT.test(name)).toSorted((a, b) => firstSeqOf(a) - firstSeqOf(b))
  }
}

function firstSeqOf(segment: string): number {
  return Number(SEGMENT.exec(segment)![1])
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
