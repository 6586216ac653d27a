// Looks at a server from the command line, without a device: its certificates and endpoints before it is trusted, and its
// variables.

import type { X509Certificate } from 'node:crypto'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { browseVariables, type BrowseResult } from './browse.ts'
import { openConnection } from './connection.ts'
import { loadLibrary } from './library.ts'
import { parseNodeAddress } from './node-address.ts'
import { fingerprintOf, passingIdentity, Pki, type Verdict } from './pki.ts'
import { opcuaProblems } from './problems.ts'
import type { OpcuaDeviceConfig } from './schema.ts'
import { securityOf } from './security.ts'
import { certificateChain, endpointName, serverEndpoints } from './server-certificate.ts'

const TIMEOUT_MS = 7000

/** A certificate that a server shows, for people to compare with what the server's own pages say. */
export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  /** SHA-256 and SHA-1, `AB:CD:…`. */
  readonly fingerprint: string
  readonly sha1: string
  readonly validFrom: string
  readonly validTo: string
  readonly isTrusted: boolean
  /** Trusts it; returns the file. */
  trust(): Promise<string>
}

export interface InspectedServer {
  /** `Basic256Sha256/SignAndEncrypt`, … */
  readonly endpoints: readonly string[]
  readonly certificates: readonly ShownCertificate[]
}

/** Asks a server for its endpoints and certificates. Throws CONNECTION_FAILED, TIMEOUT, … */
export async function inspectServer(options: {
  readonly endpoint: string
  readonly pkiDir: string
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<InspectedServer> {
  const { endpoint, pkiDir, clock, signal } = options
  const library = await loadLibrary()
  const identity = await passingIdentity(library)
  const endpoints = await serverEndpoints({ library, identity, endpoint, timeoutMs: TIMEOUT_MS, clock, signal })
  const pki = new Pki(pkiDir)
  const chains = new Map<string, readonly X509Certificate[]>()
  for (const one of endpoints) {
    const chain = certificateChain(one, library)
    if (chain[0] !== undefined) chains.set(fingerprintOf(chain[0]), chain)
  }
  const host = new URL(endpoint).hostname
  const certificates = [...chains.values()].map(async (chain): Promise<ShownCertificate> => {
    const leaf = chain[0]!
    const verdict = await pki.verdict(chain, host)
    return {
      subject: oneLine(leaf.subject),
      issuer: oneLine(leaf.issuer),
      fingerprint: fingerprintOf(leaf),
      sha1: leaf.fingerprint,
      validFrom: new Date(leaf.validFrom).toISOString(),
      validTo: new Date(leaf.validTo).toISOString(),
      isTrusted: verdict.isTrusted,
      trust: () => pki.trust(leaf),
    }
  })
  return {
    endpoints: [...new Set(endpoints.map((one) => endpointName(one, library)))],
    certificates: await Promise.all(certificates),
  }
}

/** Names are the server's own words: on one line, and nothing that a terminal would obey. */
function oneLine(name: string): string {
  return name.replaceAll('\n', ', ').replaceAll(/\p{Cc}/gu, '?')
}

export interface ScanOptions {
  readonly connection: OpcuaDeviceConfig['connection']
  /** null: nothing is kept; without security there is nothing to keep. */
  readonly pkiDir: string | null
  /** Node id where the walk begins. */
  readonly start: string
  readonly depth: number
  readonly limit: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onProgress: (found: number) => void
}

/** The variables of a server. Throws what connecting and requests throw, and USAGE for a start that is no node id. */
export async function scanServer(options: ScanOptions): Promise<BrowseResult> {
  const { connection: config, clock, signal, pkiDir } = options
  const address = parseNodeAddress(options.start)
  if ('problem' in address) throw new TelemetryError('USAGE', address.problem)
  const problem = opcuaProblems({ connection: config }, [])[0]
  if (problem !== undefined) throw new TelemetryError('USAGE', problem.message)
  const library = await loadLibrary()
  const pki = pkiDir === null ? { dataDir: null, identity: passingIdentity, verdict: trustNobody } : new Pki(pkiDir)
  const connection = await openConnection(
    {
      library,
      pki,
      endpoint: config.endpoint,
      security: securityOf(config),
      user: config.user,
      timeoutMs: TIMEOUT_MS,
      clock,
      onLost: () => {}, // the request under way fails with the reason
    },
    signal,
  )
  try {
    const start = connection.nodeId(address)
    if (start === null) throw new TelemetryError('NOT_FOUND', `The server has no namespace ${address.namespace}`)
    return await browseVariables(connection, { ...options, start })
  } finally {
    await connection.close()
  }
}

const trustNobody = (): Promise<Verdict> => Promise.resolve({ isTrusted: false, reason: 'is not trusted' })
