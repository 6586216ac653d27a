// What the uplink benchmark needs of each kind. A file beside this one for each kind exports `contender`.

import type { UplinkKind } from '#domain/uplink.ts'

export interface Contender {
  readonly type: string
  /** What the machine must have for it; null when it is there. */
  readonly missing: string | null
  /** Starts the real receiver, in a process of its own: its CPU must not count. */
  open(): Promise<OpenContender>
}

export interface OpenContender {
  readonly kind: UplinkKind
  /** Decoded configuration of an uplink to the receiver. */
  readonly config: unknown
  /**
   * The bare client library: sends readings that are ready, as many under way as the uplink has at most, until `seconds` are
   * over; answers how many were acknowledged.
   */
  bare(seconds: number): Promise<number>
  close(): Promise<void>
}

/** Readings under way at most: 4 batches of 500. */
export const WINDOW = 2000
export const SENSORS = 1000
export const SENSOR_IDS: readonly string[] = Array.from({ length: SENSORS }, (_, n) => `press-${n % 20}.sensor-${n}`)
