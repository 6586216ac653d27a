// Quality of a reading: OPC UA status codes by name, and the coarse grade beside them.
// Codes are the 32-bit values of OPC UA Part 6, Annex A (StatusCode.csv of the OPC Foundation).

/** A 32-bit OPC UA status code, unsigned. The two top bits are the severity: 0 good, 1 uncertain, 2 bad. */
export type StatusCode = number

export type Quality = 'good' | 'uncertain' | 'bad'

/** The status codes that TelemetryX gives. Drivers may pass on any other code that a source reports. */
export const Status = {
  Good: 0x00000000,
  GoodLocalOverride: 0x00960000,
  UncertainLastUsableValue: 0x40900000,
  UncertainSensorNotAccurate: 0x40930000,
  UncertainEngineeringUnitsExceeded: 0x40940000,
  UncertainInitialValue: 0x40920000,
  UncertainSubNormal: 0x40950000,
  Bad: 0x80000000,
  BadUnexpectedError: 0x80010000,
  BadInternalError: 0x80020000,
  BadOutOfMemory: 0x80030000,
  BadCommunicationError: 0x80050000,
  BadTimeout: 0x800a0000,
  BadShutdown: 0x800c0000,
  BadServerNotConnected: 0x800d0000,
  BadNothingToDo: 0x800f0000,
  BadTooManyOperations: 0x80100000,
  BadUserAccessDenied: 0x801f0000,
  BadWaitingForInitialData: 0x80320000,
  BadNodeIdUnknown: 0x80340000,
  BadNotReadable: 0x803a0000,
  BadNotWritable: 0x803b0000,
  BadOutOfRange: 0x803c0000,
  BadNotSupported: 0x803d0000,
  BadNotFound: 0x803e0000,
  BadDecodingError: 0x80070000,
  BadTypeMismatch: 0x80740000,
  BadConfigurationError: 0x80890000,
  BadNotConnected: 0x808a0000,
  BadDeviceFailure: 0x808b0000,
  BadSensorFailure: 0x808c0000,
  BadOutOfService: 0x808d0000,
  BadNoData: 0x809b0000,
  BadDataLost: 0x809d0000,
} as const satisfies Record<string, StatusCode>

const NAMES = new Map<StatusCode, string>(Object.entries(Status).map(([name, code]) => [code, name]))
const CODES = new Map<string, StatusCode>(Object.entries(Status))

/** Coarse grade of a status code. Codes of the reserved severity 3 count as bad. */
export function qualityOf(status: StatusCode): Quality {
  const severity = status >>> 30
  return severity === 0 ? 'good' : severity === 1 ? 'uncertain' : 'bad'
}

/** True for the codes that carry no value. */
export function isBad(status: StatusCode): boolean {
  return status >>> 31 === 1
}

/** True when the value may be used without reserve, and may train a detector. */
export function isGood(status: StatusCode): boolean {
  return status >>> 30 === 0
}

/** Name of a status code; an unknown one is shown as its grade and hexadecimal code, `Bad(0x80FF0000)`. */
export function statusName(status: StatusCode): string {
  const known = NAMES.get(status)
  if (known !== undefined) return known
  const grade = { good: 'Good', uncertain: 'Uncertain', bad: 'Bad' }[qualityOf(status)]
  return `${grade}(0x${status.toString(16).padStart(8, '0').toUpperCase()})`
}

/** Code of a status name as `statusName` writes it; null when it is neither known nor of the hexadecimal form. */
export function statusFromName(name: string): StatusCode | null {
  const known = CODES.get(name)
  if (known !== undefined) return known
  const hex = /^(?:Good|Uncertain|Bad)\(0x([0-9A-F]{8})\)$/.exec(name)
  return hex ? Number.parseInt(hex[1]!, 16) : null
}
