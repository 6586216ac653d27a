// Alarms that come together: floods over the whole plant, and single checks that chatter. Pure, over raises in order of time.

import type { AlarmCount } from '#domain/views.ts'

/** EEMUA 191, ISA-18.2 §16.5.4: a flood begins above 10 in ten minutes and ends below 5. */
const FLOOD_BEGINS_ABOVE = 10
const FLOOD_ENDS_BELOW = 5
const FLOOD_MS = 600_000

/** ISA-18.2 §16.5.5: three or more in one minute. */
const CHATTERING_COUNT = 3
const CHATTERING_MS = 60_000

export interface Flood {
  /** Unix milliseconds: the alarm with which it began. */
  readonly from: number
  /** When it was over; null: not at the end of the period. */
  readonly to: number | null
  readonly alarms: number
}

/** `end` of the period in Unix milliseconds: a flood that has not ended by then goes on. */
export function floodsOf(raises: readonly { readonly time: number }[], end: number): Flood[] {
  const floods: Flood[] = []
  let oldest = 0
  let flood: { from: number; alarms: number } | null = null
  /** Drops what is older than ten minutes at `now`, one after the other: a flood may end in between. */
  const expire = (newest: number, now: number): void => {
    while (oldest < newest && raises[oldest]!.time + FLOOD_MS <= now) {
      const over = raises[oldest]!.time + FLOOD_MS
      oldest += 1
      if (flood === null || newest - oldest >= FLOOD_ENDS_BELOW) continue
      floods.push({ ...flood, to: over })
      flood = null
    }
  }
  for (const [at, { time }] of raises.entries()) {
    expire(at, time)
    const count = at - oldest + 1
    if (flood !== null) flood.alarms += 1
    else if (count > FLOOD_BEGINS_ABOVE) flood = { from: time, alarms: count }
  }
  expire(raises.length, end)
  return flood === null ? floods : [...floods, { ...(flood as Omit<Flood, 'to'>), to: null }]
}

/** Checks that raised three times or more within a minute, with the most in one minute; most first. */
export function chatteringChecks(
  raises: readonly { readonly time: number; readonly sensor: string; readonly check: string }[],
): AlarmCount[] {
  const byCheck = Map.groupBy(raises, ({ sensor, check }) => `${sensor}/${check}`)
  const found: AlarmCount[] = []
  for (const ofOne of byCheck.values()) {
    let oldest = 0
    let most = 0
    for (const [at, { time }] of ofOne.entries()) {
      while (ofOne[oldest]!.time <= time - CHATTERING_MS) oldest += 1
      most = Math.max(most, at - oldest + 1)
    }
    const { sensor, check } = ofOne[0]!
    if (most >= CHATTERING_COUNT) found.push({ sensor, check, count: most })
  }
  return found.sort((a, b) => b.count - a.count)
}
