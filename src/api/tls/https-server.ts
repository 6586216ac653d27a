// The servers behind Fastify when the API is encrypted. `localhost` may mean two of them (IPv4 and IPv6): all change their
// certificate together, and connections that are open keep the one that they began with.

import { createServer, type Server } from 'node:https'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import type { KeyPair } from './self-signed.ts'

/** Of every server of the API, encrypted or not. */
export const SERVER_LIMITS = {
  /** For a whole request to arrive. */
  requestTimeoutMs: 30_000,
  keepAliveMs: 72_000,
  maxConnections: 1024,
} as const

/** One that is not encrypted. */
export function plainServer(handler: RequestHandler): HttpServer {
  const server = createHttpServer(handler)
  server.requestTimeout = SERVER_LIMITS.requestTimeoutMs
  server.keepAliveTimeout = SERVER_LIMITS.keepAliveMs
  return server
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

export class HttpsServers {
  readonly #servers: Server[] = []
  #pair: KeyPair

  constructor(pair: KeyPair) {
    this.#pair = pair
  }

  /** A further server for `handler`. */
  make(handler: RequestHandler): Server {
    const server = createServer({ ...this.#pair, minVersion: 'TLSv1.2' }, handler)
    server.requestTimeout = SERVER_LIMITS.requestTimeoutMs
    server.keepAliveTimeout = SERVER_LIMITS.keepAliveMs
    server.maxConnections = SERVER_LIMITS.maxConnections
    this.#servers.push(server)
    return server
  }

  /** New connections get `pair`. Throws when it cannot be used; the former one then stays everywhere. */
  use(pair: KeyPair): void {
    for (const server of this.#servers) server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' })
    this.#pair = pair
  }
}
