// How long a wire, or one device on it, was busy: in all, and as a share of the last minute. Without timers and without
// allocation: the minute is a ring of slots that time itself clears.

const SLOT_MS = 5000
const SLOTS = 12
export const BUSY_WINDOW_MS = SLOTS * SLOT_MS

export class BusyTime {
  readonly #slots = new Float64Array(SLOTS)
  readonly #createdAt: number
  /** Number of the slot that `#doneUntil` lies in, counted from monotonic 0. */
  #slot: number
  /** Up to here all is accounted for. */
  #doneUntil: number
  #totalMs = 0
  #isBusy = false

  /** @param now monotonic milliseconds, here and in every call; never going back. */
  constructor(now: number) {
    this.#createdAt = now
    this.#doneUntil = now
    this.#slot = Math.floor(now / SLOT_MS)
  }

  begin(now: number): void {
    this.#account(now)
    this.#isBusy = true
  }

  end(now: number): void {
    this.#account(now)
    this.#isBusy = false
  }

  /** Milliseconds since it was made. */
  totalMs(now: number): number {
    this.#account(now)
    return this.#totalMs
  }

  /** 0 to 1, of the last minute or of the time since it was made, whichever is shorter. */
  share(now: number): number {
    this.#account(now)
    const oldestSlot = (this.#slot - SLOTS + 1) * SLOT_MS
    const spanMs = now - Math.max(this.#createdAt, oldestSlot)
    if (spanMs <= 0) return this.#isBusy ? 1 : 0
    let busyMs = 0
    for (const slotMs of this.#slots) busyMs += slotMs
    return Math.min(1, busyMs / spanMs)
  }

  #account(now: number): void {
    const last = Math.floor(now / SLOT_MS)
    if (this.#isBusy) this.#totalMs += Math.max(0, now - this.#doneUntil)
    // What lies more than a minute back is cleared below anyway.
    if (last - this.#slot > SLOTS) {
      this.#slots.fill(0)
      this.#slot = last - SLOTS
      this.#doneUntil = Math.max(this.#doneUntil, this.#slot * SLOT_MS)
    }
    for (;;) {
      const end = Math.min(now, (this.#slot + 1) * SLOT_MS)
      if (this.#isBusy) this.#slots[this.#slot % SLOTS]! += Math.max(0, end - this.#doneUntil)
      this.#doneUntil = Math.max(this.#doneUntil, end)
      if (this.#slot >= last) return
      this.#slot += 1
      this.#slots[this.#slot % SLOTS] = 0
    }
  }
}
