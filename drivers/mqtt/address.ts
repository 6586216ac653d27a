// Where a broker is, and who we are there: from a device's configuration to the options of mqtt.js.

import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IClientOptions } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import { urlCredentials } from '#kit/url-credentials.ts'
import { DEFAULT_KEEPALIVE_MS, DEFAULT_TIMEOUT_MS, type MqttDeviceConfig } from './schema.ts'

export type ConnectionConfig = NonNullable<MqttDeviceConfig['connection']> & { readonly url: string }

/** Longer than the connection's own limit, whose message is in plain words. */
const LIBRARY_TIMEOUT_MS = 120_000

export interface Address {
  /** Without credentials. */
  readonly url: string
  /** Host and port, for messages. */
  readonly name: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly clientId: string | undefined
  readonly protocol: 4 | 5
  readonly keepaliveSeconds: number
  readonly timeoutMs: number
  readonly tls: ConnectionConfig['tls']
}

export function addressOf(config: ConnectionConfig): Address {
  const url = new URL(config.url)
  const given = urlCredentials(url)
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    name: url.host,
    username: config.username ?? given.username,
    password: config.password ?? given.password,
    clientId: config.clientId,
    protocol: config.protocol === 5 ? 5 : 4,
    keepaliveSeconds: Math.ceil((config.keepalive ?? DEFAULT_KEEPALIVE_MS) / 1000),
    timeoutMs: config.timeout ?? DEFAULT_TIMEOUT_MS,
    tls: config.tls,
  }
}

/** The same for devices that may share a connection. Holds no secret. */
export function sharingKey(address: Address): string {
  return checksum(JSON.stringify(address))
}

/** Name of the session at the broker: the same at each start, so that the broker finds what it has kept for us. */
export function clientIdOf(address: Address, gateway: string | undefined): string {
  if (address.clientId !== undefined) return address.clientId
  return `telemetryx-${gateway ?? 'gateway'}-${checksum(`${address.url} ${address.username ?? ''}`).slice(0, 8)}`
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export interface ClientOptionsInput {
  readonly address: Address
  readonly gateway: string | undefined
  readonly maxPacketBytes: number
  /** Gives up what the broker has kept. */
  readonly forget: boolean
  /** A session of its own that ends with the connection: that of a running gateway stays as it is. */
  readonly isLook: boolean
}

/** Options of one connection. Certificates are read anew each time, so that renewed ones are used. Throws CONFIG_INVALID. */
export async function clientOptions({
  address,
  gateway,
  maxPacketBytes,
  forget,
  isLook,
}: ClientOptionsInput): Promise<IClientOptions> {
  const { ca, cert, key, rejectUnauthorized } = address.tls ?? {}
  const isFive = address.protocol === 5
  return {
    clientId: isLook ? `telemetryx-look-${randomUUID().slice(0, 8)}` : clientIdOf(address, gateway),
    username: address.username,
    password: address.password,
    protocolVersion: address.protocol,
    // The broker keeps what is not acknowledged: only the journal decides what is.
    clean: forget || isLook,
    keepalive: address.keepaliveSeconds,
    connectTimeout: LIBRARY_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    log: () => {},
    ...(isFive
      ? { properties: { sessionExpiryInterval: isLook ? 0 : 0xffff_ffff, maximumPacketSize: maxPacketBytes } }
      : {}),
    ca: await pem(ca),
    cert: await pem(cert),
    key: await pem(key),
    rejectUnauthorized: rejectUnauthorized ?? true,
  }
}

async function pem(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TelemetryError('CONFIG_INVALID', `The certificate file ${file} cannot be read`, {
      retryable: true,
      cause,
    })
  }
}
