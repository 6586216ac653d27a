// /metrics, /healthz and /readyz of the brain.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HealthReason } from '#domain/component.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Registry } from '#kit/metrics.ts'

export interface BrainHttpOptions {
  readonly registry: Registry
  readonly health: () => readonly HealthReason[]
}

export class BrainHttp {
  readonly #options: BrainHttpOptions
  readonly #server: Server

  constructor(options: BrainHttpOptions) {
    this.#options = options
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Resolves with the port. Throws PORT_IN_USE. */
  async listen(host: string, port: number): Promise<number> {
    try {
      this.#server.listen(port, host)
      await once(this.#server, 'listening')
    } catch (cause) {
      throw new TelemetryError('PORT_IN_USE', `HTTP cannot listen on ${host}:${port}`, { cause })
    }
    return (this.#server.address() as AddressInfo).port // it listens on a port, not on a pipe
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0]
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'text/plain', 'Only GET\n')
    if (path === '/healthz') return send(response, 200, 'application/json', '{"status":"ok"}\n')
    if (path === '/readyz') {
      const reasons = this.#options.health()
      const isReady = !reasons.some(({ blocking }) => blocking)
      const body = JSON.stringify({ status: isReady ? 'ready' : 'not-ready', reasons })
      return send(response, isReady ? 200 : 503, 'application/json', `${body}\n`)
    }
    if (path !== '/metrics') return send(response, 404, 'text/plain', 'There is nothing here\n')
    try {
      const { registry } = this.#options
      send(response, 200, registry.contentType, await registry.metrics())
    } catch (error) {
      send(response, 500, 'text/plain', `${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body)
}
