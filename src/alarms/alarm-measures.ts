// How well the alarm system serves its operators: alarms in ten minutes, floods, chattering, the ten that come most often.
// Memory: 24 numbers for each check that has ever raised an alarm, and 144 for all together.

import type { EventEntry } from '#domain/alarm.ts'
import type { AlarmCount, AlarmMeasures } from '#domain/views.ts'

/** EEMUA 191, ISA-18.2 §16.5.4: a flood begins above 10 in ten minutes and ends below 5. */
const FLOOD_BEGINS_ABOVE = 10
const FLOOD_ENDS_BELOW = 5
const SLOT_MS = 600_000
const SLOTS = 144
/** The last ten minutes slide by this. */
const RECENT_MS = 10_000
const RECENT_CELLS = SLOT_MS / RECENT_MS

/** ISA-18.2 §16.5.5: three or more in one minute. */
const CHATTERING_COUNT = 3
const CHATTERING_MS = 60_000

const HOUR_MS = 3_600_000
const HOURS = 24
const TOP = 10

interface CheckCounts {
  readonly sensor: string
  readonly check: string
  /** Raises by hour of the day, and the hour since 1970 that each cell stands for. */
  readonly byHour: Uint32Array
  readonly hours: Float64Array
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
  readonly #since: number
  readonly #checks = new Map<string, CheckCounts>()
  readonly #chattering = new Set<CheckCounts>()
  /** Raises by ten minutes, and the slot since 1970 that each cell stands for. */
  readonly #slots = new Uint32Array(SLOTS)
  readonly #slotNumbers = new Float64Array(SLOTS)
  /** Raises by ten seconds of the last ten minutes, likewise. */
  readonly #recent = new Uint32Array(RECENT_CELLS)
  readonly #recentNumbers = new Float64Array(RECENT_CELLS)
  #floodSince: number | null = null
  #floods = 0
  #inFlood = 0

  constructor(options: AlarmTallyOptions) {
    this.#options = options
    this.#since = options.now()
  }

  /** An alarm was shown to the operators. */
  raised(sensor: string, check: string): void {
    const now = this.#options.now()
    addTo(this.#slots, this.#slotNumbers, Math.floor(now / SLOT_MS))
    addTo(this.#recent, this.#recentNumbers, Math.floor(now / RECENT_MS))
    const counts = this.#countsOf(sensor, check)
    addTo(counts.byHour, counts.hours, Math.floor(now / HOUR_MS))
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

  measures(): Pick<AlarmMeasures, 'since' | 'per10Minutes' | 'flood' | 'chattering' | 'top'> {
    const now = this.#options.now()
    this.#watch(now)
    return {
      since: this.#since,
      per10Minutes: { now: this.#inTenMinutes(now), ...this.#overSlots(now) },
      flood: { isActive: this.#floodSince !== null, since: this.#floodSince, floods: this.#floods },
      chattering: [...this.#chattering].map((counts) => countOf(counts, recentOf(counts, now))),
      top: this.#top(now),
    }
  }

  /** Mean and largest number in the whole slots since the start, at most 24 hours. */
  #overSlots(now: number): { mean: number; max: number } {
    const present = Math.floor(now / SLOT_MS)
    const first = Math.max(present - SLOTS + 1, Math.floor(this.#since / SLOT_MS))
    let sum = 0
    let max = 0
    for (let cell = 0; cell < SLOTS; cell++) {
      const slot = this.#slotNumbers[cell]!
      if (slot < first || slot > present) continue
      sum += this.#slots[cell]!
      max = Math.max(max, this.#slots[cell]!)
    }
    return { mean: sum / Math.max(1, present - first + 1), max }
  }

  #top(now: number): AlarmCount[] {
    const first = Math.floor(now / HOUR_MS) - HOURS + 1
    const counted = [...this.#checks.values()].map((counts) => {
      let count = 0
      for (let cell = 0; cell < HOURS; cell++) if (counts.hours[cell]! >= first) count += counts.byHour[cell]!
      return countOf(counts, count)
    })
    return counted
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count)
      .slice(0, TOP)
  }

  #watch(now: number): void {
    const count = this.#inTenMinutes(now)
    if (this.#floodSince === null && count > FLOOD_BEGINS_ABOVE) {
      this.#floodSince = now
      this.#floods += 1
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
    const present = Math.floor(now / RECENT_MS)
    let count = 0
    for (let cell = 0; cell < RECENT_CELLS; cell++) {
      const number = this.#recentNumbers[cell]!
      if (number > present - RECENT_CELLS && number <= present) count += this.#recent[cell]!
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
      counts = {
        sensor,
        check,
        byHour: new Uint32Array(HOURS),
        hours: new Float64Array(HOURS),
        recent: [],
        isChattering: false,
      }
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

/** Adds one to the cell of `number` in a ring of counters. */
function addTo(counters: Uint32Array, numbers: Float64Array, number: number): void {
  const cell = number % counters.length
  if (numbers[cell] !== number) {
    numbers[cell] = number
    counters[cell] = 0
  }
  counters[cell]! += 1
}

function recentOf({ recent }: CheckCounts, now: number): number {
  return recent.filter((time) => time > now - CHATTERING_MS && time <= now).length
}

function countOf({ sensor, check }: CheckCounts, count: number): AlarmCount {
  return { sensor, check, count }
}
