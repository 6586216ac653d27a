// Keeps what detectors have learnt over a restart: in learnt.bin in the data folder, written now and then and at the stop,
// replaced as a whole. What cannot be read, or is too old to be true, is left alone with a line in the log: the detectors
// then learn anew, as at the first start.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#domain/driver.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { replaceFile } from '#kit/replace-file.ts'
import {
  decodeMemory,
  encodeHead,
  encodeState,
  sealed,
  type DetectorMemory,
  type LearntState,
} from '#pipeline/detector-memory.ts'
import { LEARNT_FILE } from './data-files.ts'

/** 2,500 sensors with `anomaly`, or 25,000 with `zscore`; further ones learn anew. */
const MAX_BYTES = 64 * 1024 ** 2
const MAX_AGE_MS = 7 * 86_400_000
/** What a kill -9 can cost, unless the file is so large that it would wear the disk: at most some 100 MB a day. */
const EVERY_MS = 900_000
const BYTES_PER_MS = 100e6 / 86_400_000
/** States encoded in one go: the event loop is not to notice. */
const AT_ONCE = 64

export interface DetectorFileOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
}

/** What the last run learnt; null: nothing of use. Never throws. */
export async function readLearnt({ dataDir, clock, log }: DetectorFileOptions): Promise<DetectorMemory | null> {
  const path = join(dataDir, LEARNT_FILE)
  try {
    const { size } = await stat(path)
    if (size > 2 * MAX_BYTES) throw new Error(`it has ${size} bytes`)
    const memory = decodeMemory(await readFile(path))
    if (typeof memory === 'string') throw new Error(memory)
    const ageMs = clock.now() - memory.savedAt
    if (ageMs > MAX_AGE_MS) throw new Error(`it is ${Math.round(ageMs / 86_400_000)} days old`)
    return memory
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) log.warn({ path, err: error }, 'What the detectors learnt is of no use: they learn anew')
    return null
  }
}

export class DetectorFile {
  readonly #options: DetectorFileOptions
  readonly #states: () => Iterable<LearntState>
  #timer: Timer | null = null
  #saving: Promise<void> = Promise.resolve()

  /** `states`: what is learnt now, each encoded before the next is asked for. */
  constructor(options: DetectorFileOptions, states: () => Iterable<LearntState>) {
    this.#options = options
    this.#states = states
  }

  start(): void {
    this.#schedule(0)
  }

  /** Saves a last time. Never throws. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    await this.save()
  }

  /** Saves now, after what is under way. Answers when it is durable, or has failed with a line in the log. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const bytes = await this.#write()
      if (this.#timer !== null) this.#schedule(bytes)
    })
    return this.#saving
  }

  #schedule(bytes: number): void {
    this.#timer?.cancel()
    const delayMs = Math.max(EVERY_MS, bytes / BYTES_PER_MS)
    this.#timer = this.#options.clock.after(delayMs, () => void this.save())
  }

  /** Bytes written; 0 when that failed or there is nothing. */
  async #write(): Promise<number> {
    const { dataDir, clock, log } = this.#options
    try {
      const parts: Uint8Array[] = [encodeHead(clock.now())]
      let bytes = 0
      let leftOut = 0
      for (const state of this.#states()) {
        const part = encodeState(state)
        if (bytes + part.length > MAX_BYTES) {
          leftOut += 1
          continue
        }
        bytes += part.length
        if (parts.push(part) % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      if (leftOut > 0) log.warn({ leftOut, maxBytes: MAX_BYTES }, 'Some detectors will learn anew after a restart')
      if (parts.length > 1) await replaceFile(join(dataDir, LEARNT_FILE), sealed(parts), { mode: 0o600 })
      return bytes
    } catch (error) {
      log.error({ err: error }, 'What the detectors have learnt could not be saved')
      return 0
    }
  }
}
