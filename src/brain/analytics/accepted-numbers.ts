// From accepted records to numbers: good readings of numeric and boolean sensors; all else says nothing to a detector.

import { ENTRY } from '#domain/reading.ts'
import { isGood } from '#domain/quality.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { ValueType } from '#domain/value.ts'
import type { AcceptedRecords } from '../service.ts'

export interface SensorKey {
  readonly tenant: string
  readonly gateway: string
  /** Full id. */
  readonly sensor: string
}

/** `time` in Unix milliseconds. */
export type TakeNumber<S> = (state: S, value: number, time: number, row: number) => void

/** One per listener: what it keeps for each sensor, found by number and not by name. */
export class SensorStates<S> {
  readonly #make: (key: SensorKey) => S | null
  readonly #gateways = new Map<
    string,
    Map<number, { readonly id: string; readonly type: ValueType; readonly state: S | null }>
  >()

  /** @param make what is kept for a sensor; null: nothing, its readings are passed over. */
  constructor(make: (key: SensorKey) => S | null) {
    this.#make = make
  }

  /** Forgets all: what is kept is asked for again. */
  clear(): void {
    this.#gateways.clear()
  }

  /** Hands on each number of the records. Answers how many good readings had no number. */
  each(records: AcceptedRecords, take: TakeNumber<S>): number {
    const { batch, gateway, rows, tenant } = records
    const name = `${tenant}\0${gateway}`
    let known = this.#gateways.get(name)
    if (known === undefined) this.#gateways.set(name, (known = new Map()))
    let without = 0
    for (const row of rows) {
      const number = batch.sensor[row]!
      if (number === ENTRY || !isGood(batch.status[row]!)) continue
      let one = known.get(number)
      const told = records.sensor(number)
      if (told === undefined) continue
      if (one === undefined || one.id !== told.id || one.type !== told.valueType) {
        one = { id: told.id, type: told.valueType, state: this.#make({ tenant, gateway, sensor: told.id }) }
        known.set(number, one)
      }
      if (one.state === null) continue
      const value = numberAt(batch, row, one.type)
      if (Number.isFinite(value)) take(one.state, value, timeAt(batch, row), row)
      else without += 1
    }
    return without
  }
}

/** NaN for a text. 64-bit integers as the nearest double. */
function numberAt(batch: ReceivedBatch, row: number, type: ValueType): number {
  switch (type) {
    case 'number':
      return batch.value[row]!
    case 'boolean':
      return batch.value[row] === 0 ? 0 : 1
    case 'int64':
      return Number(batch.bits[row]!)
    case 'uint64':
      return Number(BigInt.asUintN(64, batch.bits[row]!))
    case 'string':
      return Number.NaN
  }
}

/** The source's time, else the receive time. */
function timeAt(batch: ReceivedBatch, row: number): number {
  const time = batch.sourceTime[row]!
  return Number.isNaN(time) ? batch.receivedAt[row]! : time
}
