// The JSON text of each sensor's latest reading, made once for all clients that get it.

import { statusName } from '#domain/quality.ts'
import type { Model, SensorNumber } from '#domain/sensor.ts'
import { jsonValue } from '#domain/value.ts'
import type { LatestValues } from '#domain/views.ts'
import type { NumberSet } from './number-set.ts'

export class ReadingTexts {
  readonly #latest: LatestValues
  /** By sensor number; empty: to be made. */
  readonly #texts: string[]
  readonly #prefixes: string[]

  constructor(latest: LatestValues, model: Model) {
    this.#latest = latest
    this.#texts = []
    this.#prefixes = []
    for (const { number, id } of model.sensors) this.#prefixes[number] = `{"sensor":${JSON.stringify(id)},"value":`
  }

  /** The sensor has a new reading. */
  changed(sensor: SensorNumber): void {
    this.#texts[sensor] = ''
  }

  /** A `readings` message of these sensors; those without a reading are left out. `head`: its other members, as JSON with a comma behind. */
  message(sensors: NumberSet, head: string): string {
    let body = ''
    for (let index = 0; index < sensors.count; index++) {
      const text = this.#text(sensors.at(index))
      if (text !== '') body += body === '' ? text : `,${text}`
    }
    return `{"type":"readings",${head}"readings":[${body}]}`
  }

  #text(sensor: SensorNumber): string {
    const known = this.#texts[sensor]
    if (known !== undefined && known !== '') return known
    const prefix = this.#prefixes[sensor]
    const reading = prefix === undefined ? null : this.#latest.read(sensor)
    if (reading === null) return ''
    const { value, quality, status, time, receivedAt } = reading
    const receivedText = new Date(receivedAt).toISOString()
    const timeText = time === receivedAt ? receivedText : new Date(time).toISOString()
    const text = `${prefix}${JSON.stringify(jsonValue(value))},"quality":"${quality}","status":${JSON.stringify(statusName(status))},"time":"${timeText}","receivedAt":"${receivedText}"}`
    this.#texts[sensor] = text
    return text
  }
}
