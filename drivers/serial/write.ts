// The write of one sensor: the bytes that set a value, and what the answer says. Pure.

import { TelemetryError } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import { knownBytes } from './bytes.ts'
import { verifiedBody } from './checksum.ts'
import { writtenText } from './convert.ts'
import type { Frame } from './frame.ts'
import { Pattern, PatternTooSlow } from './pattern.ts'
import type { ChecksumConfig, SerialSensorConfig } from './schema.ts'

/** Of an answer that is shown to people. */
const SHOWN_CHARACTERS = 80

export class SensorWrite {
  readonly #sensor: SerialSensorConfig
  readonly #write: NonNullable<SerialSensorConfig['write']>
  readonly #decimal: '.' | ','
  readonly #expected: Pattern | null

  /** Throws NOT_WRITABLE for a sensor that does not say how. */
  constructor(sensor: SerialSensorConfig, decimal: '.' | ',') {
    const { write } = sensor
    if (write === undefined)
      throw new TelemetryError('NOT_WRITABLE', 'The sensor does not say how it is written (write: { send: … })')
    this.#sensor = sensor
    this.#write = write
    this.#decimal = decimal
    this.#expected = write.expect === undefined ? null : new Pattern(write.expect)
  }

  get expectsAnswer(): boolean {
    return this.#expected !== null
  }

  /** Throws OUT_OF_RANGE for a value that cannot be sent. */
  bytesFor(value: Value): Uint8Array {
    const text = writtenText(value, this.#sensor, this.#decimal)
    if (text === null)
      throw new TelemetryError('OUT_OF_RANGE', 'The value has no form in which the device could be told it')
    return knownBytes(this.#write.send.replaceAll('{value}', () => text))
  }

  /** Empty when the answer is as expected, else what the device said. */
  verdict(frame: Frame, checksum: ChecksumConfig | undefined): string {
    const body = verifiedBody(frame, checksum)
    if (body === null) return 'a frame with a wrong checksum'
    const text = Buffer.from(body).toString('latin1')
    return this.#isExpected(text) ? '' : JSON.stringify(text.slice(0, SHOWN_CHARACTERS))
  }

  #isExpected(text: string): boolean {
    try {
      return this.#expected?.matches(text) ?? true
    } catch (error) {
      if (error instanceof PatternTooSlow) return false
      throw error
    }
  }
}
