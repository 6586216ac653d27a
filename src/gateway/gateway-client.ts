// Asks a gateway that runs on this machine what its API tells.

import { TelemetryError } from '#domain/errors.ts'
import type { LocalAnswer, LocalGateway } from './local-gateway.ts'

export interface GatewayClientOptions {
  /** `http://127.0.0.1:8080`, without a path. */
  readonly url: string
  /** Bearer token; null: none. */
  readonly token: string | null
  /** The gateway of this machine, asked in its own name: a token is not needed then, nor a certificate known. */
  readonly own?: LocalGateway | null
  /** For each answer, milliseconds. */
  readonly timeoutMs: number
}

export class GatewayClient {
  readonly #options: GatewayClientOptions

  constructor(options: GatewayClientOptions) {
    this.#options = options
  }

  /** True when a gateway answers there. */
  async isRunning(): Promise<boolean> {
    try {
      const body: unknown = JSON.parse(await this.text('/healthz'))
      return typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok'
    } catch {
      return false
    }
  }

  /** Body of an answer, whatever it says. Throws CONNECTION_FAILED, UNAUTHENTICATED, PERMISSION_DENIED, REJECTED. */
  async text(path: string): Promise<string> {
    const { token } = this.#options
    const { status, text } = await this.#answer(path)
    if (status === 401)
      throw new TelemetryError('UNAUTHENTICATED', token === null ? 'it needs a token' : 'the token is not valid')
    if (status === 403)
      throw new TelemetryError('PERMISSION_DENIED', "the token's role does not allow it: it must be engineer or admin")
    // Not ready is an answer too.
    if ((status < 200 || status > 299) && status !== 503)
      throw new TelemetryError('REJECTED', `the gateway answered with status ${status}`)
    return text
  }

  async #answer(path: string): Promise<LocalAnswer> {
    const { url, token, timeoutMs, own } = this.#options
    if (own) return own.get(path, timeoutMs)
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    try {
      const response = await fetch(url + path, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      throw new TelemetryError('CONNECTION_FAILED', `No gateway answers at ${url}`, { retryable: true, cause: error })
    }
  }

  /** All items of a list. Throws as `text` does, and PROTOCOL. */
  async items(path: string): Promise<readonly unknown[]> {
    const items: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`
      const page = parsePage(await this.text(path + query))
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }
}

function parsePage(text: string): { items: readonly unknown[]; next: string | null } {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items)) {
      return { items: body.items, next: 'next' in body && typeof body.next === 'string' ? body.next : null }
    }
  } catch {
    // Told below.
  }
  throw new TelemetryError('PROTOCOL', 'the answer is no list')
}
