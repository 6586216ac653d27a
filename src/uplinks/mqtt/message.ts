// One record of a batch as an MQTT message: topic and payload.

import type { Entry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import { PayloadEncoder } from './payload.ts'
import { Topics, eventTopic } from './topic.ts'

export interface MessagesOptions {
  readonly template: string
  readonly gateway: string
  readonly factory: string
  readonly model: () => Model
  readonly log: Log
}

/** Encodes into its own two fields, so that a reading costs no object. */
export class Messages {
  topic = ''
  payload = ''
  readonly #model: () => Model
  readonly #topics: Topics
  readonly #encoder: PayloadEncoder
  readonly #eventTopic: string

  constructor(options: MessagesOptions) {
    this.#model = options.model
    this.#topics = new Topics(options)
    this.#encoder = new PayloadEncoder(options.gateway)
    this.#eventTopic = eventTopic(options.gateway)
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
