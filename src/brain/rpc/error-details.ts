// Rich error details (google.rpc, AIP-193): the message that goes with a status as `grpc-status-details-bin`.
//
//   google.rpc.Status      { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
//   google.protobuf.Any    { string type_url = 1; bytes value = 2; }
//   google.rpc.BadRequest  { repeated FieldViolation field_violations = 1; }   FieldViolation { string field = 1; string description = 2; }
//   google.rpc.ErrorInfo   { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
//   google.rpc.RetryInfo   { google.protobuf.Duration retry_delay = 1; }       Duration { int64 seconds = 1; int32 nanos = 2; }

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

export const DETAILS_KEY = 'grpc-status-details-bin'
const DOMAIN = 'telemetryx'
/** Clients on gRPC's C core take 8 KiB of metadata, with the status message in it: what goes beyond is counted, not listed. */
const MAX_VIOLATIONS_LENGTH = 2500

/** What is wrong with one field of a request. */
export interface FieldViolation {
  /** Path of the field in the request, for example `rule.condition`. */
  readonly field: string
  /** For people. */
  readonly description: string
}

export interface StatusDetails {
  readonly code: number
  readonly message: string
  readonly violations: readonly FieldViolation[]
  /** When a retry may help; null: never, or at any time. */
  readonly retryAfterMs: number | null
  /** Why, in a word for programs: `TOKEN_MISSING`. */
  readonly reason: string
}

export function encodeDetails({ code, message, reason, retryAfterMs, violations }: StatusDetails): Buffer {
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(message)
  putAny(status, 'google.rpc.ErrorInfo', errorInfo(reason))
  if (violations.length > 0) putAny(status, 'google.rpc.BadRequest', badRequest(listed(violations)))
  if (retryAfterMs !== null) putAny(status, 'google.rpc.RetryInfo', retryInfo(retryAfterMs))
  return Buffer.from(status.finish())
}

function putAny(status: BinaryWriter, type: string, value: Uint8Array): void {
  status.tag(3, WireType.LengthDelimited).fork()
  status.tag(1, WireType.LengthDelimited).string(`type.googleapis.com/${type}`)
  status.tag(2, WireType.LengthDelimited).bytes(value)
  status.join()
}

function errorInfo(reason: string): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.LengthDelimited).string(reason)
  writer.tag(2, WireType.LengthDelimited).string(DOMAIN)
  return writer.finish()
}

/** The first ones, and how many there are more. */
function listed(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  let length = 0
  const end = violations.findIndex(({ description, field }) => {
    length += description.length + field.length
    return length > MAX_VIOLATIONS_LENGTH
  })
  if (end < 0) return violations
  const shown = violations.slice(0, Math.max(1, end)).map(({ description, field }) => ({
    field: field.slice(0, MAX_VIOLATIONS_LENGTH / 2),
    description: description.slice(0, MAX_VIOLATIONS_LENGTH / 2),
  }))
  const more = violations.length - shown.length
  return more === 0 ? shown : [...shown, { field: '', description: `${more} more fields are wrong` }]
}

function badRequest(violations: readonly FieldViolation[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const { description, field } of violations) {
    writer.tag(1, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string(field)
    writer.tag(2, WireType.LengthDelimited).string(description)
    writer.join()
  }
  return writer.finish()
}

function retryInfo(delayMs: number): Uint8Array {
  const seconds = Math.floor(delayMs / 1000)
  const nanos = Math.round((delayMs - seconds * 1000) * 1e6)
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork()
  if (seconds > 0) writer.tag(1, WireType.Varint).int64(seconds)
  if (nanos > 0) writer.tag(2, WireType.Varint).int32(nanos)
  return writer.join().finish()
}
