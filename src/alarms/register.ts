// The register of alarms: at most one for each check of each sensor. Checks report conditions, operators acknowledge and
// shelve; each transition goes to the journal and to the subscribers. Bounded by the number of checks.

import {
  isOpen,
  isShown,
  isSilent,
  type Alarm,
  type AlarmChange,
  type AlarmEntry,
  type EventEntry,
} from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { Severity } from '#domain/check.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { AlarmMeasures, AlarmRegister } from '#domain/views.ts'
import { AlarmTally } from './alarm-measures.ts'
import * as machine from './alarm-state.ts'
import type { Condition, QuietCheck } from './alarm-state.ts'

export interface AlarmBookOptions {
  /** Number of this start: ids are `epoch-n`. */
  readonly epoch: number
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** Takes each transition; must not lose it. */
  readonly journal: (entry: AlarmEntry) => void
  /** Takes what is told of the alarms as a whole: floods, chattering. Default: nobody is told. */
  readonly record?: (event: EventEntry) => void
  readonly log: Log
  /** Last transition of each alarm that was open at the last stop. */
  readonly openAlarms: readonly AlarmEntry[]
}

interface Transition {
  readonly change: AlarmChange
  readonly by?: string
  readonly comment?: string | null
}

export class AlarmBook implements AlarmRegister {
  readonly #options: AlarmBookOptions
  readonly #tally: AlarmTally
  /** By sensor and check. */
  readonly #byCheck = new Map<string, Alarm>()
  /** Key in `#byCheck` by alarm id. */
  readonly #keys = new Map<string, string>()
  /** Checks that are suppressed, with and without an alarm. */
  readonly #suppressed = new Set<string>()
  readonly #listeners = new Set<(alarm: Alarm) => void>()
  #raised = 0

  constructor(options: AlarmBookOptions) {
    this.#options = options
    this.#tally = new AlarmTally({ now: options.now, record: options.record ?? (() => undefined) })
    for (const { alarm } of options.openAlarms.toSorted((a, b) => a.time - b.time)) {
      if (!isOpen(alarm)) continue
      this.#keep(alarm)
      if (alarm.suppressed) this.#suppressed.add(keyOf(alarm.sensor, alarm.check))
    }
  }

  list(): readonly Alarm[] {
    return [...this.#byCheck.values()]
  }

  get(id: string): Alarm | undefined {
    const key = this.#keys.get(id)
    return key === undefined ? undefined : this.#byCheck.get(key)
  }

  /** The alarm of one check; undefined when it has none that is open. */
  ofCheck(sensor: string, check: string): Alarm | undefined {
    return this.#byCheck.get(keyOf(sensor, check))
  }

  /** A check's condition holds: raises its alarm, or moves it to another level. */
  report(condition: Condition): void {
    const known = this.ofCheck(condition.sensor, condition.check)
    if (known?.active) {
      if (known.level !== condition.level) this.#commit(machine.changeLevel(known, condition), { change: 'level' })
      return
    }
    const group = condition.rules?.group ?? null
    const alarm = machine.raise(condition, {
      previous: known,
      newId: this.#nextId(),
      isSuppressed: this.isSuppressed(condition.sensor, condition.check),
      isFirst: group !== null && !this.#isGroupActive(group),
    })
    if (alarm.id !== known?.id) {
      this.#raised += 1
      if (known) this.#handOver(known, alarm.id)
    }
    this.#commit(alarm, { change: 'raised' })
    if (isShown(alarm)) this.#tally.raised(alarm.sensor, alarm.check)
  }

  /** A check's condition is gone; `comment` says why when it is not the value. Nothing happens without an active alarm. */
  clear(sensor: string, check: string, time: number, comment: string | null = null): void {
    const known = this.ofCheck(sensor, check)
    if (!known?.active) return
    const cleared = this.#commit(machine.clear(known, time), { change: 'cleared', comment })
    if (cleared.shelving !== 'oneShot') return
    this.#commit(machine.unshelve(cleared), {
      change: 'unshelved',
      comment: 'The one-shot shelving ends with the alarm',
    })
  }

  isSuppressed(sensor: string, check: string): boolean {
    return this.#suppressed.has(keyOf(sensor, check))
  }

  /** A check's `suppressWhen` begins or ceases to hold, or is gone; `reason` goes into the journal. */
  setSuppressed(sensor: string, check: string, isSuppressed: boolean, reason: string): void {
    const key = keyOf(sensor, check)
    if (isSuppressed === this.#suppressed.has(key)) return
    if (isSuppressed) this.#suppressed.add(key)
    else this.#suppressed.delete(key)
    const known = this.#byCheck.get(key)
    if (!known) return
    if (isSuppressed) this.#commit(machine.suppress(known), { change: 'suppressed', comment: reason })
    else this.#commit(machine.unsuppress(known), { change: 'unsuppressed', comment: reason })
  }

  acknowledge(id: string, by: string, comment: string | null): Alarm {
    const next = machine.acknowledge(this.#find(id), this.#options.now(), by)
    return this.#commit(next, { change: 'acknowledged', by, comment })
  }

  confirm(id: string, by: string, comment: string | null): Alarm {
    const next = machine.confirm(this.#find(id), this.#options.now(), by)
    return this.#commit(next, { change: 'confirmed', by, comment })
  }

  reset(id: string, by: string, comment: string | null): Alarm {
    return this.#commit(machine.reset(this.#find(id)), { change: 'reset', by, comment })
  }

  comment(id: string, by: string, text: string): Alarm {
    return this.#commit(this.#find(id), { change: 'commented', by, comment: text })
  }

  shelve(id: string, untilMs: number, by: string, comment: string | null, mode?: 'timed' | 'oneShot'): Alarm {
    const next = machine.shelve(this.#find(id), this.#options.now(), untilMs, mode)
    return this.#commit(next, { change: 'shelved', by, comment })
  }

  unshelve(id: string, by: string): Alarm {
    return this.#commit(machine.unshelve(this.#find(id)), { change: 'unshelved', by })
  }

  takeOutOfService(id: string, by: string, comment: string | null, untilMs: number | null = null): Alarm {
    const next = machine.takeOutOfService(this.#find(id), this.#options.now(), untilMs)
    return this.#commit(next, { change: 'outOfService', by, comment })
  }

  /** The same for a check, whether it has an alarm or not. Throws CONFLICT, OUT_OF_RANGE. */
  takeCheckOutOfService(
    check: QuietCheck,
    { by, comment, untilMs }: { readonly by: string; readonly comment: string | null; readonly untilMs: number | null },
  ): Alarm {
    const known = this.ofCheck(check.sensor, check.check)
    const now = this.#options.now()
    const quiet = machine.standIn(check, this.#nextId(), now)
    const isSuppressed = this.isSuppressed(check.sensor, check.check)
    const next = machine.takeOutOfService(known ?? (isSuppressed ? machine.suppress(quiet) : quiet), now, untilMs)
    if (!known) this.#raised += 1
    return this.#commit(next, { change: 'outOfService', by, comment })
  }

  /** Returns a check that nobody can return any more, because it is no longer configured; `reason` goes into the journal. */
  releaseFromService(sensor: string, check: string, reason: string): void {
    const known = this.ofCheck(sensor, check)
    if (known?.outOfService) this.#commit(machine.returnToService(known), { change: 'inService', comment: reason })
  }

  returnToService(id: string, by: string, comment: string | null): Alarm {
    return this.#commit(machine.returnToService(this.#find(id)), { change: 'inService', by, comment })
  }

  /** Ends what has a time that has come: shelving, being out of service, floods and chattering; to be called now and then. */
  tick(): void {
    this.#tally.tick()
    const now = this.#options.now()
    for (const alarm of this.#byCheck.values()) {
      const { shelvedUntil, outOfServiceUntil } = alarm
      let left = alarm
      if (shelvedUntil !== null && shelvedUntil <= now) {
        left = this.#commit(machine.unshelve(left), { change: 'unshelved', comment: 'The shelving time is over' })
      }
      if (outOfServiceUntil !== undefined && outOfServiceUntil <= now) {
        const comment = 'The time out of service is over'
        this.#commit(machine.returnToService(left), { change: 'inService', comment })
      }
    }
  }

  /** Active alarms by severity. */
  activeCounts(): Record<Severity, number> {
    const counts: Record<Severity, number> = { low: 0, medium: 0, high: 0, urgent: 0 }
    for (const alarm of this.#byCheck.values()) if (alarm.active) counts[alarm.severity] += 1
    return counts
  }

  measures(): AlarmMeasures {
    const alarms = this.list()
    const count = (isCounted: (alarm: Alarm) => boolean): number => alarms.filter(isCounted).length
    return {
      ...this.#tally.measures(),
      active: count(({ active }) => active),
      unacknowledged: count(({ acknowledged }) => !acknowledged),
      shelved: count(({ shelvedUntil }) => shelvedUntil !== null),
      suppressed: count(({ suppressed }) => suppressed === true),
      outOfService: count(({ outOfService }) => outOfService === true),
    }
  }

  subscribe(listener: (alarm: Alarm) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Shelving and being out of service go over to the new occurrence; left standing, they would come back after a restart. */
  #handOver(known: Alarm, newId: string): void {
    const comment = `Goes on with ${newId}`
    let left = known
    if (left.shelvedUntil !== null) left = this.#commit(machine.unshelve(left), { change: 'unshelved', comment })
    if (left.outOfService) this.#commit(machine.returnToService(left), { change: 'inService', comment })
  }

  #nextId(): string {
    return `${this.#options.epoch}-${this.#raised + 1}`
  }

  #isGroupActive(group: string): boolean {
    for (const alarm of this.#byCheck.values()) {
      if (alarm.group === group && alarm.active && !isSilent(alarm)) return true
    }
    return false
  }

  #find(id: string): Alarm {
    const alarm = this.get(id)
    if (!alarm) throw new TelemetryError('NOT_FOUND', `There is no open alarm ${id}`, { context: { alarm: id } })
    return alarm
  }

  #commit(next: Alarm, { change, by, comment }: Transition): Alarm {
    const time = this.#options.now()
    const isWord = by !== undefined && comment !== undefined && comment !== null
    const alarm = isWord ? { ...next, lastComment: { text: comment, by, time } } : next
    this.#keep(alarm)
    this.#options.journal({ kind: 'alarm', change, time, by: by ?? null, comment: comment ?? null, alarm })
    for (const listener of this.#listeners) this.#tell(listener, alarm)
    return alarm
  }

  #keep(alarm: Alarm): void {
    const key = keyOf(alarm.sensor, alarm.check)
    const before = this.#byCheck.get(key)
    if (before && before.id !== alarm.id) this.#keys.delete(before.id)
    if (isOpen(alarm)) {
      this.#byCheck.set(key, alarm)
      this.#keys.set(alarm.id, key)
    } else {
      this.#byCheck.delete(key)
      this.#keys.delete(alarm.id)
    }
  }

  #tell(listener: (alarm: Alarm) => void, alarm: Alarm): void {
    try {
      listener(alarm)
    } catch (error) {
      this.#options.log.error({ err: error, alarm: alarm.id }, 'A listener for alarms failed')
    }
  }
}

/** Ids hold no slash. */
function keyOf(sensor: string, check: string): string {
  return `${sensor}/${check}`
}
