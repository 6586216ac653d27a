// What a server shows before one logs in: its endpoints and its certificate. Asked over an unsecured channel, as OPC UA
// provides (Part 4 §5.5); nothing of it is believed before the certificate is trusted.

import type { X509Certificate } from 'node:crypto'
import type { EndpointDescription } from 'node-opcua-client'
import { TelemetryError } from '#domain/errors.ts'
import { withDeadline } from '#kit/deadline.ts'
import type { Clock } from '#kit/clock.ts'
import { Channel } from './channel.ts'
import { opcuaError } from './failures.ts'
import type { Library } from './library.ts'
import { fingerprintOf, parseCertificate, type ApplicationIdentity, type Certificates } from './pki.ts'
import type { Security } from './security.ts'

export interface ServerQuery {
  readonly library: Library
  readonly identity: ApplicationIdentity
  readonly endpoint: string
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** The endpoints of a server. Throws CONNECTION_FAILED, TIMEOUT, ABORTED. */
export async function serverEndpoints(query: ServerQuery): Promise<readonly EndpointDescription[]> {
  const { library, identity, endpoint, timeoutMs, clock, signal } = query
  const what = `Asking ${endpoint} for its endpoints`
  const channel = new Channel({ library, identity, endpoint, security: null, serverCertificate: null })
  try {
    return await withDeadline({ clock, timeoutMs, what, signal }, async () => {
      await channel.open()
      return await channel.client.getEndpoints()
    })
  } catch (error) {
    throw opcuaError(error, 'CONNECTION_FAILED', `No connection to ${endpoint}`)
  } finally {
    channel.abort()
  }
}

/** The endpoint with the wanted security. Throws CONFIG_INVALID with what the server has instead. */
export function chooseEndpoint(
  endpoints: readonly EndpointDescription[],
  library: Library,
  security: Security,
): EndpointDescription {
  const wanted = library.MessageSecurityMode[security.mode]
  const found = endpoints.find((one) => one.securityPolicyUri === security.policyUri && one.securityMode === wanted)
  if (found !== undefined) return found
  const offered = [...new Set(endpoints.map((one) => endpointName(one, library)))].join(', ')
  throw new TelemetryError(
    'CONNECTION_FAILED',
    `The server has no endpoint with ${security.policy}/${security.mode}; it has: ${offered || 'none at all'}`,
    { context: { offered } },
  )
}

/** `Basic256Sha256/SignAndEncrypt` */
export function endpointName(endpoint: EndpointDescription, library: Library): string {
  const policy = endpoint.securityPolicyUri?.split('#')[1] ?? 'unknown'
  return `${policy}/${library.MessageSecurityMode[endpoint.securityMode] ?? 'unknown'}`
}

/** The certificates of an endpoint, the server's own first; empty when it has none. */
export function certificateChain(endpoint: EndpointDescription, library: Library): readonly X509Certificate[] {
  const bytes: Buffer | null = endpoint.serverCertificate
  if (bytes === null || bytes.length === 0) return []
  try {
    return library.crypto_utils.split_der(bytes).flatMap((der) => parseCertificate(der) ?? [])
  } catch {
    return []
  }
}

/** The server's certificate if it may be trusted now. Throws UNAUTHENTICATED with what to do. */
export async function trustedCertificate(
  chain: readonly X509Certificate[],
  options: {
    readonly pki: Certificates
    readonly endpoint: string
    readonly acceptExpired: boolean
    readonly nowMs: number
  },
): Promise<Buffer> {
  const { pki, endpoint, acceptExpired, nowMs } = options
  const leaf = chain[0]
  if (leaf === undefined) throw new TelemetryError('UNAUTHENTICATED', `${endpoint} shows no certificate`)
  const context = { fingerprint: fingerprintOf(leaf), subject: leaf.subject }
  const verdict = await pki.verdict(chain, new URL(endpoint).hostname)
  if (!verdict.isTrusted) {
    const where = pki.dataDir === null ? '' : ` --data ${pki.dataDir}`
    throw new TelemetryError(
      'UNAUTHENTICATED',
      `The certificate of ${endpoint} ${verdict.reason} (SHA-256 ${context.fingerprint}). If it is the right server: telemetryx trust opcua ${endpoint}${where}`,
      { context },
    )
  }
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (!acceptExpired && (nowMs < from || nowMs > to)) {
    const when = nowMs > to ? `expired on ${isoDay(to)}` : `is valid only from ${isoDay(from)} on`
    throw new TelemetryError(
      'UNAUTHENTICATED',
      `The certificate of ${endpoint} ${when}, and it is ${isoDay(nowMs)} here. Renew it on the server, set the clock, or set security.acceptExpired`,
      { context },
    )
  }
  return leaf.raw
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
