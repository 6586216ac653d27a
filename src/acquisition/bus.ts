// One wire: at most one job runs at a time. Writes go first; then devices round robin, the healthy ones before the suspect
// ones, so that a healthy unit never waits for more than the one time-out of a dead neighbour that is under way.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Sample } from '#kit/metrics.ts'
import { BusyTime } from './busy-time.ts'
import { MAX_WAITING_WRITES, SUSPECT_PATIENCE_MS } from './limits.ts'

/** A device, as its bus sees it. */
export interface BusMember {
  /** Its last poll was answered. */
  readonly isProven: boolean
  /** How long it keeps the wire. */
  readonly busy: BusyTime
  /** Something waits to be run. */
  readonly hasWork: boolean
  /** Runs one waiting poll; resolves when the wire is free again. Never rejects. */
  runNext(): Promise<void>
  /** The wire works again after none of its devices had answered: a good moment to try. */
  nudge(): void
}

/** A write that waits for its turn. `run` resolves when the wire is free again and never rejects. */
export interface BusWrite {
  /** Of the device that is written. */
  readonly busy: BusyTime
  run(): Promise<void>
}

interface Place {
  readonly member: BusMember
  readonly since: number
}

export class Bus {
  readonly name: string
  readonly busy: BusyTime
  readonly #timers: Clock
  readonly #members = new Set<BusMember>()
  readonly #queued = new Set<BusMember>()
  readonly #writes: BusWrite[] = []
  readonly #healthy: Place[] = []
  readonly #suspect: Place[] = []
  #isBusy = false

  constructor(name: string, timers: Clock) {
    this.name = name
    this.#timers = timers
    this.busy = new BusyTime(timers.monotonic())
  }

  get size(): number {
    return this.#members.size
  }

  join(member: BusMember): void {
    this.#members.add(member)
  }

  /** The member's waiting polls are forgotten; one under way goes on. */
  leave(member: BusMember): void {
    this.#members.delete(member)
    this.#queued.delete(member)
  }

  /** True when another device on this wire answers: then the wire itself is in order. */
  hasProvenOther(member: BusMember): boolean {
    for (const other of this.#members) if (other !== member && other.isProven) return true
    return false
  }

  /** Lets the other members try at once. */
  nudgeOthers(member: BusMember): void {
    for (const other of this.#members) if (other !== member) other.nudge()
  }

  /** Says that `member` has work. */
  enqueue(member: BusMember): void {
    if (!this.#members.has(member)) return
    this.#append(member)
    this.#pump()
  }

  /** Throws BUFFER_FULL when too many writes wait. */
  enqueueWrite(write: BusWrite): void {
    if (this.#writes.length >= MAX_WAITING_WRITES) {
      throw new TelemetryError('BUFFER_FULL', `${MAX_WAITING_WRITES} writes are waiting for ${this.name} already`, {
        retryable: true,
      })
    }
    this.#writes.push(write)
    this.#pump()
  }

  dropWrite(write: BusWrite): void {
    const position = this.#writes.indexOf(write)
    if (position !== -1) this.#writes.splice(position, 1)
  }

  #append(member: BusMember): void {
    if (this.#queued.has(member)) return
    this.#queued.add(member)
    const places = member.isProven ? this.#healthy : this.#suspect
    places.push({ member, since: this.#timers.monotonic() })
  }

  #pump(): void {
    if (this.#isBusy) return
    const write = this.#writes.shift()
    if (write !== undefined) {
      this.#occupy(write.busy, () => write.run())
      return
    }
    const member = this.#nextMember()
    if (member !== undefined) this.#occupy(member.busy, () => member.runNext(), member)
  }

  #occupy(busy: BusyTime, run: () => Promise<void>, member?: BusMember): void {
    this.#isBusy = true // before the call: it may come back here
    const startedAt = this.#timers.monotonic()
    busy.begin(startedAt)
    this.busy.begin(startedAt)
    const release = (): void => {
      this.#isBusy = false
      const endedAt = this.#timers.monotonic()
      busy.end(endedAt)
      this.busy.end(endedAt)
      // Behind those that came while it ran: round robin by device, not by poll.
      if (member?.hasWork && this.#members.has(member)) this.#append(member)
      this.#pump()
    }
    run().then(release, release)
  }

  #nextMember(): BusMember | undefined {
    for (;;) {
      const places = this.#placesToServe()
      const place = places.shift()
      if (place === undefined) return undefined
      // A member that left, or whose work was dropped meanwhile, has no claim any more.
      if (!this.#queued.has(place.member)) continue
      if (place.member.hasWork && places === this.#healthy && !place.member.isProven) {
        this.#suspect.push(place) // it failed while it stood in line
        continue
      }
      this.#queued.delete(place.member)
      if (place.member.hasWork) return place.member
    }
  }

  #placesToServe(): Place[] {
    const suspect = this.#suspect[0]
    if (this.#healthy.length === 0) return this.#suspect
    if (suspect === undefined) return this.#healthy
    return this.#timers.monotonic() - suspect.since > SUSPECT_PATIENCE_MS ? this.#suspect : this.#healthy
  }
}

/** All buses by name; a bus exists as long as it has members. */
export class Buses {
  readonly #timers: Clock
  readonly #buses = new Map<string, Bus>()

  constructor(timers: Clock) {
    this.#timers = timers
  }

  join(name: string, member: BusMember): Bus {
    let bus = this.#buses.get(name)
    if (bus === undefined) {
      bus = new Bus(name, this.#timers)
      this.#buses.set(name, bus)
    }
    bus.join(member)
    return bus
  }

  /** Seconds that each was busy, by name. */
  *busySamples(): Iterable<Sample> {
    const now = this.#timers.monotonic()
    for (const [bus, { busy }] of this.#buses) yield { labels: { bus }, value: busy.totalMs(now) / 1000 }
  }

  leave(bus: Bus, member: BusMember): void {
    bus.leave(member)
    if (bus.size === 0 && this.#buses.get(bus.name) === bus) this.#buses.delete(bus.name)
  }
}
