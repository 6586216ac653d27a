// Listening on what the configuration says, with words for what goes wrong, and the address at which a browser finds it then.

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { ApiServer } from './context.ts'

export interface Listening {
  readonly host: string
  readonly port: number
  /** Anything but null and absent: encrypted. */
  readonly tls?: unknown
}

/** Throws PORT_IN_USE, CONFIG_INVALID. */
export async function listen(app: ApiServer, http: Listening): Promise<void> {
  const { host, port } = http
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenError(error, http)
  }
}

/** Whether `listen` could, without the server that it needs. Throws what it throws. */
export async function checkListening(http: Listening): Promise<void> {
  const { host, port } = http
  const server = createServer((socket) => socket.destroy())
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, http)
  }
  server.close()
  await once(server, 'close')
}

function listenError(error: unknown, { host, port }: Listening): TelemetryError {
  const details = { cause: error, context: { host, port } }
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is already in use; choose another one as http.port`
    return new TelemetryError('PORT_IN_USE', message, details)
  }
  if (code === 'EACCES') {
    const message = `Port ${port} needs privileges; choose one above 1023 as http.port`
    return new TelemetryError('CONFIG_INVALID', message, details)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const message = `${host} is not an address of this machine; correct http.host`
    return new TelemetryError('CONFIG_INVALID', message, details)
  }
  return toTelemetryError(error, 'CONNECTION_FAILED', details)
}

/** Where a browser finds it: a wildcard address becomes the first one that other machines can reach. */
export function urlOf(address: AddressInfo, { host, tls }: Listening): string {
  const isWildcard = host === '0.0.0.0' || host === '::' || host === '[::]'
  const name = isWildcard ? (outwardAddress() ?? '127.0.0.1') : host.replace(/^\[|\]$/g, '')
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${address.port}`
}

function outwardAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}
