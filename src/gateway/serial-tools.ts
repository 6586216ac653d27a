// What people do with serial ports before one is a device: list them, and listen. The driver's files are
// loaded when they are needed.

import type { FoundPort } from '#drivers/serial/list-ports.ts'
import type { HeardAt, ListenOptions } from '#drivers/serial/listen.ts'
import { systemClock } from '#kit/clock.ts'

export type { FoundPort } from '#drivers/serial/list-ports.ts'
export type { HeardAt } from '#drivers/serial/listen.ts'

/** The serial ports of this machine. */
export async function serialPorts(): Promise<readonly FoundPort[]> {
  const { listPorts } = await import('#drivers/serial/list-ports.ts')
  return listPorts()
}

export interface SerialListening {
  readonly heard: readonly HeardAt[]
  /** Where the bytes make most sense; null when they do nowhere. */
  readonly best: HeardAt | null
}

/** Listens at all common rates, or at those given. Throws CONNECTION_FAILED, CONNECTION_LOST. */
export async function listenToPort(
  options: Omit<ListenOptions, 'clock' | 'baudRates'> & { baudRates?: readonly number[] },
): Promise<SerialListening> {
  const { bestRate, COMMON_BAUD_RATES, listenAtRates } = await import('#drivers/serial/listen.ts')
  // Without a handle of its own the system clock would let the process end amid the silence.
  const awake = setInterval(() => {}, 1000)
  try {
    const heard = await listenAtRates({ baudRates: COMMON_BAUD_RATES, ...options, clock: systemClock })
    return { heard, best: bestRate(heard) ?? null }
  } finally {
    clearInterval(awake)
  }
}
