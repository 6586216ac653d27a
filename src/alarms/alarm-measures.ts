// What is watched of the alarms as they come: floods, and checks that chatter. Both are told as events. Figures over a
// period are worked out of the journal (src/api/measures). Memory: three numbers for each check that has raised an alarm.

import type { EventEntry } from '#domain/alarm.ts'
import type { AlarmMeasures } from '#domain/views.ts'

/** EEMUA 191, ISA-18.2 §16.5.4: a flood begins above 10 in ten minutes and ends below 5. */
const FLOOD_BEGINS_ABOVE = 10
const FLOOD_ENDS_BELOW = 5
const FLOOD_MS = 600_000
/** The last ten minutes slide by this. */
const CELL_MS = 10_000
const CELLS = FLOOD_MS / CELL_MS

/** ISA-18.2 §16.5.5: three or more in one minute. */
const CHATTERING_COUNT = 3
const CHATTERING_MS = 60_000

interface CheckCounts {
  readonly sensor: string
  readonly check: string
  /** Times of the last raises, oldest first; at most CHATTERING_COUNT. */
  recent: number[]
  isChattering: boolean
}

export interface AlarmTallyOptions {
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** Takes the beginning and the end of floods and of chattering. */
  readonly record: (event: EventEntry) => void
}

export class AlarmTally {
  readonly #options: AlarmTallyOptions
  readonly #checks = new Map<string, CheckCounts>()
  readonly #chattering = new Set<CheckCounts>()
  /** Raises by ten seconds of the last ten minutes, and the ten seconds since 1970 that each cell stands for. */
  readonly #cells = new Uint32Array(CELLS)
  readonly #cellNumbers = new Float64Array(CELLS)
  #floodSince: number | null = null
  #inFlood = 0

  constructor(options: AlarmTallyOptions) {
    this.#options = options
  }

  /** An alarm was shown to the operators. */
  raised(sensor: string, check: string): void {
    const now = this.#options.now()
    const number = Math.floor(now / CELL_MS)
    const cell = number % CELLS
    if (this.#cellNumbers[cell] !== number) this.#cells[cell] = 0
    this.#cellNumbers[cell] = number
    this.#cells[cell]! += 1
    const counts = this.#countsOf(sensor, check)
    counts.recent.push(now)
    if (counts.recent.length > CHATTERING_COUNT) counts.recent.shift()
    if (this.#floodSince !== null) this.#inFlood += 1
    this.#watch(now)
    if (!counts.isChattering && recentOf(counts, now) >= CHATTERING_COUNT) this.#beginChattering(counts, now)
  }

  /** To be called now and then: ends what is over. */
  tick(): void {
    if (this.#floodSince === null && this.#chattering.size === 0) return
    const now = this.#options.now()
    this.#watch(now)
    for (const counts of this.#chattering) {
      if (recentOf(counts, now) > 0) continue
      counts.isChattering = false
      this.#chattering.delete(counts)
      const { sensor, check } = counts
      this.#event('alarm-chattering-ended', 'info', `The alarm ${check} of ${sensor} no longer chatters`, {
        sensor,
        check,
      })
    }
  }

  measures(): Pick<AlarmMeasures, 'inTenMinutes' | 'flood'> {
    const now = this.#options.now()
    this.#watch(now)
    return {
      inTenMinutes: this.#inTenMinutes(now),
      flood: { isActive: this.#floodSince !== null, since: this.#floodSince },
    }
  }

  #watch(now: number): void {
    const count = this.#inTenMinutes(now)
    if (this.#floodSince === null && count > FLOOD_BEGINS_ABOVE) {
      this.#floodSince = now
      this.#inFlood = count
      this.#event('alarm-flood-began', 'warning', `Alarm flood: ${count} alarms in ten minutes`, { count })
    } else if (this.#floodSince !== null && count < FLOOD_ENDS_BELOW) {
      const data = { since: this.#floodSince, count: this.#inFlood }
      this.#floodSince = null
      this.#event('alarm-flood-ended', 'info', `The alarm flood is over; it had ${data.count} alarms`, data)
    }
  }

  /** After the clock was set back, what lies ahead of it says nothing any more. */
  #inTenMinutes(now: number): number {
    const present = Math.floor(now / CELL_MS)
    let count = 0
    for (let cell = 0; cell < CELLS; cell++) {
      const number = this.#cellNumbers[cell]!
      if (number > present - CELLS && number <= present) count += this.#cells[cell]!
    }
    return count
  }

  #beginChattering(counts: CheckCounts, now: number): void {
    const { sensor, check } = counts
    counts.isChattering = true
    this.#chattering.add(counts)
    const data = { sensor, check, count: recentOf(counts, now) }
    this.#event('alarm-chattering-began', 'warning', `The alarm ${check} of ${sensor} chatters`, data)
  }

  #countsOf(sensor: string, check: string): CheckCounts {
    const key = `${sensor}/${check}`
    let counts = this.#checks.get(key)
    if (counts === undefined) {
      counts = { sensor, check, recent: [], isChattering: false }
      this.#checks.set(key, counts)
    }
    return counts
  }

  #event(type: string, severity: EventEntry['severity'], message: string, data: Record<string, unknown>): void {
    this.#options.record({
      kind: 'event',
      type,
      severity,
      time: this.#options.now(),
      message,
      source: 'gateway',
      data,
    })
  }
}

function recentOf({ recent }: CheckCounts, now: number): number {
  return recent.filter((time) => time > now - CHATTERING_MS && time <= now).length
}
