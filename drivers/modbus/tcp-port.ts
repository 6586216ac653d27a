// The seam to modbus-serial: its TcpPort puts requests into MBAP frames and cuts the stream of answers into frames. Its
// client class is not used: it takes the exception of another unit for an answer, looks neither at byte counts nor at
// what a write confirms, and its transaction ids return after 256 requests (docs/decisions/0005-modbus-transport.md).

import type { Socket } from 'node:net'
import modbus from 'modbus-serial'

const CHECKSUM_BYTES = 2 // TcpPort speaks RTU frames to its user and adds or removes the CRC by itself

/** What TcpPort gives and takes; its declaration file leaves it out. */
interface LibraryPort {
  _transactionIdWrite: number
  readonly _transactionIdRead: number
  on(event: 'data', listener: (frame: Buffer) => void): void
  write(frame: Buffer): void
}

interface Library {
  readonly TcpPort: new (options: { socket: Socket }) => LibraryPort
}

export interface TcpPort {
  /** Sends unit and PDU under a transaction id of 0 … 65535. */
  send(id: number, unit: number, pdu: Buffer): void
}

/** A port on a connected socket. `onFrame` gets each frame that comes: its transaction id, its unit, its PDU. */
export function tcpPort(socket: Socket, onFrame: (id: number, unit: number, pdu: Buffer) => void): TcpPort {
  const port = new (modbus as unknown as Library).TcpPort({ socket })
  port.on('data', (frame) =>
    onFrame(port._transactionIdRead, frame[0]!, frame.subarray(1, frame.length - CHECKSUM_BYTES)),
  )
  return {
    send(id, unit, pdu) {
      const frame = Buffer.alloc(1 + pdu.length + CHECKSUM_BYTES)
      frame[0] = unit
      frame.set(pdu, 1)
      port._transactionIdWrite = id
      port.write(frame)
    },
  }
}
