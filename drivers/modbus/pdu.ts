// Requests and answers of Modbus without their framing (the protocol data unit, PDU), and the check that an answer fits
// its request. Modbus Application Protocol V1.1b3 §6.
//
//   read        01 coils · 02 discrete · 03 holding · 04 input   address u16, quantity u16   → byte count u8, data
//   write one   05 coil (FF00 or 0000) · 06 register             address u16, value u16      → the request again
//   write many  15 coils · 16 registers   address u16, quantity u16, byte count u8, data     → address u16, quantity u16
//   both        23   read address u16, read quantity u16, write address u16, write quantity u16, byte count u8, data
//                                                                                        → byte count u8, data read
//   mask        22   address u16, and-mask u16, or-mask u16                                  → the request again
//   refused     function | 80                                                                → exception code u8

import { identificationMismatch, isIdentification } from './identification.ts'
import type { Register } from './point.ts'

const READ_FUNCTIONS = { coil: 1, discrete: 2, holding: 3, input: 4 } as const satisfies Record<Register, number>
const WRITE_COIL = 5
const WRITE_REGISTER = 6
const WRITE_COILS = 15
const WRITE_REGISTERS = 16
export const MASK_WRITE = 22
const WRITE_AND_READ = 23

const EXCEPTION_BIT = 0x80

/** Where the data begin in the answer to a read: after function and byte count. */
export const READ_DATA_START = 2

export function readRequest(register: Register, address: number, quantity: number): Buffer {
  return words(READ_FUNCTIONS[register], address, quantity)
}

export function writeCoilRequest(address: number, on: boolean): Buffer {
  return words(WRITE_COIL, address, on ? 0xff00 : 0)
}

/** One coil by the function for many, for devices that know only that one. */
export function writeCoilsRequest(address: number, on: boolean): Buffer {
  return Buffer.concat([words(WRITE_COILS, address, 1), Buffer.from([1, on ? 1 : 0])])
}

/** `data`: two bytes. */
export function writeRegisterRequest(address: number, data: Buffer): Buffer {
  return words(WRITE_REGISTER, address, data.readUInt16BE(0))
}

/** `data`: 2 to 246 bytes, an even number. */
export function writeRegistersRequest(address: number, data: Buffer): Buffer {
  return Buffer.concat([words(WRITE_REGISTERS, address, data.length / 2), Buffer.from([data.length]), data])
}

/** Writes the registers and reads the same ones back, in one request. `data`: 2 to 242 bytes, an even number. */
export function writeAndReadRequest(address: number, data: Buffer): Buffer {
  const quantity = data.length / 2
  return Buffer.concat([words(WRITE_AND_READ, address, quantity, address, quantity), Buffer.from([data.length]), data])
}

/** The device sets the register to (register AND and) OR (or AND NOT and). */
export function maskWriteRequest(address: number, and: number, or: number): Buffer {
  return words(MASK_WRITE, address, and, or)
}

function words(functionCode: number, ...values: number[]): Buffer {
  const pdu = Buffer.alloc(1 + values.length * 2)
  pdu[0] = functionCode
  for (const [index, value] of values.entries()) pdu.writeUInt16BE(value, 1 + index * 2)
  return pdu
}

/** Exception code of an answer, 0 … 255; null when it is none, or nothing. */
export function exceptionOf(answer: Buffer): number | null {
  return answer.length === 0 || (answer[0]! & EXCEPTION_BIT) === 0 ? null : answer[1]!
}

/** Why an answer cannot be the answer to this request; null when it fits, a short one included. Allocates only when it does not. */
export function mismatch(request: Buffer, answer: Buffer): string | null {
  const asked = request[0]!
  if (answer.length < 2) return `the answer has ${answer.length} bytes`
  if (answer[0] === (asked | EXCEPTION_BIT))
    return answer.length === 2 ? null : `the exception has ${answer.length} bytes`
  if (answer[0] !== asked) return `function ${answer[0]} came for function ${asked}`
  if (isRead(request)) return readMismatch(request, answer)
  return isIdentification(request) ? identificationMismatch(answer) : writeMismatch(request, answer)
}

/** True for requests whose answer holds data. */
export function isRead(request: Buffer): boolean {
  return request[0]! <= READ_FUNCTIONS.input || request[0] === WRITE_AND_READ
}

/** Data bytes that the answer to a read must have. */
export function dataBytes(request: Buffer): number {
  // Of function 23, too, the read quantity comes first.
  const quantity = (request[3]! << 8) | request[4]!
  return request[0]! <= READ_FUNCTIONS.discrete ? (quantity + 7) >> 3 : quantity * 2
}

/** True for a whole answer that fits but holds less than was asked for: some devices shorten what is too long for them. */
export function isShort(request: Buffer, answer: Buffer): boolean {
  return isRead(request) && (answer[0]! & EXCEPTION_BIT) === 0 && answer[1]! < dataBytes(request)
}

function readMismatch(request: Buffer, answer: Buffer): string | null {
  const asked = dataBytes(request)
  const bytes = answer[1]!
  if (answer.length !== READ_DATA_START + bytes)
    return `${answer.length - READ_DATA_START} data bytes came, the byte count is ${bytes}`
  const isPossible = bytes === asked || (bytes > 0 && bytes < asked && isWhole(request, bytes))
  return isPossible ? null : `byte count ${bytes} came, ${asked} were asked for`
}

function isWhole(request: Buffer, bytes: number): boolean {
  return request[0]! <= READ_FUNCTIONS.discrete || bytes % 2 === 0
}

function writeMismatch(request: Buffer, answer: Buffer): string | null {
  const length = request[0] === MASK_WRITE ? 7 : 5
  if (answer.length !== length) return `the answer to a write has ${answer.length} bytes`
  return answer.compare(request, 0, length) === 0 ? null : 'the answer confirms another write than was asked for'
}
