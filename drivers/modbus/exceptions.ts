// Exceptions of Modbus: what they say (V1.1b3 §7), and the nearest OPC UA status for the points that were refused. 0 is
// none of Modbus: it stands for an answer that holds less than one point.

import { Status, type StatusCode } from '#domain/quality.ts'

const EXCEPTIONS: ReadonlyMap<number, { readonly meaning: string; readonly status: StatusCode }> = new Map([
  [0, { meaning: 'answer without its data', status: Status.BadDecodingError }],
  [1, { meaning: 'illegal function', status: Status.BadNotSupported }],
  [2, { meaning: 'illegal data address', status: Status.BadNodeIdUnknown }],
  [3, { meaning: 'illegal data value', status: Status.BadOutOfRange }],
  [4, { meaning: 'server device failure', status: Status.BadDeviceFailure }],
  [5, { meaning: 'acknowledge: still working', status: Status.BadTooManyOperations }],
  [6, { meaning: 'server device busy', status: Status.BadTooManyOperations }],
  [8, { meaning: 'memory parity error', status: Status.BadDeviceFailure }],
  [10, { meaning: 'gateway path unavailable', status: Status.BadCommunicationError }],
  [11, { meaning: 'gateway target device failed to respond', status: Status.BadCommunicationError }],
])

/** Status of points that were refused with this exception. */
export function exceptionStatus(code: number): StatusCode {
  return EXCEPTIONS.get(code)?.status ?? Status.BadUnexpectedError
}

/** For people: `exception 2, illegal data address`. */
export function exceptionText(code: number): string {
  const known = EXCEPTIONS.get(code)
  return known === undefined ? `exception ${code}` : `exception ${code}, ${known.meaning}`
}

/** True when the addresses or their number are refused: fewer of them may be answered. */
export function isAboutAddresses(code: number): boolean {
  return code === 2 || code === 3
}

/** True when a gateway in between says that it cannot reach the unit at all: asking for more only holds up the bus. */
export function isUnreachable(code: number | null): boolean {
  return code === 10 || code === 11
}
