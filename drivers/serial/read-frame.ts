// A frame → fields → results of points. What cannot be read is told with the kind under which it is counted.

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { verifiedBody } from './checksum.ts'
import { convertField } from './convert.ts'
import type { Frame } from './frame.ts'
import { createParser, type Fields } from './parse.ts'
import type { SerialPoint } from './point.ts'
import type { SerialDeviceConfig } from './schema.ts'

export type FrameReading =
  | { readonly fields: Fields; readonly problem: null }
  | { readonly fields: null; readonly problem: 'checksum' | 'no-match' | 'not-text' | 'pattern-too-slow' }

/** null for a frame that is to be passed over. Never throws. */
export type ReadFrame = (frame: Frame) => FrameReading | null

const WRONG_CHECKSUM: FrameReading = { fields: null, problem: 'checksum' }

export function frameReader({ parse, checksum }: SerialDeviceConfig): ReadFrame {
  const parser = createParser(parse)
  return (frame) => {
    const body = verifiedBody(frame, checksum)
    if (body === null) return WRONG_CHECKSUM
    const parsed = parser(body)
    switch (parsed.kind) {
      case 'ignored':
        return null
      case 'fields':
        return { fields: parsed.fields, problem: null }
      case 'unreadable':
        return { fields: null, problem: parsed.reason }
    }
  }
}

/** Gives each point its result. */
export function giveFields(
  fields: Fields,
  points: readonly SerialPoint[],
  options: { sink: ReadingSink; decimal: '.' | ',' },
): void {
  const { sink, decimal } = options
  for (const { sensor, config } of points) {
    const { value, status } = convertField(fields(config.field), config, decimal)
    if (value === null) sink.bad(sensor, status, NO_TIME)
    else if (typeof value === 'string') sink.text(sensor, value, status, NO_TIME)
    else sink.number(sensor, Number(value), status, NO_TIME)
  }
}
