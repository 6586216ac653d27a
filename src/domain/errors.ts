// The one error class and the one list of codes. Nothing is told apart by message text.

/** Every code with its meaning; docs/errors.md explains each, and a test fails when one is missing there. */
export const ERROR_CODES = {
  CONFIG_INVALID: 'The configuration has problems; each is given with file, line and column.',
  CONFIG_UNREADABLE: 'The configuration file is missing or cannot be read.',
  CONFIG_NOT_WRITABLE: 'The configuration file cannot be written.',
  STALE: 'It was changed by someone else meanwhile.',
  USAGE: 'The command line is wrong.',
  CONNECTION_FAILED: 'No connection to the device, broker or server could be made.',
  CONNECTION_LOST: 'The connection was closed or broke during a request.',
  TIMEOUT: 'No answer came within the time limit.',
  PROTOCOL: 'The answer violates the protocol or belongs to another request.',
  DEVICE_EXCEPTION: 'The device answered with an exception of its protocol.',
  NOT_WRITABLE: 'The sensor is not configured as writable, or its kind cannot be written.',
  OUT_OF_RANGE: 'The value lies outside of what the sensor accepts.',
  RATE_LIMITED: 'Too many commands of this kind in a short time; try again later.',
  EXPIRED: 'The command waited longer than it is valid and was not sent.',
  NOT_FOUND: 'There is no such factory, machine, sensor, device, alarm or uplink.',
  CONFLICT: 'The request does not fit the present state.',
  ABORTED: 'The operation was stopped by its caller.',
  BUFFER_FULL: 'The ring buffer is full; try again later.',
  STORE_FULL: 'The disk is full or the storage budget is used up.',
  STORE_IO: 'The store could not read or write its file.',
  STORE_CORRUPT: 'The database file is damaged.',
  STORE_LOCKED: 'Another process uses the data folder.',
  REJECTED: 'The receiver rejected the data for good.',
  UNAUTHENTICATED: 'Credentials are missing or wrong.',
  PERMISSION_DENIED: 'The role does not allow this.',
  PORT_IN_USE: 'The address is already in use.',
  RUNTIME_MISSING: 'A runtime, program or package that is needed is not installed.',
  UNAVAILABLE: 'A service that this needs is away; it is tried again by itself.',
  INTERNAL: 'A fault in TelemetryX itself.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface ErrorDetails {
  /** May the same call succeed later without a change? Default false. */
  readonly retryable?: boolean
  /** What and where: ids, addresses, limits. Never a secret. */
  readonly context?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The only error that crosses a room's border. */
export class TelemetryError extends Error {
  override readonly name = 'TelemetryError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly context: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? false
    this.context = details.context ?? {}
  }
}

/** True for a TelemetryError, of the given code if one is named. */
export function isTelemetryError(error: unknown, code?: ErrorCode): error is TelemetryError {
  return error instanceof TelemetryError && (code === undefined || error.code === code)
}

/** Any thrown thing as a TelemetryError: one passes unchanged, all else becomes `code` with the cause kept. */
export function toTelemetryError(
  error: unknown,
  code: ErrorCode = 'INTERNAL',
  details: ErrorDetails = {},
): TelemetryError {
  if (error instanceof TelemetryError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new TelemetryError(code, message, { ...details, cause: error })
}
