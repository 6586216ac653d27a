// Simulated Modbus units on a serial line. Shares no code with the driver, so that a symmetric mistake cannot hide.
//
//   unit u8 · PDU · CRC-16 u16, low byte first     Modbus over Serial Line V1.02 §2.5.1

import type { Clock } from '#kit/clock.ts'
import { spoil } from './line-faults.ts'
import { unitAnswer, type SimulatedUnit } from './modbus-server.ts'
import { openFarEnd, type FarEnd, type SerialLineSpec } from './pty-line.ts'

const MAX_INPUT = 1024
const BROADCAST = 0

export interface ModbusRtuOptions {
  readonly line: SerialLineSpec
  readonly units: ReadonlyMap<number, SimulatedUnit>
  readonly clock: Clock
  readonly random: () => number
}

export class ModbusRtu {
  readonly #options: ModbusRtuOptions
  #end: FarEnd | null = null
  #input: Buffer = Buffer.alloc(0)

  constructor(options: ModbusRtuOptions) {
    this.#options = options
    const units = [...options.units.values()]
    for (const { faults } of units) {
      faults.onChange = () =>
        void this.#end?.setUnplugged(units.some((unit) => unit.faults.has('hang-up') || unit.faults.has('refuse')))
    }
  }

  async start(): Promise<void> {
    this.#end = await openFarEnd(this.#options.line, (chunk) => this.#take(chunk))
  }

  async stop(): Promise<void> {
    await this.#end?.close()
  }

  #take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]).subarray(-MAX_INPUT)
    for (;;) {
      const length = requestLength(this.#input)
      if (length === null || (length > 0 && this.#input.length < length)) return
      const frame = this.#input.subarray(0, length)
      const isWhole = length > 0 && crc16(frame.subarray(0, -2)) === frame.readUInt16LE(length - 2)
      this.#input = this.#input.subarray(isWhole ? length : 1)
      if (isWhole) this.#answer(frame[0]!, frame.subarray(1, -2))
    }
  }

  #answer(unitId: number, pdu: Buffer): void {
    const { units, clock, random } = this.#options
    if (unitId === BROADCAST) {
      for (const unit of units.values()) unitAnswer(unit, pdu)
      return
    }
    const unit = units.get(unitId)
    if (unit === undefined) return
    const { faults } = unit
    const answering = faults.has('wrong-unit') ? (unitId + 1) & 0xff : unitId
    const body = Buffer.concat([Buffer.from([answering]), unitAnswer(unit, pdu)])
    const crc = Buffer.alloc(2)
    crc.writeUInt16LE(crc16(body))
    const frame = spoil(Buffer.concat([body, crc]), faults, random)
    if (frame === null) return
    if (faults.delayMs === 0) this.#end?.write(frame)
    else clock.after(faults.delayMs, () => this.#end?.write(frame))
  }
}

/** Bytes of the request at the beginning; null when too little has come to know, 0 when it is none. */
function requestLength(input: Buffer): number | null {
  if (input.length < 2) return null
  switch (input[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return 8
    case 15:
    case 16:
      return input.length < 7 ? null : 9 + input[6]!
    case 22:
      return 10
    case 23:
      return input.length < 11 ? null : 13 + input[10]!
    case 43:
      return 7
    default:
      return 0
  }
}

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
