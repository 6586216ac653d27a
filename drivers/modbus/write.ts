// Writes: picks the function that the point needs, falls back where a device knows only another, reads back what the
// device then holds.
//
//   coil                    05, or 15 when the device refuses 05 as an illegal function
//   one register            06, or 16 likewise
//   several registers, text 16, in one request: the registers change together
//   registers, as a quirk   23: written and read back in one request; when refused as an illegal function: as above
//   one bit of a register   22; when refused as an illegal function: read, change the bit, write (not atomic in the device)

import { TelemetryError } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import { HeldValue } from '#kit/held-value.ts'
import { decodedPoint, type PointDecoder } from './decode.ts'
import { encodeBool, encodeRegisters } from './encode.ts'
import { exceptionText } from './exceptions.ts'
import {
  exceptionOf,
  isShort,
  maskWriteRequest,
  writeAndReadRequest,
  READ_DATA_START,
  readRequest,
  writeCoilRequest,
  writeCoilsRequest,
  writeRegisterRequest,
  writeRegistersRequest,
} from './pdu.ts'
import type { ModbusPoint } from './point.ts'

const ILLEGAL_FUNCTION = 1
/** 121 registers. Modbus Application Protocol V1.1b3 §6.17 */
const MAX_WRITE_AND_READ_BYTES = 242

export type SendRequest = (pdu: Buffer, signal: AbortSignal) => Promise<Buffer>

export interface PointWriterOptions {
  readonly decoder: PointDecoder
  readonly send: SendRequest
  /** Nobody answers: what is written is all that can be said. */
  readonly isBroadcast: boolean
  /** Holding registers are written and read back by function 23, where the device knows it. */
  readonly writesAndReads: boolean
}

export class PointWriter {
  readonly #options: PointWriterOptions
  readonly #decoder: PointDecoder
  readonly #send: SendRequest
  /** Until the device proves that it does not know function 22. */
  #masksBits = true
  /** Likewise function 23. */
  #writesAndReads: boolean

  constructor(options: PointWriterOptions) {
    this.#options = options
    this.#decoder = options.decoder
    this.#send = options.send
    this.#writesAndReads = options.writesAndReads && !options.isBroadcast
  }

  /** Writes and answers what was read back. Throws NOT_WRITABLE, OUT_OF_RANGE, DEVICE_EXCEPTION and the errors of requests. */
  async write(point: ModbusPoint, value: Value, signal: AbortSignal): Promise<Value> {
    switch (point.register) {
      case 'coil': {
        const on = encodeBool(value)
        await this.#sendEither(writeCoilRequest(point.address, on), writeCoilsRequest(point.address, on), signal)
        break
      }
      case 'holding': {
        const held = await this.#writeHolding(point, value, signal)
        if (held !== null) return held
        break
      }
      case 'discrete':
      case 'input':
        throw new TelemetryError('NOT_WRITABLE', 'Discrete inputs and input registers cannot be written', {
          context: { register: point.register },
        })
    }
    return this.#options.isBroadcast ? value : await this.#readBack(point, signal)
  }

  /** What was read back by the same request, or null. */
  async #writeHolding(point: ModbusPoint, value: Value, signal: AbortSignal): Promise<Value | null> {
    if (point.bit !== null) {
      await this.#writeBit(point.address, 1 << point.bit, encodeBool(value), signal)
      return null
    }
    const data = encodeRegisters(point, value)
    if (this.#writesAndReads && data.length <= MAX_WRITE_AND_READ_BYTES) {
      const request = writeAndReadRequest(point.address, data)
      const answer = await this.#send(request, signal)
      if (exceptionOf(answer) !== ILLEGAL_FUNCTION) return this.#valueOf(point, whole(request, accepted(answer)))
      this.#writesAndReads = false
    }
    const many = writeRegistersRequest(point.address, data)
    if (data.length > 2) accepted(await this.#send(many, signal))
    else await this.#sendEither(writeRegisterRequest(point.address, data), many, signal)
    return null
  }

  async #writeBit(address: number, mask: number, on: boolean, signal: AbortSignal): Promise<void> {
    if (this.#masksBits) {
      const answer = await this.#send(maskWriteRequest(address, 0xffff & ~mask, on ? mask : 0), signal)
      if (exceptionOf(answer) !== ILLEGAL_FUNCTION) {
        accepted(answer)
        return
      }
      this.#masksBits = false
    }
    const answer = await this.#read(readRequest('holding', address, 1), signal)
    const before = answer.readUInt16BE(READ_DATA_START)
    const data = Buffer.alloc(2)
    data.writeUInt16BE(on ? before | mask : before & ~mask)
    await this.#sendEither(writeRegisterRequest(address, data), writeRegistersRequest(address, data), signal)
  }

  async #sendEither(usual: Buffer, fallback: Buffer, signal: AbortSignal): Promise<void> {
    const answer = await this.#send(usual, signal)
    accepted(exceptionOf(answer) === ILLEGAL_FUNCTION ? await this.#send(fallback, signal) : answer)
  }

  async #read(request: Buffer, signal: AbortSignal): Promise<Buffer> {
    return whole(request, accepted(await this.#send(request, signal)))
  }

  async #readBack(point: ModbusPoint, signal: AbortSignal): Promise<Value> {
    return this.#valueOf(point, await this.#read(readRequest(point.register, point.address, point.width), signal))
  }

  #valueOf(point: ModbusPoint, answer: Buffer): Value {
    const held = new HeldValue()
    this.#decoder.decode(decodedPoint(0, point, point.address), answer, READ_DATA_START, held)
    if (held.value === null) throw new TelemetryError('PROTOCOL', `What was read back makes no sense: ${held.problem}`)
    return point.type === 'bool' ? held.value === 1 : held.value
  }
}

/** The answer, unless it holds less than was asked for. */
function whole(request: Buffer, answer: Buffer): Buffer {
  if (!isShort(request, answer)) return answer
  throw new TelemetryError('PROTOCOL', 'What was read back is shorter than was asked for', { retryable: true })
}

/** The answer, unless it is an exception: then DEVICE_EXCEPTION. */
function accepted(answer: Buffer): Buffer {
  const exception = exceptionOf(answer)
  if (exception === null) return answer
  throw new TelemetryError('DEVICE_EXCEPTION', `The device refused the write: ${exceptionText(exception)}`, {
    context: { exception },
  })
}
