// What people do with an OPC UA server before it is a device: trust it, and look for nodes. The driver's
// files are loaded when they are needed.

import { join } from 'node:path'
import type { BrowseResult } from '#drivers/opcua/browse.ts'
import type { InspectedServer, ScanOptions } from '#drivers/opcua/inspect.ts'
import { systemClock } from '#kit/clock.ts'

export type { FoundVariable } from '#drivers/opcua/browse.ts'

/** Its endpoints and certificates, with a way to trust them for the gateway of this data folder. */
export async function inspectOpcuaServer(endpoint: string, dataDir: string): Promise<InspectedServer> {
  const { inspectServer } = await import('#drivers/opcua/inspect.ts')
  return inspectServer({ endpoint, pkiDir: join(dataDir, 'opcua'), clock: systemClock, signal: never() })
}

export interface OpcuaScan extends Omit<ScanOptions, 'pkiDir' | 'clock' | 'signal'> {
  /** null: an unsecured connection, which keeps nothing. */
  readonly dataDir: string | null
  /** Absent: Ctrl-C ends the process. */
  readonly signal?: AbortSignal
}

/** The variables of a server. */
export async function scanOpcuaServer({ dataDir, ...options }: OpcuaScan): Promise<BrowseResult> {
  const { scanServer } = await import('#drivers/opcua/inspect.ts')
  const pkiDir = dataDir === null ? null : join(dataDir, 'opcua')
  return scanServer({ signal: never(), ...options, pkiDir, clock: systemClock })
}

function never(): AbortSignal {
  return new AbortController().signal // Ctrl-C ends the process
}
