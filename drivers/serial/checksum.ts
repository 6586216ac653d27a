// Checksums of frames: verified, and cut off. Pure.

import { knownBytes } from './bytes.ts'
import type { Frame } from './frame.ts'
import type { ChecksumConfig } from './schema.ts'

/** Bytes that a checksum takes in the frame, without its separator. */
export function checksumBytes({ type, format = 'hex' }: ChecksumConfig): number {
  return valueBytes(type) * (format === 'hex' ? 2 : 1)
}

function valueBytes(type: ChecksumConfig['type']): number {
  return type === 'xor' || type === 'sum' ? 1 : 2
}

/**
 * The body of a frame without its checksum; null when the checksum is wrong or missing. Without a configured checksum: the
 * body.
 */
export function verifiedBody(frame: Frame, checksum: ChecksumConfig | undefined): Uint8Array | null {
  const { bytes, bodyStart, bodyEnd } = frame
  if (checksum === undefined) return bytes.subarray(bodyStart, bodyEnd)
  const size = checksumBytes(checksum)
  const separator = knownBytes(checksum.separator ?? '')
  const isBehind = checksum.position === 'afterEnd'
  const at = isBehind ? bytes.length - size : bodyEnd - size
  const contentEnd = (isBehind ? bodyEnd : at) - separator.length
  const from = (checksum.includeStart === true ? 0 : bodyStart) + (checksum.skip ?? 0)
  const to = isBehind && checksum.includeEnd === true ? at : contentEnd
  if (contentEnd < bodyStart || from > to) return null
  for (let i = 0; i < separator.length; i++) if (bytes[contentEnd + i] !== separator[i]) return null
  const given = givenValue(bytes.subarray(at, at + size), checksum)
  if (given !== checksumOf(bytes.subarray(from, to), checksum.type)) return null
  return bytes.subarray(bodyStart, contentEnd)
}

/** null when it is not hexadecimal. */
function givenValue(bytes: Uint8Array, { format = 'hex', order = 'big' }: ChecksumConfig): number | null {
  let octets: Uint8Array = bytes
  if (format === 'hex') {
    const text = Buffer.from(bytes).toString('latin1')
    if (!/^(?:[0-9A-Fa-f]{2})+$/.test(text)) return null
    octets = Buffer.from(text, 'hex')
  }
  const [first = 0, second] = octets
  if (second === undefined) return first
  return order === 'big' ? (first << 8) | second : (second << 8) | first
}

/** The checksum of some bytes: 0 to 255, or to 65535 for a CRC. */
export function checksumOf(bytes: Uint8Array, type: ChecksumConfig['type']): number {
  switch (type) {
    case 'xor':
      return bytes.reduce((sum, byte) => sum ^ byte, 0)
    case 'sum':
      return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0)
    case 'crc16':
      return crc16Modbus(bytes)
    case 'crc16-ccitt':
      return crc16Ccitt(bytes)
  }
}

/** CRC-16/MODBUS: polynomial 0x8005 reflected, from 0xFFFF. "123456789" gives 0x4B37. Modbus over Serial Line V1.02 §6.2.2 */
function crc16Modbus(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  return crc
}

/** CRC-16/IBM-3740, often called CCITT: polynomial 0x1021 from 0xFFFF. "123456789" gives 0x29B1. */
function crc16Ccitt(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff
  }
  return crc
}
