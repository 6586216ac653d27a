// From an uplink's configuration to the options of one gRPC connection.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import type { UplinkContext } from '#domain/uplink.ts'
import { rpcAddress, type ClientOptions, type ClientTls, type RpcAddress } from '#rpc/client.ts'
import type { GrpcUplinkConfig } from './schema.ts'

/** Go and C++ servers throw out clients that ping more often than every 5 minutes, unless they are told otherwise. */
const DEFAULT_KEEPALIVE_MS = 6 * 60_000
const KEEPALIVE_TIMEOUT_MS = 10_000

/** Throws CONFIG_INVALID. */
export function addressOf({ tls, url }: GrpcUplinkConfig): RpcAddress {
  return rpcAddress(url, tls !== undefined)
}

/** Certificates are read anew for each connection, so that renewed ones are used. Throws CONFIG_INVALID. */
export async function clientOptions(
  config: GrpcUplinkConfig,
  { configDir }: Pick<UplinkContext, 'configDir'>,
): Promise<ClientOptions> {
  const address = addressOf(config)
  const keepaliveMs = config.keepalive ?? DEFAULT_KEEPALIVE_MS
  return {
    address,
    tls: address.isTls ? await tlsOf(config, configDir ?? '.') : null,
    token: config.token ?? null,
    keepaliveMs,
    keepaliveTimeoutMs: Math.min(KEEPALIVE_TIMEOUT_MS, keepaliveMs),
  }
}

async function tlsOf({ tls = {} }: GrpcUplinkConfig, folder: string): Promise<ClientTls> {
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new TelemetryError('CONFIG_INVALID', 'tls needs cert and key, or none of them', { retryable: true })
  const pem = (file: string | undefined) => (file === undefined ? null : read(resolve(folder, file)))
  return {
    ca: await pem(tls.ca),
    cert: await pem(tls.cert),
    key: await pem(tls.key),
    rejectUnauthorized: tls.rejectUnauthorized ?? true,
  }
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TelemetryError('CONFIG_INVALID', `The certificate file ${file} cannot be read`, {
      retryable: true,
      cause,
    })
  }
}
