// The small tables: numbers of sensors, cursors of readers, marks of the store itself.

import type { Database, Statement } from 'better-sqlite3'
import { comparePositions, type Bookmark, type Position } from '#domain/journal.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'

export interface SensorIdentity {
  readonly id: string
  readonly valueType: ValueType
}

/** Numbers of sensors: durable, one for each (id, value type); those that were forgotten leave gaps. */
export class SensorDictionary {
  readonly #db: Database
  readonly #identities = new Map<SensorNumber, SensorIdentity>()
  readonly #numbers = new Map<string, SensorNumber>()
  readonly #byId = new Map<string, SensorNumber[]>()
  /** Those that this run writes to. */
  readonly #used = new Set<SensorNumber>()
  #next = 0

  constructor(db: Database) {
    this.#db = db
    const rows = db.prepare<[], { number: number; id: string; value_type: ValueType }>(
      'SELECT number, id, value_type FROM sensor ORDER BY number',
    )
    for (const row of rows.iterate()) this.#learn({ id: row.id, valueType: row.value_type }, row.number)
  }

  get size(): number {
    return this.#identities.size
  }

  /** In order of their numbers. */
  all(): ReadonlyMap<SensorNumber, SensorIdentity> {
    return this.#identities
  }

  /** Numbers that this run has not asked for. */
  unused(): SensorNumber[] {
    return [...this.#identities.keys()].filter((number) => !this.#used.has(number))
  }

  /** Forgets numbers that nothing is stored under any more. They are given again only after a restart. */
  forget(numbers: readonly SensorNumber[]): void {
    const remove = this.#db.prepare<[number]>('DELETE FROM sensor WHERE number = ?')
    this.#db.transaction(() => numbers.forEach((number) => remove.run(number)))()
    for (const number of numbers) {
      const identity = this.#identities.get(number)!
      this.#identities.delete(number)
      this.#numbers.delete(keyOf(identity))
      const left = this.numbersOf(identity.id).filter((other) => other !== number)
      if (left.length > 0) this.#byId.set(identity.id, left)
      else this.#byId.delete(identity.id)
    }
  }

  /** Takes the sensors of another database over with their numbers: for one that had to be made anew. */
  takeOver(from: SensorDictionary): void {
    const insert = this.#db.prepare('INSERT INTO sensor (number, id, value_type) VALUES (?, ?, ?)')
    this.#db.transaction(() => {
      for (const [number, { id, valueType }] of from.#identities) insert.run(number, id, valueType)
    })()
    for (const [number, identity] of from.#identities) this.#learn(identity, number)
    for (const number of from.#used) this.#used.add(number)
    this.#next = Math.max(this.#next, from.#next)
  }

  /** Numbers of the sensors; new ones are durable when it returns, if `synchronous` was set so by the caller. */
  register(sensors: readonly SensorIdentity[]): SensorNumber[] {
    const known = this.#next
    const added: SensorIdentity[] = []
    const pending = new Map<string, SensorNumber>()
    const numbers = sensors.map((sensor) => {
      const key = keyOf(sensor)
      const number = this.#numbers.get(key) ?? pending.get(key)
      if (number !== undefined) return number
      added.push(sensor)
      pending.set(key, known + added.length - 1)
      return known + added.length - 1
    })
    if (added.length > 0) {
      const insert = this.#db.prepare('INSERT INTO sensor (number, id, value_type) VALUES (?, ?, ?)')
      this.#db.transaction(() =>
        added.forEach((sensor, index) => insert.run(known + index, sensor.id, sensor.valueType)),
      )()
      added.forEach((sensor, index) => this.#learn(sensor, known + index))
    }
    for (const number of numbers) this.#used.add(number)
    return numbers
  }

  /** Every number that an id has had, one for each value type. */
  numbersOf(id: string): readonly SensorNumber[] {
    return this.#byId.get(id) ?? []
  }

  valueType(sensor: SensorNumber): ValueType {
    return this.#identities.get(sensor)?.valueType ?? 'number'
  }

  readonly isInteger = (sensor: SensorNumber): boolean => {
    const type = this.#identities.get(sensor)?.valueType
    return type === 'int64' || type === 'uint64'
  }

  #learn(sensor: SensorIdentity, number: SensorNumber): void {
    this.#identities.set(number, sensor)
    this.#next = Math.max(this.#next, number + 1)
    this.#numbers.set(keyOf(sensor), number)
    const numbers = this.#byId.get(sensor.id)
    if (numbers) numbers.push(number)
    else this.#byId.set(sensor.id, [number])
  }
}

function keyOf(sensor: SensorIdentity): string {
  return `${sensor.id} ${sensor.valueType}`
}

/** Cursors of journal readers. Those of this run hold the journal back from being deleted. */
export class ReaderTable {
  readonly #bookmarks = new Map<string, Bookmark>()
  readonly #active = new Set<string>()
  readonly #dirty = new Set<string>()
  readonly #upsert: Statement<[string, number, number, string | null]>

  constructor(db: Database) {
    this.#upsert = db.prepare(
      'INSERT INTO reader (name, epoch, seq, note) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, note = excluded.note',
    )
    const rows = db.prepare<[], { name: string; epoch: number; seq: number; note: string | null }>(
      'SELECT name, epoch, seq, note FROM reader',
    )
    for (const { name, epoch, seq, note } of rows.iterate())
      this.#bookmarks.set(name, { epoch, seq, ...(note === null ? {} : { note }) })
  }

  /** Cursor of a reader, which from now on holds the journal. */
  open(name: string): Bookmark | null {
    this.#active.add(name)
    return this.#bookmarks.get(name) ?? null
  }

  settle(name: string, position: Position, note: string | undefined): void {
    this.#active.add(name)
    const known = this.#bookmarks.get(name)
    if (known && comparePositions(known, position) > 0) return
    const kept = note ?? known?.note
    this.#bookmarks.set(name, {
      epoch: position.epoch,
      seq: position.seq,
      ...(kept === undefined ? {} : { note: kept }),
    })
    this.#dirty.add(name)
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0
  }

  /** Writes the changed cursors within the caller's transaction; `confirm` after its commit. */
  write(): void {
    for (const name of this.#dirty) {
      const { epoch, seq, note } = this.#bookmarks.get(name)!
      this.#upsert.run(name, epoch, seq, note ?? null)
    }
  }

  confirm(): void {
    this.#dirty.clear()
  }

  /** Marks every cursor as changed: for a database that had to be made anew. */
  takeOver(from: ReaderTable): void {
    for (const [name, bookmark] of from.#bookmarks) {
      this.#bookmarks.set(name, bookmark)
      this.#dirty.add(name)
    }
    for (const name of from.#active) this.#active.add(name)
  }

  /**
   * What every reader has settled; null when there is no reader. A reader without a cursor needs all. `isEarly`: the
   * readers of this run may not have asked yet, so those of earlier runs count too.
   */
  oldest(isEarly: boolean): Position | null {
    let oldest: Position | null = null
    const names = isEarly ? new Set([...this.#active, ...this.#bookmarks.keys()]) : this.#active
    for (const name of names) {
      const position = this.#bookmarks.get(name) ?? { epoch: 0, seq: 0 }
      if (!oldest || comparePositions(position, oldest) < 0) oldest = position
    }
    return oldest
  }
}

/** Marks by name: the last epoch, how far the journal is compacted. */
export class MetaTable {
  readonly #get: Statement<[string], { value: number }>
  readonly #set: Statement<[string, number]>

  constructor(db: Database) {
    this.#get = db.prepare('SELECT value FROM meta WHERE name = ?')
    this.#set = db.prepare(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    )
  }

  get(name: MetaName): number {
    return this.#get.get(name)?.value ?? 0
  }

  set(name: MetaName, value: number): void {
    this.#set.run(name, value)
  }
}

/**
 * `compacted`: number of the first block that is not in the history yet. `journalled` and `nextBlock` stand for an emptied
 * journal; `salvage:…` tells how far a salvage has come.
 */
export type MetaName = 'epoch' | 'compacted' | 'journalled' | 'nextBlock' | `salvage:${string}`
