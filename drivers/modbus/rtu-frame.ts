// Frames of Modbus RTU, for both directions. Pure. An answer says nothing about its own length: it follows from the function.
//
//   unit id u8 · PDU, 1 to 253 bytes · CRC-16 u16, low byte first (Modbus over Serial Line V1.02 §2.5.1, §6.2.2)

import { identificationLength } from './identification.ts'

/** Unit and CRC around a PDU. */
export const RTU_OVERHEAD_BYTES = 3
export const MAX_RTU_FRAME_BYTES = 256

const POLYNOMIAL = 0xa001 // x^16 + x^15 + x^2 + 1, bits reversed. Modbus over Serial Line V1.02 §6.2.2

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

/** CRC-16 of `bytes` from `start` to before `end`. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!
  return crc
}

export function rtuFrame(unit: number, pdu: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(pdu.length + RTU_OVERHEAD_BYTES)
  frame[0] = unit
  frame.set(pdu, 1)
  frame.writeUInt16LE(crc16(frame, 0, pdu.length + 1), pdu.length + 1)
  return frame
}

/** True when the frame of `length` bytes at `at` has the right CRC. */
export function hasGoodCrc(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + length - 2
  return crc16(bytes, at, end) === (bytes[end]! | (bytes[end + 1]! << 8))
}

/**
 * Bytes of the answer that begins at `at`, CRC included, as its function says; null when too little has come to know;
 * 0 when it has a function that this driver never uses.
 */
export function answerLength(bytes: Uint8Array, at: number, available: number): number | null {
  if (available < 2) return null
  const functionCode = bytes[at + 1]!
  if ((functionCode & 0x80) !== 0) return 5
  switch (functionCode) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return available < 3 ? null : bytes[at + 2]! + 5
    case 5:
    case 6:
    case 15:
    case 16:
      return 8
    case 22:
      return 10
    case 43: {
      const length = identificationLength(bytes, at + 1, available - 1)
      return length === null || length === 0 ? length : length + RTU_OVERHEAD_BYTES
    }
    default:
      return 0
  }
}
