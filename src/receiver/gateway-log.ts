// The file of one gateway: its records as JSON lines, each batch closed by a line that says which positions it brought. A batch
// without that line was cut off by a crash: it never was acknowledged, and is removed at the next start.
//
//   {"id":"edge-01/3/1042","sensor":"press-1.pressure","t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good"}
//   {"batch":[3,[[1001,1500]]]}                                      epoch, and ranges of seqs

import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { ReceivedPositions, type SeqRange } from './dedupe.mjs'

const CLOSING = '{"batch":['
const CLOSING_BYTES = Buffer.from(CLOSING)
const LINE_FEED = 0x0a

/** Who waits for the disk. */
interface Settler {
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

export class GatewayLog {
  readonly positions: ReceivedPositions
  readonly #file: FileHandle
  #waiting: string[] = []
  #settlers: Settler[] = []
  #isWriting = false
  #isClosed = false
  #failure: TelemetryError | null = null
  #idle: () => void = () => {}

  private constructor(file: FileHandle, positions: ReceivedPositions) {
    this.#file = file
    this.positions = positions
  }

  /** Opens or makes the file and learns what it has. Throws STORE_IO. */
  static async open(path: string): Promise<GatewayLog> {
    let file: FileHandle | null = null
    try {
      file = await open(path, 'a+')
      const { length, positions } = await read(path)
      await file.truncate(length)
      await file.datasync() // what it has counts from now on, also if nobody had synced it before
      return new GatewayLog(file, positions)
    } catch (cause) {
      await file?.close()
      throw toTelemetryError(cause, 'STORE_IO', { retryable: true, context: { path } })
    }
  }

  /**
   * Puts a batch behind the others; resolves when it, and all before it, are on the disk. Batches that come meanwhile share
   * the next sync. After a failure nothing is taken any more: what the file has is known again only by opening it.
   */
  append(lines: string, epoch: number, ranges: readonly SeqRange[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    this.#waiting.push(`${lines}${CLOSING}${epoch},${JSON.stringify(ranges)}]}\n`)
    return this.settled()
  }

  /** Resolves when everything appended so far is on the disk. */
  settled(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#settlers.push({ resolve, reject })
      if (!this.#isWriting) void this.#write()
    })
  }

  /** Waits for what is being written. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isWriting) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#failure ??= new TelemetryError('ABORTED', 'The receiver has stopped', { retryable: true })
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#file.close()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#settlers.length > 0 && !this.#failure) {
      const text = this.#waiting.join('')
      const settlers = this.#settlers
      this.#waiting = []
      this.#settlers = []
      try {
        if (text !== '') {
          await this.#file.appendFile(text)
          await this.#file.datasync()
        }
        for (const settler of settlers) settler.resolve()
      } catch (cause) {
        this.#fail(cause, settlers)
      }
    }
    this.#isWriting = false
    this.#idle()
  }

  #fail(cause: unknown, settlers: readonly Settler[]): void {
    this.#failure = new TelemetryError('STORE_IO', 'The receiver cannot write its file', { retryable: true, cause })
    for (const settler of [...settlers, ...this.#settlers]) settler.reject(this.#failure)
    this.#settlers = []
    this.#waiting = []
  }
}

/** Positions of the batches that are whole, and the length of the file up to the last of them. */
async function read(path: string): Promise<{ length: number; positions: ReceivedPositions }> {
  const positions = new ReceivedPositions()
  let length = 0
  for await (const { bytes, end } of linesOf(path)) {
    if (!bytes.subarray(0, CLOSING.length).equals(CLOSING_BYTES)) continue
    const closing = parseClosing(bytes.toString())
    if (closing === null) continue // cut off: nobody was told that it is there
    for (const [first, last] of closing.ranges) positions.add(closing.epoch, first, last)
    length = end
  }
  return { length, positions }
}

/**
 * Lines that have their end, and where they end. By bytes: node:readline would also end a line at U+2028 and U+2029, which stand
 * in JSON as they are.
 */
async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; end: number }> {
  let begun: Buffer[] = []
  let offset = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      const last = chunk.subarray(from, at)
      from = at + 1
      yield { bytes: begun.length === 0 ? last : Buffer.concat([...begun, last]), end: offset + from }
      begun = []
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
    offset += chunk.length
  }
}

function parseClosing(line: string): { epoch: number; ranges: readonly SeqRange[] } | null {
  try {
    const { batch } = JSON.parse(line) as { batch: readonly [number, readonly SeqRange[]] } // written by `append`
    return { epoch: batch[0], ranges: batch[1] }
  } catch {
    return null
  }
}
