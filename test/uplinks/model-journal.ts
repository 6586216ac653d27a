// A journal in memory that does what the port says and can be told to lose things: for the tests of the forwarder.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { comparePositions, type Bookmark, type Journal, type JournalSpan, type Position } from '#domain/journal.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'

/** One record: the number of its sensor, or the JSON of an entry. */
export interface ModelRecord {
  readonly position: Position
  readonly sensor: number
  readonly value: number
  readonly receivedAt: number
  readonly text: string | null
}

export class ModelJournal implements Journal {
  readonly epoch: number
  records: ModelRecord[]
  readonly bookmarks: Map<string, Bookmark>
  /** Every settled position, in order. */
  readonly settled: Position[] = []
  /** Readers that asked for their cursor, for whom a journal keeps its records. */
  readonly asked: string[] = []
  #seq = 0
  readonly #listeners = new Set<() => void>()

  constructor(epoch = 1, records: ModelRecord[] = [], bookmarks = new Map<string, Bookmark>()) {
    this.epoch = epoch
    this.records = records
    this.bookmarks = bookmarks
  }

  /** The journal of the next start of the gateway. */
  next(): ModelJournal {
    return new ModelJournal(this.epoch + 1, [...this.records], new Map(this.bookmarks))
  }

  append(sensor: number, value: number, receivedAt = 0): void {
    this.#push({ sensor, value, receivedAt, text: null })
  }

  appendEntry(entry: object, receivedAt = 0): void {
    this.#push({ sensor: ENTRY, value: 0, receivedAt, text: JSON.stringify(entry) })
  }

  /** Forgets the oldest `count` records, as retention does. */
  forgetOldest(count: number): ModelRecord[] {
    return this.records.splice(0, count)
  }

  span(): JournalSpan {
    const head = { epoch: this.epoch, seq: this.#seq }
    return { head, durable: head }
  }

  async read(after: Position, limit: number): Promise<RecordBatch | null> {
    await Promise.resolve()
    const start = this.records.findIndex((record) => comparePositions(record.position, after) > 0)
    const first = this.records[start]
    if (!first) return null
    const batch = new MutableRecordBatch(first.position.epoch, first.position.seq, limit)
    for (let row = 0; row < limit; row++) {
      const record = this.records[start + row]
      if (record?.position.epoch !== first.position.epoch || record.position.seq !== first.position.seq + row) break
      batch.sensor[row] = record.sensor
      batch.value[row] = record.value
      batch.sourceTime[row] = Number.NaN
      batch.receivedAt[row] = record.receivedAt
      if (record.text !== null) batch.texts.set(row, record.text)
      batch.length = row + 1
    }
    return batch
  }

  count(from: Position, to: Position): Promise<number> {
    const inside = (position: Position): boolean =>
      comparePositions(position, from) > 0 && comparePositions(position, to) <= 0
    return Promise.resolve(this.records.filter((record) => inside(record.position)).length)
  }

  cursor(reader: string): Promise<Bookmark | null> {
    this.asked.push(reader)
    return Promise.resolve(this.bookmarks.get(reader) ?? null)
  }

  settle(reader: string, position: Position, note?: string): void {
    const known = this.bookmarks.get(reader)
    if (known && comparePositions(known, position) > 0) throw new Error('A cursor went back')
    this.bookmarks.set(reader, { ...position, ...(note === undefined ? {} : { note }) })
    this.settled.push(position)
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #push(record: Omit<ModelRecord, 'position'>): void {
    this.#seq += 1
    this.records.push({ ...record, position: { epoch: this.epoch, seq: this.#seq } })
    for (const listener of this.#listeners) listener()
  }
}

/** A model of numeric sensors with these full ids; sensor n of the list has number n. */
export function modelOf(ids: readonly string[]): Model {
  const sensors = ids.map((id, number): Sensor => {
    const [device = '', name = ''] = id.split('.')
    return {
      number,
      id,
      device,
      name,
      description: '',
      machine: device,
      valueType: 'number',
      unit: '',
      writable: false,
      scale: null,
      deadband: null,
      checks: [],
    }
  })
  const machines = [...new Set(sensors.map((sensor) => sensor.machine))]
  return {
    gateway: 'edge-01',
    factories: [{ id: 'plant-a', name: 'Plant A' }],
    machines: machines.map((id) => ({ id, name: id, factory: 'plant-a' })),
    sensors,
    sensor: (id) => sensors.find((sensor) => sensor.id === id),
    sensorAt: (number) => sensors[number],
  }
}
