// The framer that a configuration asks for.

import { knownBytes } from './bytes.ts'
import { checksumBytes } from './checksum.ts'
import { DelimiterFramer, LengthFramer, MarkedFramer, type Framer } from './framer.ts'
import {
  DEFAULT_LENGTH_PAUSE_MS,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_PAUSE_MS,
  type ChecksumConfig,
  type FramingConfig,
} from './schema.ts'

/** For configurations that `problems` finds no fault with. */
export function createFramer(framing: FramingConfig, checksum: ChecksumConfig | undefined): Framer {
  const { delimiter, length, start, end, maxBytes = DEFAULT_MAX_BYTES } = framing
  if (length !== undefined) return new LengthFramer(length)
  if (delimiter !== undefined) return new DelimiterFramer(knownBytes(delimiter), maxBytes)
  return new MarkedFramer({
    start: knownBytes(start ?? ''),
    end: knownBytes(end ?? ''),
    maxBytes,
    trailerBytes: checksum?.position === 'afterEnd' ? checksumBytes(checksum) : 0,
  })
}

/** Longest pause within a frame, in milliseconds. */
export function maxPauseMs({ maxPause, length }: FramingConfig): number {
  return maxPause ?? (length === undefined ? DEFAULT_MAX_PAUSE_MS : DEFAULT_LENGTH_PAUSE_MS)
}
