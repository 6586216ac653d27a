// What a failure means: any thrown thing as a TelemetryError, its kind for the statistics, its status for the sensors.

import { TelemetryError, toTelemetryError, type ErrorCode } from '#domain/errors.ts'
import { Status, type StatusCode } from '#domain/quality.ts'

/** Whatever a driver threw. What is no TelemetryError is a fault in the driver: INTERNAL. */
export function driverError(thrown: unknown): TelemetryError {
  try {
    return toTelemetryError(thrown)
  } catch {
    // An object without a string form, for example.
    return new TelemetryError('INTERNAL', 'The driver threw a value that cannot be shown')
  }
}

/** Cause given to `lost`: CONNECTION_LOST unless it says more. */
export function lossError(cause: unknown): TelemetryError {
  if (cause instanceof TelemetryError) return cause
  const detail = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
  return new TelemetryError('CONNECTION_LOST', `The connection was lost${detail}`, { retryable: true, cause })
}

/** `CONNECTION_LOST` → `connection-lost`. */
export function errorKind(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-')
}

/** True when the error says that the connection itself is gone. */
export function isConnectionGone(error: TelemetryError): boolean {
  return error.code === 'CONNECTION_LOST' || error.code === 'CONNECTION_FAILED'
}

const STATUS_OF: Partial<Record<ErrorCode, StatusCode>> = {
  TIMEOUT: Status.BadTimeout,
  CONNECTION_FAILED: Status.BadNotConnected,
  PROTOCOL: Status.BadDecodingError,
  DEVICE_EXCEPTION: Status.BadDeviceFailure,
  UNAUTHENTICATED: Status.BadUserAccessDenied,
  PERMISSION_DENIED: Status.BadUserAccessDenied,
  NOT_FOUND: Status.BadNotFound,
  CONFIG_INVALID: Status.BadConfigurationError,
  INTERNAL: Status.BadInternalError,
}

/** Status that sensors get when their device fails with this error. */
export function failureStatus(error: TelemetryError): StatusCode {
  return STATUS_OF[error.code] ?? Status.BadCommunicationError
}

/** Requests that a failed poll sent: as the driver says in `context.requests`, else the one that failed. */
export function requestsOf(error: TelemetryError): number {
  const told = error.context['requests']
  if (typeof told === 'number' && told >= 0) return told
  return error.code === 'TIMEOUT' || error.code === 'PROTOCOL' || error.code === 'DEVICE_EXCEPTION' ? 1 : 0
}
