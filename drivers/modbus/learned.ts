// What a device has taught about itself by refusing reads: addresses that no merged read may contain, points that are
// refused even alone, and the longest read that it answers. Pure but for remembering; never forgets that something can
// be read again: refused points are asked again, ever more rarely.

import { isBitTable, type Register } from './point.ts'
import type { PlanKnowledge, Span } from './plan-requests.ts'

/** A refused point is asked again after this time, and then after twice the time before. A PLC may be loading its program. */
const FIRST_RETRY_MS = 10_000
const LAST_RETRY_MS = 600_000

interface RefusedCell {
  readonly span: Span
  exception: number
  delayMs: number
  retryAt: number
}

/** Widths of reads that were answered, and that were refused for their length. */
interface Lengths {
  answered: number
  refused: number
}

export class Learned implements PlanKnowledge {
  readonly #barriers: Span[] = []
  readonly #cells = new Map<string, RefusedCell>()
  readonly #lengths = {
    bits: { answered: 0, refused: Number.POSITIVE_INFINITY },
    words: { answered: 0, refused: Number.POSITIVE_INFINITY },
  }
  #version = 0

  /** Grows whenever plans made before are out of date. */
  get version(): number {
    return this.#version
  }

  refuses(span: Span): boolean {
    for (const barrier of this.#barriers) if (contains(span, barrier)) return true
    for (const cell of this.#cells.values()) if (contains(span, cell.span)) return true
    return false
  }

  refusesAlone(span: Span): boolean {
    return this.#cells.has(keyOf(span))
  }

  /** Halves the interval between what was answered and what was refused, until the exact length is known. */
  longest(register: Register, configured: number): number {
    const { answered, refused } = this.#lengthsOf(register)
    if (refused > configured) return configured
    return answered + Math.max(answered === 0 ? 1 : 0, Math.floor((refused - answered) / 2))
  }

  /** True when a read of this width was answered in this kind of table. */
  hasAnswered({ register, width }: Span): boolean {
    return this.#lengthsOf(register).answered >= width
  }

  /** Exception with which a point was last refused when it was asked for alone. */
  exceptionOf(span: Span): number | undefined {
    return this.#cells.get(keyOf(span))?.exception
  }

  isRetryDue(span: Span, nowMs: number): boolean {
    return (this.#cells.get(keyOf(span))?.retryAt ?? nowMs) <= nowMs
  }

  /** Lets every refused point be asked again at once: after a new connection the device may be another one. */
  retryAll(): void {
    for (const cell of this.#cells.values()) cell.retryAt = Number.NEGATIVE_INFINITY
  }

  noteAnswer(span: Span): void {
    const lengths = this.#lengthsOf(span.register)
    if (span.width > lengths.answered) {
      if (lengths.refused !== Number.POSITIVE_INFINITY) this.#version += 1
      lengths.answered = span.width
      // A longer one is answered now than was once refused: the device has changed.
      if (lengths.refused <= span.width) lengths.refused = Number.POSITIVE_INFINITY
    }
    if (this.#cells.size > 0 && this.#cells.delete(keyOf(span))) this.#version += 1
  }

  /** The addresses of one point were refused alone. `nowMs`: monotonic. */
  noteRefusedAlone(span: Span, exception: number, nowMs: number): void {
    const known = this.#cells.get(keyOf(span))
    const delayMs = known === undefined ? FIRST_RETRY_MS : Math.min(LAST_RETRY_MS, known.delayMs * 2)
    this.#cells.set(keyOf(span), { span, exception, delayMs, retryAt: nowMs + delayMs })
    if (known === undefined) this.#version += 1
  }

  /** No read that contains these addresses is answered, though points around them are. */
  noteBarrier({ register, address, width }: Span): void {
    this.#barriers.push({ register, address, width })
    this.#version += 1
  }

  noteTooLong({ register, width }: Span): void {
    const lengths = this.#lengthsOf(register)
    if (width >= lengths.refused) return
    lengths.refused = width
    if (lengths.answered >= width) lengths.answered = width - 1 // it has changed its mind
    this.#version += 1
  }

  #lengthsOf(register: Register): Lengths {
    return isBitTable(register) ? this.#lengths.bits : this.#lengths.words
  }
}

function contains(outer: Span, inner: Span): boolean {
  return (
    outer.register === inner.register &&
    outer.address <= inner.address &&
    outer.address + outer.width >= inner.address + inner.width
  )
}

function keyOf({ register, address, width }: Span): string {
  return `${register} ${address} ${width}`
}
