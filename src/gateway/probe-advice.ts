// Why a sensor could not be read, and what a person can do about it. Pure.

import type { ErrorCode } from '#domain/errors.ts'
import { Status, statusName, type StatusCode } from '#domain/quality.ts'
import type { ProbeFailure } from './probe-connection.ts'

export interface Unreadable {
  /** Kind of the driver. */
  readonly driver: string
  readonly bus: string
  readonly status: StatusCode
  /** What failed for the device as a whole; null: the device answered. */
  readonly failure: ProbeFailure | null
  /** How long it was listened for; null for a device that is asked. */
  readonly waitMs: number | null
}

export interface Advice {
  readonly reason: string
  readonly advice: string
}

export function adviceFor(unreadable: Unreadable): Advice {
  const { failure, waitMs, driver, status } = unreadable
  if (failure !== null) return { reason: failure.error.message, advice: failureAdvice(unreadable, failure) }
  const isSilent = status === Status.BadWaitingForInitialData || status === Status.BadNoData
  if (waitMs !== null && isSilent) return { reason: `no value came within ${waitMs} ms`, advice: silenceAdvice(driver) }
  const known = STATUS_ADVICE.get(status)
  const reason = known?.reason ?? `the source reports ${statusName(status)}`
  return { reason, advice: known?.advice[driver] ?? known?.advice['*'] ?? OTHERWISE }
}

const OTHERWISE = "look into the manual of the device, and at the driver's page in drivers/"

function failureAdvice({ driver, bus }: Unreadable, { during, error }: ProbeFailure): string {
  const isSerial = bus.startsWith('serial:')
  if (during === 'connecting') {
    if (isSerial)
      return 'check the path (telemetryx scan serial lists the ports), and that no other program uses the port'
    if (error.code === 'CONNECTION_FAILED' || error.code === 'TIMEOUT')
      return 'check address and port, power and network'
  }
  return FAILURE_ADVICE[error.code]?.(driver, isSerial) ?? OTHERWISE
}

const FAILURE_ADVICE: Partial<Record<ErrorCode, (driver: string, isSerial: boolean) => string>> = {
  TIMEOUT: (driver, isSerial) => {
    if (driver === 'serial') return 'check request.send with its line end, baudRate, parity and framing, and the wiring'
    if (driver !== 'modbus') return 'check that the device runs; it may need a longer timeout'
    return isSerial
      ? 'check unit, baudRate, parity and wiring (A and B exchanged?); telemetryx scan modbus finds units'
      : 'check connection.unit (telemetryx scan modbus finds units); a slow device needs a longer connection.timeout'
  },
  PROTOCOL: (driver) =>
    driver === 'modbus'
      ? 'check transport (tcp or rtu-over-tcp), and on a serial line baudRate and parity'
      : 'check framing, checksum, parse and, on a serial line, baudRate and parity',
  CONNECTION_LOST: () =>
    'the device hung up: it may allow fewer connections than are open, for example that of a running gateway',
  UNAUTHENTICATED: (driver) =>
    driver === 'opcua'
      ? 'check user and password, and whether the server trusts this gateway'
      : 'check user and password',
  PERMISSION_DENIED: () => 'the login has no right to this',
  CONFIG_INVALID: () => 'correct the configuration',
  STORE_IO: () => 'the data folder must be readable and writable: run it as the user of the gateway',
  DEVICE_EXCEPTION: () => 'check the unit behind the gateway: power, wiring, unit id',
}

function silenceAdvice(driver: string): string {
  switch (driver) {
    case 'mqtt':
      return 'check the topic and that somebody publishes; a message that is not retained comes only when it is sent: wait longer with --wait'
    case 'serial':
      return 'check baudRate, parity, framing and parse, and that the device sends by itself; wait longer with --wait'
    default:
      return 'check that the source has a value; wait longer with --wait'
  }
}

interface StatusAdvice {
  readonly reason: string
  /** By driver; `*` for all others. */
  readonly advice: Readonly<Record<string, string>>
}

const STATUS_ADVICE = new Map<StatusCode, StatusAdvice>([
  [
    Status.BadNodeIdUnknown,
    {
      reason: 'the device has nothing at this address',
      advice: {
        modbus: 'check register and address: addresses count from 0, 40001 in the manual is address 0',
        opcua: 'check the node id; telemetryx scan opcua lists the nodes of a server',
        '*': 'check the address',
      },
    },
  ],
  [
    Status.BadNotSupported,
    {
      reason: 'the device does not know this request',
      advice: { modbus: 'check register: the device lacks this table', '*': OTHERWISE },
    },
  ],
  [
    Status.BadOutOfRange,
    {
      reason: 'the device refuses the request, or the value is no finite number',
      advice: { modbus: 'check address, type and order', '*': 'check type and scale' },
    },
  ],
  [
    Status.BadTypeMismatch,
    {
      reason: 'the value is of another type than the sensor',
      advice: { '*': 'set the type of the sensor to that of the source' },
    },
  ],
  [
    Status.BadDecodingError,
    {
      reason: 'what came cannot be read as this sensor',
      advice: {
        modbus: 'check type (bcd needs decimal digits) and address',
        mqtt: 'check value: the JSON path, and payload',
        serial: 'check field and the pattern of parse',
        '*': 'check the type',
      },
    },
  ],
  [
    Status.BadUserAccessDenied,
    { reason: 'access is denied', advice: { '*': 'the login has no right to this: see the rights in the source' } },
  ],
  [Status.BadNotReadable, { reason: 'it cannot be read', advice: { '*': 'it can only be written' } }],
  [
    Status.BadTooManyOperations,
    {
      reason: 'the device is busy',
      advice: { '*': 'look again; ask it less often (poll), or let it rest (quirks.delayAfterRequest)' },
    },
  ],
  [
    Status.BadDeviceFailure,
    { reason: 'the device reports a failure of its own', advice: { '*': 'look at the device itself' } },
  ],
  [
    Status.BadCommunicationError,
    {
      reason: 'what lies between cannot reach it',
      advice: {
        modbus: 'the gateway answers, the unit behind it does not: check its power, wiring and unit id',
        '*': OTHERWISE,
      },
    },
  ],
  [Status.BadNoData, { reason: 'nothing came for it', advice: { '*': OTHERWISE } }],
])
