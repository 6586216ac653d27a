// The dead letters of one uplink: what its receiver refused for good goes into the box; people list, send again and discard.

import { deadLetter, type DeadLetterBox, type KeptLetter } from '#domain/dead-letter.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { Delivery, DeliveryResult } from '#domain/uplink.ts'
import type { Clock } from '#kit/clock.ts'
import { letterBatch } from '#kit/letter-batch.ts'
import { DISCARDED, LETTERS_FULL, type Ledger } from './ledger.ts'

export interface LettersOptions {
  readonly clock: Clock
  readonly uplink: string
  /** null: nothing is kept. */
  readonly box: DeadLetterBox | null
  readonly max: number
  readonly ledger: () => Ledger
  /** The box could not be written. */
  readonly onFailure: (cause: unknown) => void
  /** The ledger has moved. */
  readonly onChange: () => void
}

/** A letter is delivered beside the lanes, long after its time. */
const ASIDE = { lane: 'backlog', historical: true } as const

export class Letters {
  readonly #options: LettersOptions
  #held = 0
  /** Being sent again at this moment. */
  readonly #busy = new Set<number>()

  constructor(options: LettersOptions) {
    this.#options = options
  }

  get held(): number {
    return this.#held
  }

  async open(): Promise<void> {
    const { box, uplink } = this.#options
    this.#held = (await box?.count(uplink)) ?? 0
  }

  /** Keeps refused rows. The box has them before a cursor that is settled after this call. */
  keep(batch: RecordBatch, rejected: DeliveryResult['rejected']): void {
    const { box, uplink, max, clock, onFailure } = this.#options
    if (box === null) return
    const now = clock.now()
    const letters = rejected.map(({ row, reason }) => deadLetter(batch, row, reason.slice(0, 1000), now))
    box.add(uplink, letters, max).then(({ held, evicted }) => {
      this.#held = held
      if (evicted > 0) this.#giveUp(LETTERS_FULL, evicted)
    }, onFailure)
  }

  async list(after: number, limit: number): Promise<readonly KeptLetter[]> {
    const { box, uplink } = this.#options
    await this.#recount() // there may be more than at the start: a salvage brings letters over
    return (await box?.list(uplink, { after, limit })) ?? []
  }

  /** Throws letters away; answers how many there were. */
  async discard(ids: readonly number[]): Promise<number> {
    const { box, uplink } = this.#options
    const free = ids.filter((id) => !this.#busy.has(id))
    const removed = (await box?.remove(uplink, free)) ?? 0
    if (removed > 0) this.#giveUp(DISCARDED, removed)
    await this.#recount()
    return removed
  }

  /**
   * Sends one letter again. True: it arrived and is no letter any more. False: refused again. Throws NOT_FOUND, CONFLICT (it
   * is being sent), and what `deliver` throws: then it is kept.
   */
  async retry(id: number, deliver: (delivery: Delivery) => Promise<DeliveryResult>): Promise<boolean> {
    const { box, uplink, clock, max, onChange, ledger } = this.#options
    if (this.#busy.has(id)) throw new TelemetryError('CONFLICT', `Dead letter ${id} is being sent`)
    this.#busy.add(id)
    try {
      const letter = (await box?.get(uplink, id)) ?? null
      if (box === null || letter === null) throw new TelemetryError('NOT_FOUND', `There is no dead letter ${id}`)
      const { rejected } = await deliver({ batch: letterBatch(letter), rows: Uint32Array.of(0), rowCount: 1, ...ASIDE })
      const refusal = rejected[0]
      if (refusal) {
        await box.add(uplink, [{ ...letter, reason: refusal.reason, rejectedAt: clock.now() }], max)
        return false
      }
      await box.remove(uplink, [id])
      ledger().redeliver()
      await this.#recount()
      onChange()
      return true
    } finally {
      this.#busy.delete(id)
    }
  }

  async #recount(): Promise<void> {
    await this.open()
  }

  #giveUp(reason: string, count: number): void {
    this.#options.ledger().giveUpLetters(reason, count)
    this.#options.onChange()
  }
}
