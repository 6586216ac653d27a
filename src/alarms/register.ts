// The register of alarms: at most one for each check of each sensor. Checks report conditions, operators acknowledge and
// shelve; each transition goes to the journal and to the subscribers. Bounded by the number of checks.

import type { Alarm, AlarmChange, AlarmEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { Severity } from '#domain/check.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { AlarmRegister } from '#domain/views.ts'
import { acknowledge, changeLevel, clear, isOpen, raise, shelve, unshelve, type Condition } from './alarm-state.ts'

export interface AlarmBookOptions {
  /** Number of this start: ids are `epoch-n`. */
  readonly epoch: number
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** Takes each transition; must not lose it. */
  readonly journal: (entry: AlarmEntry) => void
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
  /** By sensor and check. */
  readonly #byCheck = new Map<string, Alarm>()
  /** Key in `#byCheck` by alarm id. */
  readonly #keys = new Map<string, string>()
  readonly #listeners = new Set<(alarm: Alarm) => void>()
  #raised = 0

  constructor(options: AlarmBookOptions) {
    this.#options = options
    for (const { alarm } of options.openAlarms.toSorted((a, b) => a.time - b.time)) {
      if (isOpen(alarm)) this.#keep(alarm)
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
      if (known.level !== condition.level) this.#commit(changeLevel(known, condition), { change: 'level' })
      return
    }
    const alarm = raise(known, `${this.#options.epoch}-${this.#raised + 1}`, condition)
    if (alarm.id !== known?.id) {
      this.#raised += 1
      // Its shelving goes over to the new occurrence; left standing, it would come back after a restart.
      if (known) this.#commit(unshelve(known), { change: 'unshelved', comment: `Goes on with ${alarm.id}` })
    }
    this.#commit(alarm, { change: 'raised' })
  }

  /** A check's condition is gone; `comment` says why when it is not the value. Nothing happens without an active alarm. */
  clear(sensor: string, check: string, time: number, comment: string | null = null): void {
    const known = this.ofCheck(sensor, check)
    if (known?.active) this.#commit(clear(known, time), { change: 'cleared', comment })
  }

  acknowledge(id: string, by: string, comment: string | null): Alarm {
    return this.#commit(acknowledge(this.#find(id), this.#options.now(), by), { change: 'acknowledged', by, comment })
  }

  shelve(id: string, untilMs: number, by: string, comment: string | null): Alarm {
    return this.#commit(shelve(this.#find(id), this.#options.now(), untilMs), { change: 'shelved', by, comment })
  }

  unshelve(id: string, by: string): Alarm {
    return this.#commit(unshelve(this.#find(id)), { change: 'unshelved', by })
  }

  /** Ends the shelvings whose time has come; to be called now and then. */
  expireShelvings(): void {
    const now = this.#options.now()
    for (const alarm of this.#byCheck.values()) {
      if (alarm.shelvedUntil === null || alarm.shelvedUntil > now) continue
      this.#commit(unshelve(alarm), { change: 'unshelved', comment: 'The shelving time is over' })
    }
  }

  /** Active alarms by severity. */
  activeCounts(): Record<Severity, number> {
    const counts: Record<Severity, number> = { low: 0, medium: 0, high: 0, urgent: 0 }
    for (const alarm of this.#byCheck.values()) if (alarm.active) counts[alarm.severity] += 1
    return counts
  }

  subscribe(listener: (alarm: Alarm) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #find(id: string): Alarm {
    const alarm = this.get(id)
    if (!alarm) throw new TelemetryError('NOT_FOUND', `There is no open alarm ${id}`, { context: { alarm: id } })
    return alarm
  }

  #commit(alarm: Alarm, { change, by, comment }: Transition): Alarm {
    this.#keep(alarm)
    const time = this.#options.now()
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
