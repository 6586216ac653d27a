// What is remembered of the configuration that central offered last: one small file in the uplink's own folder.

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { RevisionState } from '#domain/configuration.ts'

const FILE = 'offer.json'

/** Of the gateway's revision; `failed` also when it was never made. */
export type OfferState = RevisionState

export interface TakenOffer {
  /** Central's name for it. */
  readonly revision: string
  /** Start of the gateway in which it was taken up. */
  readonly epoch: number
  /** The gateway's number for it; null: not known yet. */
  readonly number: number | null
  readonly state: OfferState
  readonly reason: string | null
  readonly problems: readonly unknown[]
  /** The last state that central was told. */
  readonly told: OfferState | null
}

export class OfferRecord {
  readonly #folder: string | undefined
  #last: TakenOffer | null = null

  /** @param folder undefined: in memory only. */
  constructor(folder: string | undefined) {
    this.#folder = folder
  }

  async read(): Promise<TakenOffer | null> {
    if (this.#folder === undefined) return this.#last
    try {
      const parsed: unknown = JSON.parse(await readFile(join(this.#folder, FILE), 'utf8'))
      return isTaken(parsed) ? parsed : null
    } catch {
      return null // there is none, or it is damaged: the offer is then applied again, which changes nothing
    }
  }

  /** Durable when it resolves. */
  async write(taken: TakenOffer): Promise<void> {
    this.#last = taken
    if (this.#folder === undefined) return
    await mkdir(this.#folder, { recursive: true })
    const file = join(this.#folder, FILE)
    const handle = await open(`${file}.new`, 'w')
    try {
      await handle.writeFile(`${JSON.stringify(taken)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.new`, file)
  }
}

function isTaken(parsed: unknown): parsed is TakenOffer {
  if (typeof parsed !== 'object' || parsed === null) return false
  const { revision, epoch, state } = parsed as Partial<Record<keyof TakenOffer, unknown>>
  return typeof revision === 'string' && typeof epoch === 'number' && typeof state === 'string'
}
