// New readings into the table of readings and that of latest values, and the rollups that they make stale.

import type { Queryable } from '#backing/database.ts'
import { isBad } from '#domain/quality.ts'
import { numericValue, type ValueType } from '#domain/value.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { bitsArray, float8Array, int4Array, int8Array, timeArray } from './binary-arrays.ts'
import { cleanText } from './clean-text.ts'
import type { AdoptedSensor } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'

const MINUTE_MS = 60_000

/** Readings of several batches, each named by batch and row. */
export class NewReadings {
  readonly #batches: ReceivedBatch[] = []
  readonly #rows: number[] = []
  readonly #sensors: AdoptedSensor[] = []
  readonly #stale = new Map<string, { gateway: number; minute: number }>()
  #hasBits = false
  #hasTexts = false

  get length(): number {
    return this.#rows.length
  }

  add(batch: ReceivedBatch, row: number, sensor: AdoptedSensor, gateway: number): void {
    this.#batches.push(batch)
    this.#rows.push(row)
    this.#sensors.push(sensor)
    if (isInteger(sensor.valueType)) this.#hasBits = true
    if (sensor.valueType === 'string') this.#hasTexts = true
    else {
      const minute = Math.floor(timeOf(batch, row) / MINUTE_MS) * MINUTE_MS
      this.#stale.set(`${gateway}/${minute}`, { gateway, minute })
    }
  }

  async store(queryable: Queryable, tenant: TenantNumber): Promise<void> {
    if (this.length === 0) return
    const all = this.#order()
    await queryable.query(
      `INSERT INTO central.reading (tenant, time, received_at, seq, value, bits, sensor, epoch, status, text)
       SELECT $1, * FROM unnest($2::timestamptz[], $3::timestamptz[], $4::int8[], $5::float8[], $6::int8[], $7::int4[], $8::int4[],
         $9::int4[], $10::text[])`,
      [tenant, ...this.#columns(all)],
    )
    await queryable.query(
      `INSERT INTO central.latest AS l (tenant, time, received_at, seq, value, bits, sensor, epoch, status, text)
       SELECT $1, * FROM unnest($2::timestamptz[], $3::timestamptz[], $4::int8[], $5::float8[], $6::int8[], $7::int4[], $8::int4[],
         $9::int4[], $10::text[])
       ON CONFLICT (sensor) DO UPDATE SET time = excluded.time, received_at = excluded.received_at, seq = excluded.seq,
         value = excluded.value, bits = excluded.bits, epoch = excluded.epoch, status = excluded.status, text = excluded.text
       WHERE (excluded.epoch, excluded.seq) > (l.epoch, l.seq)`,
      [tenant, ...this.#columns(this.#newest(all))],
    )
    await this.#markStale(queryable, tenant)
  }

  /** By sensor, then position: neighbours in the index. */
  #order(): Uint32Array {
    const order = Uint32Array.from(this.#rows, (_, index) => index)
    return order.sort((a, b) => this.#sensors[a]!.number - this.#sensors[b]!.number || this.#compare(a, b))
  }

  #compare(a: number, b: number): number {
    const [first, second] = [this.#batches[a]!, this.#batches[b]!]
    return first.epoch - second.epoch || first.seq[this.#rows[a]!]! - second.seq[this.#rows[b]!]!
  }

  /** The last of each sensor. */
  #newest(order: Uint32Array): Uint32Array {
    return order.filter((index, place) => this.#sensors[index] !== this.#sensors[order[place + 1] ?? -1])
  }

  #columns(order: Uint32Array): unknown[] {
    const { length } = order
    const batch = (place: number): ReceivedBatch => this.#batches[order[place]!]!
    const row = (place: number): number => this.#rows[order[place]!]!
    const sensor = (place: number): AdoptedSensor => this.#sensors[order[place]!]!
    const value = (place: number): number => numberOf(batch(place), row(place), sensor(place).valueType)
    const bits = (place: number): bigint | null =>
      isInteger(sensor(place).valueType) && !isBad(batch(place).status[row(place)]!)
        ? batch(place).bits[row(place)]!
        : null
    return [
      timeArray(length, (place) => timeOf(batch(place), row(place))),
      timeArray(length, (place) => batch(place).receivedAt[row(place)]!),
      int8Array(length, (place) => batch(place).seq[row(place)]!),
      float8Array(length, value),
      this.#hasBits ? bitsArray(length, bits) : '{}',
      int4Array(length, (place) => sensor(place).number),
      int4Array(length, (place) => batch(place).epoch),
      int4Array(length, (place) => batch(place).status[row(place)]!),
      this.#hasTexts ? Array.from(order, (index) => this.#textOf(index)) : '{}',
    ]
  }

  #textOf(index: number): string | null {
    const batch = this.#batches[index]!
    const row = this.#rows[index]!
    if (this.#sensors[index]!.valueType !== 'string' || isBad(batch.status[row]!)) return null
    return cleanText(batch.texts.get(row) ?? '')
  }

  async #markStale(queryable: Queryable, tenant: TenantNumber): Promise<void> {
    const cells = [...this.#stale.values()].sort((a, b) => a.gateway - b.gateway || a.minute - b.minute)
    if (cells.length === 0) return
    // Written even where it stands already: the row stays locked, so that nobody works the cell out without these readings.
    await queryable.query(
      `INSERT INTO central.stale_rollup AS s (tenant, gateway, level, time)
       SELECT $1, gateway, 'minute', time FROM unnest($2::int4[], $3::timestamptz[]) AS cell(gateway, time)
       ON CONFLICT (gateway, level, time) DO UPDATE SET touched = s.touched + 1`,
      [
        tenant,
        int4Array(cells.length, (index) => cells[index]!.gateway),
        timeArray(cells.length, (index) => cells[index]!.minute),
      ],
    )
  }
}

/** The source's time if it gave one, else the receive time. */
export function timeOf(batch: ReceivedBatch, row: number): number {
  const time = batch.sourceTime[row]!
  return Math.floor(time === time ? time : batch.receivedAt[row]!)
}

/** What is counted with: also of 64-bit integers, beside their bits. NaN: nothing. */
function numberOf(batch: ReceivedBatch, row: number, type: ValueType): number {
  if (type === 'number' || type === 'boolean') return isBad(batch.status[row]!) ? Number.NaN : batch.value[row]!
  const value = type === 'string' ? null : batch.valueOf(row, type)
  return value === null ? Number.NaN : numericValue(value)
}

function isInteger(type: ValueType): boolean {
  return type === 'int64' || type === 'uint64'
}
