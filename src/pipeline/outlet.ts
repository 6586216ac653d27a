// The way out of the pipeline: readings and entries into the ring, in order. A reading that finds the ring full is counted
// as dropped; an entry waits in a bounded queue and goes first once there is room. Tells acquisition to pause in time.

import type { Entry, EventEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Clock } from '#kit/clock.ts'
import { dropCounter, type DropCounter } from '#kit/dropped.ts'
import type { Registry } from '#kit/metrics.ts'
import type { RingProducer } from '#kit/record-ring.ts'
import type { ReadingColumns } from './sensor-table.ts'

export interface OutletOptions {
  readonly ring: RingProducer
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** Entries that wait for room: each alarm has a handful of transitions, so this is thousands of alarms. */
const MAX_WAITING_ENTRIES = 16_384

/** Larger entries are refused: they would crowd out the text of the ring. */
const MAX_ENTRY_LENGTH = 64 * 1024

type EntryLoss = 'entry-too-large' | 'entry-queue-full'

interface WaitingEntry {
  readonly time: number
  readonly json: string
}

export class Outlet {
  readonly #options: OutletOptions
  readonly #ring: RingProducer
  readonly #droppedReadings: DropCounter
  readonly #droppedEntries: Readonly<Record<EntryLoss, DropCounter>>
  #waiting: WaitingEntry[] = []
  #reserve = 0
  #isBlocked = false
  #blockedSince = 0
  /** Blocked until the fill is no higher than this. */
  #resumeAt = 0
  #lostWhileBlocked = 0

  constructor(options: OutletOptions) {
    this.#options = options
    this.#ring = options.ring
    const counter = (reason: string): DropCounter => dropCounter(options.registry, 'pipeline', reason)
    this.#droppedReadings = counter('ring-full')
    this.#droppedEntries = {
      'entry-too-large': counter('entry-too-large'),
      'entry-queue-full': counter('entry-queue-full'),
    }
    this.reserveFor(0)
  }

  /**
   * Sets the headroom: when polling pauses, each sensor may still have one answer under way, and each answer may change
   * an alarm.
   */
  reserveFor(sensors: number): void {
    this.#reserve = Math.min(this.#ring.capacity >> 1, 256 + 2 * sensors)
  }

  /** Entries that wait, or the ring is blocked: `tick` has something to do. */
  get needsTick(): boolean {
    return this.#waiting.length > 0 || this.#isBlocked
  }

  /** False from when the ring is nearly full until it has drained well; always true under `dropOldest`. */
  hasRoom(): boolean {
    if (this.#ring.whenFull === 'dropOldest') return true
    const { fill, capacity } = this.#ring
    if (this.#isBlocked) {
      if (fill <= this.#resumeAt) this.#resume()
    } else if (capacity - fill < this.#reserve) {
      this.#block(fill)
    }
    return !this.#isBlocked
  }

  /** True when so many records with so much text can be taken in one go, and nothing older waits. */
  hasRoomFor(records: number, textBytes: number): boolean {
    this.#drain()
    return this.#waiting.length === 0 && this.hasRoom() && this.#ring.hasRoomFor(records, textBytes)
  }

  // Each takes one row of `readings`, whose row numbers are sensor numbers. False: the ring is full, the reading is lost.

  number(readings: ReadingColumns, row: SensorNumber): boolean {
    if (this.#waiting.length > 0) this.#drain()
    const { status, sourceTime, receivedAt, value } = readings
    const isTaken = this.#ring.pushNumber(row, status[row]!, sourceTime[row]!, receivedAt[row]!, value[row]!)
    return isTaken || this.#dropReading()
  }

  integer(readings: ReadingColumns, row: SensorNumber): boolean {
    if (this.#waiting.length > 0) this.#drain()
    const { status, sourceTime, receivedAt, bits } = readings
    const isTaken = this.#ring.pushInteger(row, status[row]!, sourceTime[row]!, receivedAt[row]!, bits[row]!)
    return isTaken || this.#dropReading()
  }

  text(readings: ReadingColumns, row: SensorNumber): boolean {
    if (this.#waiting.length > 0) this.#drain()
    const { status, sourceTime, receivedAt, text } = readings
    const isTaken = this.#ring.pushText(row, status[row]!, sourceTime[row]!, receivedAt[row]!, text[row]!)
    return isTaken || this.#dropReading()
  }

  /** A bad reading: whatever value the row still has is not its own. */
  bad(readings: ReadingColumns, row: SensorNumber): boolean {
    if (this.#waiting.length > 0) this.#drain()
    const { status, sourceTime, receivedAt } = readings
    return this.#ring.pushNumber(row, status[row]!, sourceTime[row]!, receivedAt[row]!, 0) || this.#dropReading()
  }

  /** Takes an alarm transition or event. False when it was given up: too large, or too many wait already. */
  entry(entry: Entry): boolean {
    const json = JSON.stringify(entry, plainInteger)
    if (json.length > MAX_ENTRY_LENGTH) return this.#dropEntry(entry, 'entry-too-large')
    this.#drain()
    if (this.#waiting.length === 0 && this.#ring.pushEntry(entry.time, json)) return true
    if (this.#waiting.length >= MAX_WAITING_ENTRIES) return this.#dropEntry(entry, 'entry-queue-full')
    this.#waiting.push({ time: entry.time, json })
    this.#blockIfFull()
    return true
  }

  /** Tries again what waits, and notices when the ring has room again. */
  tick(): void {
    this.#drain()
    this.hasRoom()
  }

  #drain(): void {
    let done = 0
    while (done < this.#waiting.length) {
      const { time, json } = this.#waiting[done]!
      if (!this.#ring.pushEntry(time, json)) break
      done += 1
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done)
  }

  #dropReading(): false {
    this.#droppedReadings.inc()
    this.#blockIfFull()
    this.#lostWhileBlocked += 1
    return false
  }

  #dropEntry(entry: Entry, reason: EntryLoss): false {
    this.#droppedEntries[reason].inc()
    this.#options.log.error({ kind: entry.kind, reason }, 'An entry for the journal was given up')
    return false
  }

  #blockIfFull(): void {
    if (!this.#isBlocked && this.#ring.whenFull === 'block') this.#block(this.#ring.fill)
  }

  #block(fill: number): void {
    const { clock, log } = this.#options
    this.#isBlocked = true
    this.#blockedSince = clock.monotonic()
    this.#lostWhileBlocked = 0
    // Text can fill up before the records do: then the ring must drain from wherever it stands.
    this.#resumeAt = Math.min(this.#ring.capacity - this.#reserve, fill) >> 1
    const message = `The buffer is nearly full (${fill} of ${this.#ring.capacity} records): polling pauses`
    log.warn({ fill, capacity: this.#ring.capacity }, 'The ring is nearly full: polling pauses')
    this.#event('ring-blocked', 'warning', message, { fill, capacity: this.#ring.capacity })
  }

  #resume(): void {
    const { clock, log } = this.#options
    this.#isBlocked = false
    const blockedMs = Math.round(clock.monotonic() - this.#blockedSince)
    const lostReadings = this.#lostWhileBlocked
    const data = { blockedMs, lostReadings }
    log.info(data, 'The ring has room again: polling goes on')
    const lost = lostReadings === 0 ? 'nothing was lost' : `${lostReadings} readings were lost`
    this.#event('ring-resumed', 'info', `The buffer has room again after ${blockedMs} ms; ${lost}`, data)
  }

  #event(type: string, severity: EventEntry['severity'], message: string, data: Record<string, unknown>): void {
    this.entry({ kind: 'event', type, severity, time: this.#options.clock.now(), message, source: 'gateway', data })
  }
}

/** 64-bit integers in an event's data are written as decimal text. */
function plainInteger(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
