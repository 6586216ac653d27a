// Reads a text file that people wrote: UTF-8, perhaps with a byte order mark, of sane size.

import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { TelemetryError } from '#domain/errors.ts'
import { ioReason } from './io-reason.ts'

const MAX_BYTES = 64 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * The file's text without a byte order mark. Throws CONFIG_UNREADABLE when it cannot be read, and CONFIG_INVALID with
 * `line` and `column` in its context when it is not UTF-8.
 */
export function readTextFile(path: string): string {
  return decodeText(readBytes(path))
}

function readBytes(path: string): Buffer {
  try {
    const state = statSync(path)
    if (state.isDirectory()) throw new TelemetryError('CONFIG_UNREADABLE', 'it is a folder', { context: { path } })
    if (state.size > MAX_BYTES)
      throw new TelemetryError('CONFIG_UNREADABLE', 'it is larger than 64 MiB', { context: { path } })
    return readFileSync(path)
  } catch (error) {
    if (error instanceof TelemetryError) throw error
    throw new TelemetryError('CONFIG_UNREADABLE', ioReason(error), { context: { path }, cause: error })
  }
}

/** Text of the bytes; see readTextFile. */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return stripMark(bytes.toString('utf8'))
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16) throw notUtf8('the file is UTF-16; save it as UTF-8', 1, 1)
  let line = 1
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline === -1 ? bytes.length : newline
    const part = bytes.subarray(start, end)
    if (!isUtf8(part)) {
      throw notUtf8(
        'the file is not UTF-8; save it as UTF-8',
        line,
        stripMark(part.toString('utf8')).indexOf('\uFFFD') + 1,
      )
    }
    start = end + 1
  }
  throw notUtf8('the file is not UTF-8; save it as UTF-8', 1, 1)
}

function notUtf8(message: string, line: number, column: number): TelemetryError {
  return new TelemetryError('CONFIG_INVALID', message, { context: { line, column } })
}

function stripMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
