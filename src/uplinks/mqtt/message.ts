// Records of a batch as MQTT messages, topic and payload: one for each record with `json`; with `json-batch` one for each run
// of readings that share a topic.

import type { Entry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { Delivery } from '#domain/uplink.ts'
import type { Model } from '#domain/sensor.ts'
import { PayloadEncoder } from './payload.ts'
import { Topics, eventTopic } from './topic.ts'

export interface MessagesOptions {
  readonly template: string
  readonly gateway: string
  readonly factory: string
  readonly model: () => Model
  readonly log: Log
  /** Default: json. */
  readonly format?: 'json' | 'json-batch'
}

/** Longest payload of several readings: brokers and their bridges handle messages of this size everywhere. */
const MAX_BATCH_CHARACTERS = 64 * 1024

/** Of a PUBLISH beside topic and payload: fixed header up to 5, topic length 2, packet id 2, empty properties 1 (MQTT 5 §3.3). */
export const OVERHEAD_BYTES = 10

/** Encodes into its own two fields, so that a reading costs no object. */
export class Messages {
  topic = ''
  payload = ''
  readonly #model: () => Model
  readonly #topics: Topics
  readonly #encoder: PayloadEncoder
  readonly #eventTopic: string
  readonly #isBatch: boolean

  constructor(options: MessagesOptions) {
    this.#model = options.model
    this.#topics = new Topics({ ...options, mayShare: options.format === 'json-batch' })
    this.#encoder = new PayloadEncoder(options.gateway)
    this.#eventTopic = eventTopic(options.gateway)
    this.#isBatch = options.format === 'json-batch'
  }

  /** Sets `topic` and `payload` from a row. False when the present model does not know its sensor. */
  encode(batch: RecordBatch, row: number): boolean {
    const number = batch.sensor[row]!
    if (number === ENTRY) return this.#encodeEntry(batch, row)
    const model = this.#model()
    const topic = this.#topics.of(number, model)
    const sensor = model.sensorAt(number)
    if (topic === undefined || sensor === undefined) return false
    this.topic = topic
    this.payload = this.#encoder.reading(batch, row, sensor.valueType)
    return true
  }

  /**
   * Sets `topic` and `payload` from the rows of a delivery from `index` on; answers how many rows these are. 0: the present
   * model does not know the first one's sensor. `maxBytes`: longest message that the broker takes.
   */
  encodeFrom({ batch, rows, rowCount, lane }: Delivery, index: number, maxBytes: number): number {
    this.#encoder.isLate = lane === 'backlog'
    const row = rows[index]!
    if (!this.#isBatch || batch.sensor[row] === ENTRY) return this.encode(batch, row) ? 1 : 0
    const model = this.#model()
    const topic = this.#topics.of(batch.sensor[row]!, model)
    let payload = ''
    let taken = 0
    // A character of JSON may be three bytes of UTF-8.
    const limit = Math.min(MAX_BATCH_CHARACTERS, (maxBytes - (topic?.length ?? 0) * 3 - OVERHEAD_BYTES) / 3)
    for (let at = index; at < rowCount; at++) {
      const next = rows[at]!
      const sensor = model.sensorAt(batch.sensor[next]!)
      if (sensor === undefined || this.#topics.of(sensor.number, model) !== topic) break
      const text = this.#encoder.reading(batch, next, sensor.valueType, sensor.id)
      if (taken > 0 && payload.length + text.length > limit) break
      payload += taken === 0 ? text : `,${text}`
      taken += 1
    }
    if (topic === undefined || taken === 0) return 0
    this.topic = topic
    this.payload = `[${payload}]`
    return taken
  }

  #encodeEntry(batch: RecordBatch, row: number): boolean {
    const entry = JSON.parse(batch.texts.get(row) ?? 'null') as Entry // written by the pipeline, checked by the row filter
    this.payload = this.#encoder.entry(entry, batch.epoch, batch.firstSeq + row)
    if (entry.kind === 'event') {
      this.topic = this.#eventTopic
      return true
    }
    const model = this.#model()
    const { sensor: id } = entry.alarm
    const sensor = model.sensor(id) ?? model.retired?.find((retired) => retired.id === id)
    const topic = sensor && this.#topics.of(sensor.number, model)
    this.topic = `${topic}/alarm`
    return topic !== undefined
  }
}
