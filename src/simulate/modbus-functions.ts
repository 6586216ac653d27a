// What a simulated Modbus unit answers: request PDU in, answer PDU out. Functions 1–6, 15, 16, 22, 23 and 43.
// Section numbers are those of the Modbus Application Protocol Specification V1.1b3.

import type { BankTable, RegisterBank } from './register-bank.ts'

const ILLEGAL_FUNCTION = 1
const ILLEGAL_ADDRESS = 2
const ILLEGAL_VALUE = 3
const DEVICE_FAILURE = 4

class ModbusException extends Error {
  readonly exceptionCode: number
  constructor(exceptionCode: number) {
    super(`Modbus exception ${exceptionCode}`)
    this.exceptionCode = exceptionCode
  }
}

/** The answer to a request PDU (function code and data); an exception PDU when the request cannot be served. */
export function answerPdu(bank: RegisterBank, pdu: Buffer): Buffer {
  try {
    return execute(bank, pdu)
  } catch (error) {
    const code = error instanceof ModbusException ? error.exceptionCode : DEVICE_FAILURE
    return Buffer.from([pdu[0]! | 0x80, code])
  }
}

function execute(bank: RegisterBank, pdu: Buffer): Buffer {
  switch (pdu[0]) {
    case 1:
      mustExist(bank, 'coil', range(pdu, 2000))
      return readBits(bank.coils, pdu)
    case 2:
      mustExist(bank, 'discrete', range(pdu, 2000))
      return readBits(bank.discrete, pdu)
    case 3:
      mustExist(bank, 'holding', range(pdu, 125))
      return readRegisters(bank.holding, pdu)
    case 4:
      mustExist(bank, 'input', range(pdu, 125))
      return readRegisters(bank.input, pdu)
    case 5:
      mustExist(bank, 'coil', [word(pdu, 1), 1])
      return writeCoil(bank, pdu)
    case 6:
      mustExist(bank, 'holding', [word(pdu, 1), 1])
      bank.holding.setUint16(word(pdu, 1) * 2, word(pdu, 3))
      return Buffer.from(pdu)
    case 15:
      return writeCoils(bank, pdu)
    case 16:
      writeRegisters(bank, word(pdu, 1), word(pdu, 3), pdu.subarray(6))
      return Buffer.from(pdu.subarray(0, 5))
    case 22:
      return maskWrite(bank, pdu)
    case 43:
      return identify(bank, pdu)
    case 23:
      mustExist(bank, 'holding', range(pdu, 125))
      writeRegisters(bank, word(pdu, 5), word(pdu, 7), pdu.subarray(10))
      return readRegisters(bank.holding, pdu)
    default:
      throw new ModbusException(ILLEGAL_FUNCTION)
  }
}

function mustExist(bank: RegisterBank, table: BankTable, [start, count]: readonly [number, number]): void {
  if (!bank.exists(table, start, count)) throw new ModbusException(ILLEGAL_ADDRESS)
}

/** Read Device Identification, all of it at once. §6.21 */
function identify({ identity }: RegisterBank, pdu: Buffer): Buffer {
  if (identity === null || pdu[1] !== 14) throw new ModbusException(ILLEGAL_FUNCTION)
  const objects = identity.map((text, id) =>
    Buffer.concat([Buffer.from([id, text.length]), Buffer.from(text, 'latin1')]),
  )
  return Buffer.concat([Buffer.from([43, 14, pdu[2]!, 1, 0, 0, objects.length]), ...objects])
}

function word(pdu: Buffer, offset: number): number {
  if (offset + 2 > pdu.length) throw new ModbusException(ILLEGAL_VALUE)
  return pdu.readUInt16BE(offset)
}

function range(pdu: Buffer, max: number): [start: number, count: number] {
  const start = word(pdu, 1)
  const count = word(pdu, 3)
  if (count < 1 || count > max) throw new ModbusException(ILLEGAL_VALUE)
  if (start + count > 65_536) throw new ModbusException(ILLEGAL_ADDRESS)
  return [start, count]
}

function readBits(area: Uint8Array, pdu: Buffer): Buffer {
  const [start, count] = range(pdu, 2000) // §6.1
  const answer = Buffer.alloc(2 + Math.ceil(count / 8))
  answer[0] = pdu[0]!
  answer[1] = answer.length - 2
  for (let bit = 0; bit < count; bit++) if (area[start + bit]) answer[2 + (bit >> 3)]! |= 1 << (bit & 7)
  return answer
}

function readRegisters(area: DataView, pdu: Buffer): Buffer {
  const [start, count] = range(pdu, 125) // §6.3
  const answer = Buffer.alloc(2 + count * 2)
  answer[0] = pdu[0]!
  answer[1] = count * 2
  for (let register = 0; register < count; register++) {
    answer.writeUInt16BE(area.getUint16((start + register) * 2), 2 + register * 2)
  }
  return answer
}

function writeCoil(bank: RegisterBank, pdu: Buffer): Buffer {
  const value = word(pdu, 3)
  if (value !== 0 && value !== 0xff00) throw new ModbusException(ILLEGAL_VALUE) // §6.5
  bank.coils[word(pdu, 1)] = value === 0 ? 0 : 1
  return Buffer.from(pdu)
}

function writeCoils(bank: RegisterBank, pdu: Buffer): Buffer {
  const [start, count] = range(pdu, 1968) // §6.11
  mustExist(bank, 'coil', [start, count])
  if (pdu.length < 6 + Math.ceil(count / 8)) throw new ModbusException(ILLEGAL_VALUE)
  for (let bit = 0; bit < count; bit++) bank.coils[start + bit] = (pdu[6 + (bit >> 3)]! >> (bit & 7)) & 1
  return Buffer.from(pdu.subarray(0, 5))
}

function writeRegisters(bank: RegisterBank, start: number, count: number, bytes: Buffer): void {
  if (count < 1 || count > 123 || bytes.length < count * 2) throw new ModbusException(ILLEGAL_VALUE) // §6.12
  mustExist(bank, 'holding', [start, count])
  for (let register = 0; register < count; register++) {
    bank.holding.setUint16((start + register) * 2, bytes.readUInt16BE(register * 2))
  }
}

function maskWrite(bank: RegisterBank, pdu: Buffer): Buffer {
  const address = word(pdu, 1)
  const and = word(pdu, 3)
  const or = word(pdu, 5)
  mustExist(bank, 'holding', [address, 1])
  const present = bank.holding.getUint16(address * 2)
  bank.holding.setUint16(address * 2, (present & and) | (or & ~and & 0xffff)) // §6.16
  return Buffer.from(pdu)
}
