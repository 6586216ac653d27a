// Databases that were set aside and what is still to be brought over from them: begun when one is found damaged, gone on
// with at the next start if that was interrupted, tried again when the disk refused.

import type { BlockCodec } from './block-codec.ts'
import type { FolderLock } from './lock.ts'
import type { FromStore } from './protocol.ts'
import { salvage, type Salvaged } from './salvage.ts'
import { forgetProgress } from './salvage-progress.ts'
import type { StoreTables } from './tables.ts'
import type { Turns } from './turns.ts'

const RETRY_MS = 30_000

export interface RescueOptions {
  readonly dataDir: string
  readonly lock: FolderLock
  readonly tables: () => StoreTables
  readonly turns: Turns
  readonly codec: BlockCodec
  readonly send: (message: FromStore) => void
  readonly onError: (error: unknown) => void
}

export class Rescue {
  readonly #options: RescueOptions
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #isStopped = false

  constructor(options: RescueOptions) {
    this.#options = options
  }

  /** A database was just set aside. */
  begin(file: string, reason: string): void {
    const message = `The database was damaged (${reason}) and is set aside as ${file}; a new one was begun`
    const { send } = this.#options
    send({ type: 'event', event: { type: 'store-quarantined', severity: 'error', message, data: { file } } })
    send({
      type: 'log',
      level: 'error',
      fields: { file, reason },
      message: 'The database was damaged and is set aside',
    })
    this.#isRunning = false // what ran wrote into the database that is aside now
    this.resume()
  }

  /** Brings over what is left to be brought over, the newest file first: it tells how far the older ones were. */
  resume(): void {
    const file = this.#options.lock.salvages().at(-1)
    if (file === undefined || this.#isRunning) return
    this.#isRunning = true
    const { dataDir, tables, turns, codec, onError } = this.#options
    const target = tables()
    turns
      .background(salvage({ folder: dataDir, file, tables: target, codec }))
      .then((salvaged) => this.#ended(file, salvaged))
      .catch((error: unknown) => {
        if (tables() !== target) return
        this.#isRunning = false
        if (!this.#isStopped) this.#timer = setTimeout(() => this.resume(), RETRY_MS)
        onError(error)
      })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #ended(name: string, { readings, entries, unreadable }: Salvaged): void {
    const { lock, tables, send } = this.#options
    lock.endSalvage(name)
    forgetProgress(tables(), name)
    const message = `${readings} readings and ${entries} alarms and events were recovered from ${name}; ${unreadable} parts of it cannot be read`
    const data = { file: name, readings, entries, unreadable }
    send({ type: 'event', event: { type: 'store-salvaged', severity: 'info', message, data } })
    this.#isRunning = false
    this.resume()
  }
}
