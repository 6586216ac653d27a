// A reading sink that remembers what a driver gave it, and a driver's context that remembers what it was told.

import type { DriverContext, Log } from '#domain/driver.ts'
import { isBad, statusName } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Value } from '#domain/value.ts'

/** One result: a value, or the name of the bad status. */
export type Result = { readonly value: Value } | { readonly bad: string }

export class RecordingSink implements ReadingSink {
  /** Results by sensor number, in the order in which they came. */
  readonly results = new Map<number, Result[]>()

  number(sensor: number, value: number, status: number): void {
    this.#add(sensor, value, status)
  }

  integer(sensor: number, value: bigint, status: number): void {
    this.#add(sensor, value, status)
  }

  text(sensor: number, value: string, status: number): void {
    this.#add(sensor, value, status)
  }

  bad(sensor: number, status: number): void {
    if (!isBad(status)) throw new Error(`bad() was called with ${statusName(status)}`)
    this.#keep(sensor, { bad: statusName(status) })
  }

  /** The one result of a sensor; throws when it has none or several. */
  only(sensor: number): Result {
    const results = this.results.get(sensor) ?? []
    if (results.length !== 1) throw new Error(`Sensor ${sensor} has ${results.length} results`)
    return results[0]!
  }

  /** Every value that was given, of any sensor. */
  get values(): Value[] {
    return [...this.results.values()].flat().flatMap((result) => ('value' in result ? [result.value] : []))
  }

  #add(sensor: number, value: Value, status: number): void {
    if (isBad(status)) throw new Error(`A value came with ${statusName(status)}`)
    this.#keep(sensor, { value })
  }

  #keep(sensor: number, result: Result): void {
    const results = this.results.get(sensor)
    if (results === undefined) this.results.set(sensor, [result])
    else results.push(result)
  }
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export class RecordingContext implements DriverContext {
  readonly log = silent
  readonly lostCauses: unknown[] = []
  readonly errors = new Map<string, number>()

  now(): number {
    return Date.UTC(2026, 0, 1)
  }

  lost(cause: unknown): void {
    this.lostCauses.push(cause)
  }

  countError(kind: string): void {
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
  }
}
