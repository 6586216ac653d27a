// Faults of a device's line: what its answers suffer while they are active.

export const LINE_FAULTS = [
  'silence',
  'hang-up',
  'late',
  'garbage',
  'half-frame',
  'wrong-unit',
  'wrong-transaction',
  'exception',
  'refuse',
] as const

export type LineFault = (typeof LINE_FAULTS)[number]

export interface LineFaultSettings {
  /** Of `late`. */
  readonly delayMs?: number
  /** Of `exception`: the code of the protocol. */
  readonly code?: number
}

/** Those that are active now. */
export class LineFaults {
  /** Told of each change. */
  onChange: () => void = () => {}
  readonly #active = new Map<LineFault, LineFaultSettings>()

  set(fault: LineFault, isActive: boolean, settings: LineFaultSettings = {}): void {
    if (isActive) this.#active.set(fault, settings)
    else this.#active.delete(fault)
    this.onChange()
  }

  has(fault: LineFault): boolean {
    return this.#active.has(fault)
  }

  /** By how much answers are late; 0: not at all. */
  get delayMs(): number {
    return this.#active.get('late')?.delayMs ?? 0
  }

  /** With which code requests are refused; null: they are not. */
  get exceptionCode(): number | null {
    return this.has('exception') ? (this.#active.get('exception')?.code ?? 4) : null
  }
}

/** What is sent instead of a whole message; `null` for nothing. Frames of Modbus have faults of their own besides. */
export function spoil(message: Buffer, faults: LineFaults, random: () => number): Buffer | null {
  if (faults.has('silence')) return null
  if (faults.has('garbage')) return Buffer.from(Array.from(message.subarray(0, 64), () => Math.floor(random() * 256)))
  if (faults.has('half-frame')) return message.subarray(0, Math.max(1, message.length >> 1))
  return message
}
