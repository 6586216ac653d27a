// What a socket ran into, in plain words. Told apart by codes, never by text.

import type { ErrorCode } from '#domain/errors.ts'

/** System errors of the socket and of name resolution (errno). */
const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nobody listens there',
  ECONNRESET: 'reset the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'does not answer',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached: no network',
  ENOTFOUND: 'has no address: the host name is unknown',
  EAI_AGAIN: 'has no address: name resolution does not answer',
}

/** Verification failures (X.509, as Node names them). */
const CERTIFICATE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not among the trusted ones',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not among the trusted ones',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not among the trusted ones',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet; is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host',
}

/** `peer`: host and port. null for a code that says nothing to people. */
export function describeSocketError(code: string, peer: string): { code: ErrorCode; message: string } | null {
  const system = SYSTEM[code]
  if (system !== undefined) return { code: 'CONNECTION_FAILED', message: `${peer} ${system}` }
  const certificate = CERTIFICATE[code]
  if (certificate !== undefined)
    return { code: 'UNAUTHENTICATED', message: `The certificate of ${peer} is not trusted: ${certificate}` }
  // TLS 1.3 refuses a client after the handshake, by an alert (RFC 8446 §6.2).
  if (/^ERR_SSL_.*(?:CERTIFICATE|UNKNOWN_CA|BAD_CERT)/.test(code))
    return { code: 'UNAUTHENTICATED', message: `${peer} does not accept our certificate, or wants one (${code})` }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return { code: 'CONNECTION_FAILED', message: `${peer} does not agree on TLS (${code})` }
  return null
}
